"""Distillation: a student learns from the probabilities of one or several teachers."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from whyformer.foundation.bounds import MAX_FACTOR
from whyformer.foundation.config import Settings
from whyformer.training.loss import Loss


class Level(StrEnum):
    """What a student learns from its teachers."""

    WORD = "word"
    """The probabilities of each prediction."""
    SEQUENCE = "sequence"
    """Whole outputs: the best outputs of the teachers are the training targets."""


class DistillationSettings(Settings):
    """The teachers of a run, and how much the student learns from them."""

    teachers: list[str] = []
    """Paths of the runs to learn from. The mean of their probabilities is the target."""
    level: Level = Level.WORD
    """What the student learns: the probabilities of each prediction (`word`) or, for the task
    `translate`, the best outputs of the teachers (`sequence`)."""
    nbest: int = Field(default=1, ge=1, le=1000)
    """Only for the level `sequence`: number of outputs of the teachers for each source. The one
    that is nearest to the target of the data becomes the training target."""
    weight: float = Field(default=0.5, ge=0, le=1)
    """Only for the level `word`: weight of the teachers' probabilities in the loss; the weight of
    the labels is 1 minus this value."""
    hidden: float = Field(default=0.0, ge=0, le=MAX_FACTOR)
    """Only for the level `word` and encoders (`model.family` bert): weight of the hidden states in
    the loss. The hidden states of the student shall point in the direction of those of the
    teachers, layer by layer. Student and teachers must have the same `model.d_model`."""
    temperature: float = Field(default=1.0, gt=0, le=MAX_FACTOR)
    """The logits of student and teachers are divided by the temperature for the teachers' part of
    the loss. A value above 1 shows more of the probabilities of wrong answers."""


class Outputs(NamedTuple):
    """What a model predicts in a batch, and the right answers; one row for each prediction."""

    logits: Float[Tensor, "rows classes"]
    labels: Int[Tensor, "rows"]


def distilled(
    student: Outputs,
    taught: Float[Tensor, "rows classes"],
    *,
    smoothing: float,
    weight: float,
    temperature: float,
) -> Loss:
    """Return (1-w)·(cross-entropy of the labels) + w·T²·(cross-entropy of the teachers), summed
    over rows.

    Paper: Hinton et al. 2015 (arXiv:1503.02531), §2 (soft targets, and the factor T²); Kim & Rush
    2016 (arXiv:1606.07947), §3.1 (word-level distillation of sequences).
    Args: taught: probabilities of the teachers at temperature T.
    """
    log_p = student.logits.log_softmax(-1)
    nll = -log_p.gather(1, student.labels[:, None]).sum()
    hard = (1 - smoothing) * nll - smoothing * log_p.mean(-1).sum()
    soft = -(taught * (student.logits / temperature).log_softmax(-1)).sum()
    return Loss((1 - weight) * hard + weight * temperature**2 * soft, nll.detach())


def matched_layers(student: int, teacher: int) -> list[int]:
    """Return, for each layer of the student, a layer of the teacher, both counted from 0. The last
    layers belong together, and the others are spread evenly.

    Paper: Jiao et al. 2020 (arXiv:1909.10351), §3.2: the mapping g(m) = m · N / M.

    >>> matched_layers(2, 6), matched_layers(3, 4)
    ([2, 5], [1, 2, 3])
    """
    return [-(-(layer + 1) * teacher // student) - 1 for layer in range(student)]


def direction_loss(
    student: Sequence[Float[Tensor, "batch length d_model"]],
    teacher: Sequence[Float[Tensor, "batch length d_model"]],
    real: Bool[Tensor, "batch length"] | None,
) -> Float[Tensor, ""]:
    """Return 1 - cosine of the hidden states of student and teacher, averaged over layers and real
    tokens.

    Paper: Sanh et al. 2019 (arXiv:1910.01108), §3 (cosine embedding loss).
    Differs: all layers of the student are compared (Jiao et al. 2020, §3.1), not the last one only.
    Args: student, teacher: the output of each layer.
    """
    matched = matched_layers(len(student), len(teacher))
    losses: list[Tensor] = []
    for own, place in zip(student, matched, strict=True):
        distance = 1 - F.cosine_similarity(own, teacher[place], dim=-1)
        losses.append(distance.mean() if real is None else distance[real].mean())
    return torch.stack(losses).mean()


@torch.no_grad()
def mean_probabilities(
    logits: list[Float[Tensor, "rows classes"]], temperature: float
) -> Float[Tensor, "rows classes"]:
    """Return the mean of the probabilities of several teachers at a temperature."""
    shares = [(one / temperature).softmax(-1) for one in logits]
    return torch.stack(shares).mean(0)
