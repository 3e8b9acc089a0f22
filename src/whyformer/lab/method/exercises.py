"""Rows of random symbols with an answer at each position, to train and test small models."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from whyformer.lab.method.batches import EndlessBatches, TensorBatch, generator_of
from whyformer.training.loss import Loss, fused_cross_entropy

Task = Literal["copy", "first", "modulo"]
"""copy: the symbol ``lag`` positions earlier; first: the first symbol of the row; modulo: the
position modulo the number of symbols."""


@dataclass(frozen=True)
class Exercise(TensorBatch):
    """Rows of random symbols, and the answer at each position; -1 for a position without answer."""

    target: Tensor
    labels: Tensor

    @property
    def tokens(self) -> int:
        """Return the number of answers in the batch."""
        return int((self.labels >= 0).sum())


@dataclass(frozen=True)
class Exercises(EndlessBatches):
    """A `BatchSource` of one task. The seed and the index determine each batch.

    Args: lag: the first ``lag`` positions of a row have no answer.
    """

    task: Task
    symbols: int
    length: int
    rows: int
    seed: int
    lag: int = 0

    def batch(self, epoch: int, index: int) -> Exercise:
        """Return the batch with this ``index``; ``epoch`` is ignored."""
        generator = generator_of(self.seed, index)
        drawn = torch.randint(self.symbols, (self.rows, self.length), generator=generator)
        if self.task == "copy":
            labels = drawn.roll(self.lag, 1)
        elif self.task == "first":
            labels = drawn[:, :1].repeat(1, self.length)
        else:
            labels = (torch.arange(self.length) % self.symbols).repeat(self.rows, 1)
        labels[:, : self.lag] = -1
        return Exercise(drawn, labels)


def exercise_loss(model: nn.Module, batch: Exercise, smoothing: float) -> Loss:
    """Return the sum of the loss over all positions that have an answer.

    Args: model: a model with `features` and `projection`.
    """
    answering: Any = model
    features, labels = answering.features(batch.target).flatten(0, 1), batch.labels.flatten()
    real = (labels >= 0).nonzero().squeeze(1)
    weight = answering.projection.weight
    return fused_cross_entropy(features[real], weight, labels[real], smoothing)


@torch.no_grad()
def accuracies(model: nn.Module, test: Exercise) -> Tensor:
    """Return the accuracy at each position of a row; NaN for a position without answer."""
    answering: Any = model.eval()
    answers = answering.projection(answering.features(test.target)).argmax(-1)
    right = (answers == test.labels).double().mean(0)
    return torch.where(test.labels[0] >= 0, right, torch.nan)
