"""Survey a stream of items in two passes: the first counts and learns, the second judges.

The memory use does not grow with the data, except for one byte per item. These figures are
approximate: the quantiles of very long texts (`side.LONGEST_COUNTED`), the number of different
words if it exceeds `side.DIFFERENT_WORDS`, and the validation set that training of a labelled task
would choose (training also considers the labels). The profile of the data is learned from an even
sample (`profile.SAMPLE`). All other figures are exact.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from whyformer.data.held_out import Draw, key_of
from whyformer.data.survey.alignment import Alignment
from whyformer.data.survey.block import Block, Sided, in_blocks
from whyformer.data.survey.judge import Judge, Judgement
from whyformer.data.survey.profile import SAMPLE, Kind, Profile
from whyformer.data.survey.reasons import Reason
from whyformer.data.survey.repeats import (
    DUPLICATE,
    NEAR_VALIDATION,
    SEVERAL,
    RepeatFinder,
    Repeats,
)
from whyformer.data.survey.sample import EvenSample
from whyformer.data.survey.side import SideFigures
from whyformer.data.survey.strangest import Strange, Strangest

RATIO_STEPS = 20
"""Number of bins for each doubling in the histogram of length ratios."""
RATIO_RANGE = 6
"""The histogram of length ratios has this many doublings above 1 and below 1."""
MOST_LABELS = 100_000
"""Maximum number of different labels that are counted."""
LONG_LINE = 80
"""In a text, a repeated line counts as a duplicate only if it has at least this many characters."""
OPPOSITE = 0.5
"""If more than this fraction of the validation pairs is swapped, the validation data has the
opposite direction."""

Item = TypeVar("Item", bound=Sided)


@dataclass
class Survey(Generic[Item]):
    """The figures and faults of the data."""

    kind: Kind
    count: int = 0
    source: SideFigures = field(default_factory=SideFigures)
    target: SideFigures = field(default_factory=SideFigures)
    """Figures of the second side of pairs."""
    labels: Counter[str] = field(default_factory=Counter)
    ratios: np.ndarray = field(
        default_factory=lambda: np.zeros(2 * RATIO_RANGE * RATIO_STEPS + 1, dtype=np.int64)
    )
    """Histogram of log2(target length / source length); the first bin is at -`RATIO_RANGE`."""
    profile: Profile = field(default_factory=Profile)
    repeats: Repeats = field(default_factory=Repeats)
    given_validation: bool = False
    """Whether the user gave validation data. Otherwise, the part that training would hold out is
    the validation data."""
    alignment: Alignment = field(default_factory=Alignment)
    opposite: bool = False
    """Whether the validation data has the opposite direction: its sources are in the language of
    the training targets."""
    found: Counter[Reason] = field(default_factory=Counter)
    """For each reason, the number of items that have it. An item may have several reasons."""
    strangest: list[Strange[Item]] = field(default_factory=list)

    def share(self, reason: Reason) -> float:
        """Return the fraction of the items that have a reason."""
        return self.found[reason] / max(1, self.count)


def surveyed(
    kind: Kind,
    read: Callable[[], Iterator[Item]],
    *,
    validation: Callable[[], Iterator[Item]] | None = None,
    headings: frozenset[tuple[str, str]] = frozenset(),
    held_out: tuple[float, int] = (0.02, 2000),
    first_pass_done: Callable[[int], None] = lambda count: None,
    on_block: Callable[[Sequence[Item], Judgement, Profile], None] = lambda *block: None,
    progress: Callable[[str, int], None] = lambda what, count: None,
) -> Survey[Item]:
    """Compute the figures of some items, and find their faults.

    Args:
        read: function that yields all items; it is called twice.
        validation: function that yields the validation data; None uses the part that training would
            hold out.
        headings: see `Judge`.
        held_out: the fraction and the maximum number of items that training would hold out.
        first_pass_done: called with the number of items after the first pass.
        on_block: called with each block of items of the second pass, its judgement and the profile.
        progress: called with the activity and the number of items read.
    """
    found = Survey[Item](kind, given_validation=validation is not None)
    draw = Draw(2 * held_out[1])
    other = EvenSample[Item](SAMPLE)
    with RepeatFinder(key_of(lowercase=False), draw) as finder:
        sample = _first_pass(found, finder, read(), progress)
        first_pass_done(found.count)
        for items in in_blocks(validation()) if validation else ():
            finder.add([one.source for one in items], [one.target for one in items], held=True)
            for item in items:
                other.add(item)
        found.profile = Profile.of(kind, sample)
        chosen = frozenset[int]() if kind is Kind.TEXT else draw.held_out(*held_out)
        found.repeats = finder.found(None if validation else chosen)
    judge = Judge(found.profile, headings)
    swapped = sum(int(judge(b).has(Reason.SWAPPED).sum()) for b in in_blocks(other.items))
    found.opposite = swapped > OPPOSITE * max(1, len(other.items))
    strangest, count = Strangest[Item](kind), 0
    for items, judgement in _judged(found, judge, read()):
        for reason in Reason:
            found.found[reason] += int(judgement.has(reason).sum())
        strangest.add(items, judgement)
        on_block(items, judgement, found.profile)
        count += len(items)
        progress("checking", count)
    found.strangest = strangest.items()
    return found


def _first_pass(
    found: Survey[Item],
    finder: RepeatFinder,
    items: Iterator[Item],
    progress: Callable[[str, int], None],
) -> list[Item]:
    """Read all items and count everything; return a sample of the items."""
    sample = EvenSample[Item](SAMPLE)
    for block in in_blocks(items):
        sources, targets = [one.source for one in block], [one.target for one in block]
        finder.add(sources, targets, drawn=_filled(found.kind, sources, targets))
        left = Block.of(sources)
        found.source.add(left, sources)
        if found.kind is Kind.PAIRS:
            right = Block.of(targets)
            found.target.add(right, targets)
            _add_ratios(found, left, right)
            found.alignment.add(left.lengths, right.lengths)
        else:
            words = found.kind is Kind.TAGGED
            labels = " ".join(targets).split() if words else [one.strip() for one in targets]
            if len(found.labels) < MOST_LABELS and found.kind is not Kind.TEXT:
                found.labels.update(label for label in labels if label)
        for item in block:
            sample.add(item)
        found.count += len(block)
        progress("reading", found.count)
    return sample.items


def _filled(kind: Kind, sources: Sequence[str], targets: Sequence[str]) -> list[bool]:
    """Return, for each item, whether training could choose it for its validation set. Training
    drops the other items before it chooses the validation set."""
    if kind is not Kind.PAIRS:
        return [bool(source.strip()) for source in sources]
    return [bool(s.strip() and t.strip()) for s, t in zip(sources, targets, strict=True)]


def _add_ratios(found: Survey[Item], left: Block, right: Block) -> None:
    filled = (left.lengths > 0) & (right.lengths > 0)
    logs = np.log2(right.lengths[filled] / left.lengths[filled])
    places = np.rint((np.clip(logs, -RATIO_RANGE, RATIO_RANGE) + RATIO_RANGE) * RATIO_STEPS)
    found.ratios += np.bincount(places.astype(np.int64), minlength=len(found.ratios))


def _judged(
    found: Survey[Item], judge: Judge, items: Iterator[Item]
) -> Iterator[tuple[list[Item], Judgement]]:
    """Yield blocks of items with all their faults, including repeats."""
    marks, start = found.repeats.marks, 0
    bits = {
        DUPLICATE: Reason.DUPLICATE,
        SEVERAL: Reason.SEVERAL,
        NEAR_VALIDATION: Reason.VALIDATION,
    }
    for block in in_blocks(items):
        judgement = judge(block)
        here = marks[start : start + len(block)]
        start += len(block)
        able = ~judgement.has(Reason.EMPTY)
        if found.kind is Kind.TEXT:  # in every text, some short lines repeat
            able &= np.array([len(item.source) >= LONG_LINE for item in block])
        for bit, reason in bits.items():
            judgement.add(reason, ((here & bit) != 0) & able)
        yield block, judgement
