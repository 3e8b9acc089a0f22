"""Base classes for batches that an experiment generates."""

from dataclasses import fields, replace
from typing import Any, TypeVar

import torch

T = TypeVar("T", bound="TensorBatch")


class EndlessBatches:
    """A `BatchSource` without epochs: the seed and the index determine each batch."""

    def count(self, epoch: int) -> int:
        """Return a number larger than any number of updates."""
        return 1 << 40


def generator_of(seed: int, index: int) -> torch.Generator:
    """Return the random generator of one batch, which the seed and the index determine."""
    return torch.Generator().manual_seed(seed * 1_000_003 + index)


class TensorBatch:
    """A batch that is a dataclass of tensors and other batches. A field may be None."""

    def to(self: T, device: torch.device | str) -> T:
        """Return the batch on ``device``."""
        batch: Any = self  # the type checker does not know that subclasses are dataclasses
        moved = {
            field.name: getattr(batch, field.name).to(device)
            for field in fields(batch)
            if getattr(batch, field.name) is not None
        }
        return replace(batch, **moved)
