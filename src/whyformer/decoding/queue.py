"""Sentences that wait for a place in a search: as some end, others begin beside those on their way.

A group that is searched to its end alone computes its last sentences one or two at a time, which
costs nearly as much as all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast, runtime_checkable

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.decoding.candidates import Stepper
from whyformer.decoding.prefixes import Prefixes, TextPrefix

MOSTLY_ENDED = 4
"""A search drops sentences that ended when they are one of so many, for that copies the others."""


@runtime_checkable
class SupportsJoin(Stepper, Protocol):
    """A `Stepper` in whose searches sentences can join while others are searched."""

    def join(self, state: Any, newcomers: Any) -> Any:
        """See `SequenceModel.join`."""
        ...


@dataclass(frozen=True)
class Cohort:
    """Sentences that begin together.

    Args:
        source: ids with eos.
        source_real: True = a real token, False = padding; None when nothing is padded.
        limits: most target tokens of each sentence, eos not counted.
        prefixes: tokens or a text that each sentence's hypotheses must begin with; None: nothing.
    """

    source: Int[Tensor, "sentences source"]
    source_real: Bool[Tensor, "sentences source"] | None
    limits: Sequence[int]
    prefixes: Sequence[Sequence[int] | TextPrefix] | None = None


@dataclass(frozen=True)
class SearchCapacity:
    """How much is searched at once, but at least one cohort. None: no limit.

    Args: tokens: source tokens, padded to the longest sentence.
    """

    tokens: int | None = None
    sentences: int | None = None

    def part(self, count: int) -> "SearchCapacity":
        """Return one of so many parts of the capacity, at least one token and one sentence."""
        sizes = (size and max(size // count, 1) for size in (self.tokens, self.sentences))
        return SearchCapacity(*sizes)

    def holds(self, sentences: int, longest: int) -> bool:
        """Say whether so many sentences may be searched at once."""
        few = self.sentences is None or sentences <= self.sentences
        return few and (self.tokens is None or sentences * longest <= self.tokens)


@dataclass
class Queue:
    """Cohorts, and how many of them have begun. Sentences are numbered through all of them.

    Args: cohorts: they begin in this order; capacity: how much is searched at once.
    """

    cohorts: Sequence[Cohort]
    capacity: SearchCapacity = SearchCapacity()
    begun: int = 0
    """Cohorts that have begun."""
    first: int = 0
    """The number of the next sentence to begin."""
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
        """Say whether a cohort waits that fits beside the sentences named."""
        if self.begun == len(self.cohorts):
            return False
        if not len(live):
            return True
        new = len(self.cohorts[self.begun].limits)
        lengths = torch.cat([self._lengths[live], self._lengths[self.first : self.first + new]])
        return self.capacity.holds(len(lengths), int(lengths.max()))

    def take(self) -> tuple[Cohort, Int[Tensor, "sentences"]]:
        """Return the next cohort and the numbers of its sentences."""
        cohort = self.cohorts[self.begun]
        numbers = torch.arange(self.first, self.first + len(cohort.limits))
        self.begun, self.first = self.begun + 1, self.first + len(numbers)
        return cohort, numbers


def _lengths(cohort: Cohort) -> Tensor:
    if cohort.source_real is None:
        return torch.full((len(cohort.source),), cohort.source.shape[1])
    return cohort.source_real.sum(-1).cpu()


def mostly_ended(alive: Bool[Tensor, "sentences"]) -> bool:
    """Say whether it is time to drop the sentences that ended."""
    return MOSTLY_ENDED * int(alive.sum()) <= (MOSTLY_ENDED - 1) * len(alive)


def begin(model: Stepper, state: Any, cohort: Cohort, beams: int) -> Any:
    """Let a cohort begin, in a search of its own (``state`` None) or beside others.

    Args: beams: how many each sentence of the search has.
    """
    fresh = model.begin(cohort.source, cohort.source_real)
    if state is not None:
        return cast(SupportsJoin, model).join(state, fresh)
    if beams == 1:
        return fresh
    first = torch.zeros(len(cohort.source), beams, dtype=torch.long, device=cohort.source.device)
    return model.select(fresh, None, first)
