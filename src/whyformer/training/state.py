"""What the training loop works on: batches, and all that changes while training."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from whyformer.training.averaging import WeightAverage
from whyformer.training.distributed import Together


@runtime_checkable
class AnyBatch(Protocol):
    """What the loop asks of a batch; what is in it is between its maker and the loss."""

    @property
    def tokens(self) -> int:
        """What the batch's sum of losses is divided by."""
        ...

    def to(self, device: torch.device | str) -> "AnyBatch":
        """Return the batch with its tensors on ``device``."""
        ...


@runtime_checkable
class BatchSource(Protocol):
    """Batch ``index`` of ``epoch``, always the same one."""

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        ...

    def batch(self, epoch: int, index: int) -> AnyBatch:
        """Return one batch."""
        ...


@dataclass
class TrainingState:
    """All that changes while training; a checkpoint holds this and the random streams."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage
    together: Together
    """Who computes: this process alone, or several ranks."""
    step: int = 0
    epoch: int = 0
    next_batch: int = 0
