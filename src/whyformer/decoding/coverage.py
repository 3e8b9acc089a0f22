"""Coverage penalties: rank hypotheses also by how much attention each source token received.

A translation that leaves out a part of the source gives this part little attention. The penalty
applies to complete hypotheses. So the search keeps all of them, and the model then reads each
hypothesis once more with the explicit attention, which returns its weights.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from whyformer.decoding.hypotheses import Best, Hypothesis
from whyformer.decoding.lines import Line, pair_batches
from whyformer.decoding.padding import pad
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError
from whyformer.models.interface import SequenceModel
from whyformer.text.symbols import BOS

LEAST = 1e-6
"""Smaller sums of attention count as this value, so that the logarithm is finite."""
BATCH_TOKENS = 4096
"""Maximum number of tokens of a batch, including padding, when the model reads hypotheses again."""


class CoveragePenalty(ABC):
    """A number that is added to the score of a hypothesis; it is at most 0."""

    @abstractmethod
    def __call__(self, coverage: Float[Tensor, " source"]) -> float:
        """Return the penalty. Args: coverage: for each source token, the sum of its attention
        weights over all target tokens."""


class WuPenalty(CoveragePenalty):
    """cp = Σᵢ log min(Σⱼ pᵢⱼ, 1), where pᵢⱼ is the attention of target token j to source token i.

    Paper: Wu et al. 2016 (arXiv:1609.08144), §7, Eq. 14.

    >>> round(WuPenalty()(torch.tensor([0.5, 2.0, 0.25])), 4)  # log 0.5 + log 0.25
    -2.0794
    """

    def __call__(self, coverage: Float[Tensor, " source"]) -> float:
        """See `CoveragePenalty`."""
        return float(coverage.clamp(LEAST, 1.0).log().sum())


class SummaryPenalty(CoveragePenalty):
    """cp = −Σᵢ (max(Σⱼ pᵢⱼ, 1) − 1): the attention that a source token received beyond 1.

    Source: the penalty `summary` of OpenNMT (Gehrmann et al. 2018, arXiv:1808.10792, §4.1).

    >>> SummaryPenalty()(torch.tensor([0.5, 2.0, 1.25]))
    -1.25
    """

    def __call__(self, coverage: Float[Tensor, " source"]) -> float:
        """See `CoveragePenalty`."""
        return -float((coverage - 1.0).clamp_min(0.0).sum())


PENALTIES: dict[str, type[CoveragePenalty]] = {"wu": WuPenalty, "summary": SummaryPenalty}
"""The penalties by the value of the setting `coverage`."""


def all_hypotheses(settings: SearchSettings) -> SearchSettings:
    """Return the settings of the search before its hypotheses are ranked again: the search returns
    all hypotheses of its beam."""
    return settings.model_copy(update={"nbest": settings.beam})


def ranked_by_coverage(
    models: Sequence[SequenceModel],
    lines: Sequence[Line],
    found: Sequence[Sequence[Hypothesis]],
    settings: SearchSettings,
    device: torch.device,
) -> list[list[Hypothesis]]:
    """Return the best `nbest` hypotheses of each line by score plus β × penalty.

    The attention is that of the last decoder layer, averaged over heads and models. The eos of the
    source does not count.
    Args: found: all hypotheses of each line.
    Raises: UsageError when a model has no attention to its source.
    """
    penalty = PENALTIES[settings.coverage]()
    owned = [(row, one) for row, some in enumerate(found) for one in some]
    pairs = [
        replace(
            lines[row], index=number, prefix=[BOS, *one.tokens][: len(one.tokens) + one.finished]
        )
        for number, (row, one) in enumerate(owned)
    ]
    best = [Best(settings.nbest) for _ in lines]
    scored: list[Hypothesis | None] = [None] * len(owned)
    for batch in pair_batches([one for one in pairs if one.prefix], BATCH_TOKENS):
        for line, weights in zip(batch, _weights(models, batch, device), strict=True):
            one = owned[line.index][1]
            coverage = weights[: len(line.prefix), : len(line.ids) - 1].sum(0)
            score = one.score + settings.coverage_penalty * penalty(coverage)
            scored[line.index] = replace(one, score=score)
    for (row, one), new in zip(owned, scored, strict=True):
        best[row].add(one if new is None else new)
    return [one.kept for one in best]


def _weights(
    models: Sequence[SequenceModel], batch: Sequence[Line], device: torch.device
) -> Float[Tensor, "batch target source"]:
    source, real = pad([line.ids for line in batch], device)
    target, _ = pad([line.prefix for line in batch], device)
    try:
        found = [model.source_weights(source, real, target) for model in models]
    except LookupError:
        raise UsageError(
            "A coverage penalty needs attention weights over the source, but this model has no "
            "attention. Leave `coverage_penalty` out."
        ) from None
    return torch.stack(found).float().mean(0).cpu().double()
