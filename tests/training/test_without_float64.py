"""On mps, which has no float64, neither an update nor a draw asks the device for it."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import tiny
from whyformer.decoding.sampling import draw, likely
from whyformer.decoding.settings import SearchSettings
from whyformer.training.loop import fit, start
from whyformer.training.optimizers import OPTIMIZERS
from whyformer.training.settings import TrainingSettings


class Watch(TorchDispatchMode):
    """Collects the operations that return float64."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if any(
            isinstance(x, torch.Tensor) and x.dtype is torch.float64 for x in tree_leaves(result)
        ):
            self.found.add(str(func))
        return result


@pytest.fixture
def without_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (
        "foundation.devices",
        "acceleration.cross_entropy",
        "blocks.positions",
        "decoding.sampling",
    ):
        monkeypatch.setattr(f"whyformer.{module}.exact_dtype", lambda device: torch.float32)


def update(**changes: Any) -> set[str]:
    settings = TrainingSettings(
        updates=2, batch_tokens=64, warmup=1, label_smoothing=0.1, **changes
    )
    state = start(tiny.build(0, encoder_layers=1, decoder_layers=1), settings)
    with Watch() as watch:
        list(fit(state, tiny.CopyBatches(), settings, d_model=16))
    return watch.found


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_update_computes_in_float64(without_float64: None, optimizer: str) -> None:
    assert update(optimizer=optimizer) == set()


def test_the_sum_of_the_loss_is_in_float64_where_it_can_be() -> None:
    assert update()


def test_tables_of_positions_need_no_float64(without_float64: None) -> None:
    from whyformer.blocks.positions import sinusoids

    with Watch() as watch:
        table = sinusoids(torch.arange(64), 16)
    assert watch.found == set()
    assert table.dtype is torch.float32


def test_draws_need_no_float64(without_float64: None) -> None:
    logits = torch.randn(3, 7)
    with Watch() as watch:
        probabilities = likely(logits, SearchSettings(method="sample", beam=1, top_p=0.9))
        drawn = draw(probabilities, torch.tensor([0.0, 0.5, 0.999999]))
    assert watch.found == set()
    assert (probabilities.gather(-1, drawn[:, None]) > 0).all()
