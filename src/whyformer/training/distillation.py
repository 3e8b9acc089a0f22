"""Distillation: a student learns from the probabilities of one or several teachers."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from whyformer.foundation.bounds import MAX_FACTOR
from whyformer.foundation.config import Settings
from whyformer.training.loss import Loss


class DistillationSettings(Settings):
    """The teachers of a run, and how much the student learns from them."""

    teachers: list[str] = []
    """Paths of the runs to learn from. The mean of their probabilities is the target."""
    weight: float = Field(default=0.5, ge=0, le=1)
    """Weight of the teachers' probabilities in the loss; the weight of the labels is 1 minus this
    value."""
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


@torch.no_grad()
def mean_probabilities(
    logits: list[Float[Tensor, "rows classes"]], temperature: float
) -> Float[Tensor, "rows classes"]:
    """Return the mean of the probabilities of several teachers at a temperature."""
    shares = [(one / temperature).softmax(-1) for one in logits]
    return torch.stack(shares).mean(0)
