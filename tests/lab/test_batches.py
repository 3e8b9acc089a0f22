"""What the sources of batches share: no epochs, one draw per seed and index, any device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from whyformer.lab.method.batches import EndlessBatches, TensorBatch, generator_of


@dataclass(frozen=True)
class Rows(TensorBatch):
    ids: Tensor
    pairs: "Rows | None" = None


def test_every_tensor_of_a_batch_is_moved_nested_ones_too():
    moved = Rows(torch.ones(2), Rows(torch.ones(3))).to("meta")
    assert isinstance(moved, Rows)
    assert moved.ids.device.type == "meta"
    assert moved.pairs is not None
    assert moved.pairs.ids.device.type == "meta"
    assert moved.pairs.pairs is None


def test_a_batch_is_drawn_by_seed_and_index_alone():
    draws = {
        place: torch.rand(4, generator=generator_of(*place)).tolist()
        for place in ((0, 0), (0, 1), (1, 0))
    }
    assert len({tuple(draw) for draw in draws.values()}) == 3
    assert draws[1, 0] == torch.rand(4, generator=generator_of(1, 0)).tolist()


def test_no_run_reaches_the_end():
    assert EndlessBatches().count(0) > 1_000_000_000
