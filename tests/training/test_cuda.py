"""On a GPU: every optimizer trains, and goes on from a checkpoint with its state where it was."""

import pytest
import torch

import tiny
from whyformer.training.averaging import Averaging
from whyformer.training.checkpoints import load_checkpoint, save_checkpoint
from whyformer.training.loop import TrainingSettings, fit, start
from whyformer.training.optimizers import OptimizerKind

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.parametrize("average", Averaging)
@pytest.mark.parametrize("optimizer", OptimizerKind)
def test_every_optimizer_trains_and_goes_on(optimizer, average, tmp_path):
    batches = tiny.FixedBatches([tiny.copy_batch(1, rows=4)])
    losses: list[float] = []
    for updates in (10, 25):
        settings = TrainingSettings(
            updates=updates,
            learning_rate=3e-3,
            schedule="constant",
            warmup=5,
            optimizer=optimizer,
            average=average,
            matrix_ratio=3.0,
        )
        state = start(tiny.build(0, dropout=0.1).cuda(), settings)
        if losses:
            load_checkpoint(tmp_path / "checkpoint", state)
        for report in fit(state, batches, settings, d_model=16):
            losses.append(report.loss)
        state.average.remember(state.model)
        save_checkpoint(tmp_path / "checkpoint", state, {})
    assert len(losses) == 25
    assert losses[-1] < 0.9 * losses[0]
    assert all(w.is_cuda for w in state.average.weights(state.model).values())
