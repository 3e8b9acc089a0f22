"""A queue of sentences for a search: when sentences end, waiting sentences join the running search.

Without a queue, only one or two sentences of a batch remain in the last steps. Each of these steps
costs nearly as much as a step for all sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast, runtime_checkable

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.decoding.candidates import Stepper
from whyformer.decoding.capacity import SearchCapacity
from whyformer.decoding.constraints import Constraint
from whyformer.decoding.prefixes import Prefixes
from whyformer.decoding.text_prefix import TextPrefix

MOSTLY_ENDED = 4
"""Ended sentences are dropped only when at least 1 of 4 sentences has ended, because dropping
copies all other sentences."""


@runtime_checkable
class SupportsJoin(Stepper, Protocol):
    """A `Stepper` that lets new sentences join a running search."""

    def join(self, state: Any, newcomers: Any) -> Any:
        """See `SequenceModel.join`."""
        ...


@dataclass(frozen=True)
class Cohort:
    """Sentences that join a search in the same step.

    Args:
        source: ids with eos.
        source_real: True = a real token, False = padding; None when nothing is padded.
        limits: maximum number of target tokens of each sentence, excluding eos.
        prefixes: tokens or a text that the hypotheses of each sentence must start with; None means
            no prefixes.
    """

    source: Int[Tensor, "sentences source"]
    source_real: Bool[Tensor, "sentences source"] | None
    limits: Sequence[int]
    prefixes: Sequence[Sequence[int] | TextPrefix] | None = None


@dataclass
class Queue:
    """The cohorts of a search. Sentences are numbered across all cohorts.

    Args:
        cohorts: the cohorts in the order in which they start.
        capacity: the maximum size of the running search.
        constraints: constraints in addition to those of the search settings.
    """

    cohorts: Sequence[Cohort]
    capacity: SearchCapacity = field(default_factory=SearchCapacity)
    constraints: Sequence[Constraint] = ()
    started: int = 0
    """Number of cohorts that have started."""
    first: int = 0
    """Number of the next sentence to start."""
    limit: Int[Tensor, "sentences"] = field(init=False)
    prefixes: Prefixes = field(init=False)
    device: torch.device = field(init=False)

    def __post_init__(self) -> None:
        limits = [limit for cohort in self.cohorts for limit in cohort.limits]
        prefixes = [one for c in self.cohorts for one in c.prefixes or [()] * len(c.limits)]
        self.limit = torch.tensor(limits, dtype=torch.long)
        self.prefixes = Prefixes(prefixes, limits)
        self.device = self.cohorts[0].source.device if self.cohorts else torch.device("cpu")
        self._lengths = torch.cat([_lengths(cohort) for cohort in self.cohorts] or [self.limit])

    def __len__(self) -> int:
        return len(self.limit)

    def waits(self, live: Int[Tensor, "live"]) -> bool:
        """Return whether a next cohort exists and fits into the search with ``live`` sentences.

        Args: live: the numbers of the sentences whose search continues.
        """
        if self.started == len(self.cohorts):
            return False
        if not len(live):
            return True
        new = len(self.cohorts[self.started].limits)
        lengths = torch.cat([self._lengths[live], self._lengths[self.first : self.first + new]])
        return self.capacity.holds(len(lengths), int(lengths.max()))

    def take(self) -> tuple[Cohort, Int[Tensor, "sentences"]]:
        """Remove the next cohort from the queue; return the cohort and its sentence numbers."""
        cohort = self.cohorts[self.started]
        numbers = torch.arange(self.first, self.first + len(cohort.limits))
        self.started, self.first = self.started + 1, self.first + len(numbers)
        return cohort, numbers


def _lengths(cohort: Cohort) -> Tensor:
    if cohort.source_real is None:
        return torch.full((len(cohort.source),), cohort.source.shape[1])
    return cohort.source_real.sum(-1).cpu()


def mostly_ended(alive: Bool[Tensor, "sentences"]) -> bool:
    """Return whether so many sentences have ended that dropping them saves time."""
    return MOSTLY_ENDED * int(alive.sum()) <= (MOSTLY_ENDED - 1) * len(alive)


def begin(model: Stepper, state: Any, cohort: Cohort, beams: int) -> Any:
    """Start a cohort and return the new state of the search.

    Args:
        state: the state of the running search; None starts a new search.
        beams: number of beams per sentence in the search.
    """
    fresh = model.begin(cohort.source, cohort.source_real)
    if state is not None:
        return cast(SupportsJoin, model).join(state, fresh)
    if beams == 1:
        return fresh
    first = torch.zeros(len(cohort.source), beams, dtype=torch.long, device=cohort.source.device)
    return model.select(fresh, None, first)
