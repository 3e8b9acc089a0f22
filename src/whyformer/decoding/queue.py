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
class Joiner(Stepper, Protocol):
    """A `Stepper` in whose searches sentences can begin while others are on their way."""

    def join(self, state: Any, newcomers: Any) -> Any:
        """See `SequenceModel.join`."""
        ...


@dataclass(frozen=True)
class Arrivals:
    """A cohort to come: sentences that begin together.

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
class Room:
    """How much is searched at once; one cohort always is. None: without end.

    Args: tokens: source tokens, padded to the longest sentence.
    """

    tokens: int | None = None
    sentences: int | None = None

    def part(self, count: int) -> "Room":
        """Return one of so many parts of the room, at least one token and one sentence."""
        sizes = (size and max(size // count, 1) for size in (self.tokens, self.sentences))
        return Room(*sizes)

    def holds(self, sentences: int, longest: int) -> bool:
        """Say whether so many sentences may be searched at once."""
        few = self.sentences is None or sentences <= self.sentences
        return few and (self.tokens is None or sentences * longest <= self.tokens)


@dataclass
class Queue:
    """Cohorts, and how many of them have begun. Sentences are numbered through all of them.

    Args: cohorts: they begin in this order; room: how much is searched at once.
    """

    cohorts: Sequence[Arrivals]
    room: Room = Room()
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
        """Say whether a cohort waits that has room beside the sentences named."""
        if self.begun == len(self.cohorts):
            return False
        if not len(live):
            return True
        new = len(self.cohorts[self.begun].limits)
        lengths = torch.cat([self._lengths[live], self._lengths[self.first : self.first + new]])
        return self.room.holds(len(lengths), int(lengths.max()))

    def take(self) -> tuple[Arrivals, Int[Tensor, "sentences"]]:
        """Return the next cohort and the numbers of its sentences."""
        cohort = self.cohorts[self.begun]
        numbers = torch.arange(self.first, self.first + len(cohort.limits))
        self.begun, self.first = self.begun + 1, self.first + len(numbers)
        return cohort, numbers


def _lengths(arrivals: Arrivals) -> Tensor:
    if arrivals.source_real is None:
        return torch.full((len(arrivals.source),), arrivals.source.shape[1])
    return arrivals.source_real.sum(-1).cpu()


def mostly_ended(alive: Bool[Tensor, "sentences"]) -> bool:
    """Say whether it is time to drop the sentences that ended."""
    return MOSTLY_ENDED * int(alive.sum()) <= (MOSTLY_ENDED - 1) * len(alive)


def begin(model: Stepper, state: Any, arrivals: Arrivals, beams: int) -> Any:
    """Let a cohort begin, in a search of its own (``state`` None) or beside others.

    Args: beams: how many each sentence of the search has.
    """
    fresh = model.begin(arrivals.source, arrivals.source_real)
    if state is not None:
        return cast(Joiner, model).join(state, fresh)
    if beams == 1:
        return fresh
    first = torch.zeros(
        len(arrivals.source), beams, dtype=torch.long, device=arrivals.source.device
    )
    return model.select(fresh, None, first)
