"""Small models learn to copy sequences they have never seen, in seconds on one core."""

import pytest
import torch
from torch import Tensor

import tiny
from whyformer.foundation.randomness import seed_everything
from whyformer.models.build import Model, ModelSettings, build_model
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import TransformerSettings
from whyformer.text.symbols import BOS, EOS
from whyformer.training.loop import fit, start
from whyformer.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("unchecked")


@torch.no_grad()
def greedy(model: Model, source: Tensor, real: Tensor | None, limit: int) -> list[list[int]]:
    state = model.begin(source, real)
    token, said = torch.full((len(source), 1), BOS), []
    for _ in range(limit):
        logits, state = model.step(state, token)
        token = logits.argmax(-1, keepdim=True)
        said.append(token)
    rows = torch.cat(said, 1).tolist()
    return [row[: row.index(EOS)] if EOS in row else row for row in rows]


@pytest.mark.parametrize(
    "shape",
    [
        TransformerSettings(
            encoder_layers=1, decoder_layers=1, d_model=64, heads=4, d_ff=128, dropout=0.0
        ),
        RecurrentSettings(encoder_layers=1, decoder_layers=1, d_model=64, dropout=0.0),
    ],
    ids=lambda shape: shape.family,
)
def test_copying_is_learned_to_near_perfection(shape: ModelSettings):
    seed_everything(1)
    model = build_model(shape, (tiny.VOCABULARY, tiny.VOCABULARY), shared=True)
    settings = TrainingSettings(
        updates=250, learning_rate=4e-3, schedule="linear", warmup=40, label_smoothing=0.1
    )
    batches = tiny.CopyBatches(per_epoch=1000, rows=32, longest=6)
    for _ in fit(start(model, settings), batches, settings, d_model=64):
        pass
    model.eval()
    unseen = tiny.copy_batch(10**6, rows=300, longest=6)
    said = greedy(model, unseen.source, unseen.source_real, limit=8)
    wanted = [row[: row.index(EOS)] for row in unseen.source.tolist()]
    right = sum(a == b for a, b in zip(said, wanted, strict=True))
    assert right >= 0.98 * len(wanted)
