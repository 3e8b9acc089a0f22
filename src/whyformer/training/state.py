"""The inputs of the training loop: batches, and the state that changes in training."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from whyformer.training.averaging import WeightAverage
from whyformer.training.distributed import Parallelism


@runtime_checkable
class AnyBatch(Protocol):
    """The interface of a batch in the training loop. The loop does not use the content of a
    batch."""

    @property
    def tokens(self) -> int:
        """The number of tokens by which the sum of the losses is divided."""
        ...

    def to(self, device: torch.device | str) -> "AnyBatch":
        """Return the batch with its tensors on ``device``."""
        ...


@runtime_checkable
class BatchSource(Protocol):
    """A reproducible source of batches: equal ``epoch`` and ``index`` give the same batch."""

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        ...

    def batch(self, epoch: int, index: int) -> AnyBatch:
        """Return the batch with this ``index`` in this ``epoch``."""
        ...


@dataclass
class TrainingState:
    """The state that changes in training. A checkpoint stores this state and the random states."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage
    parallelism: Parallelism
    """The object that computes the loss, on a single rank or on several ranks."""
    step: int = 0
    epoch: int = 0
    next_batch: int = 0
