"""Align the symbols of word pairs: each source symbol produces a few target symbols in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Symbols = Sequence[str]
Unit = tuple[str, tuple[str, ...]]
"""A source symbol with the target symbols that it produces; these may be none."""

PASSES = 8
"""Number of passes of expectation maximization."""
MOST = 4
"""Largest number of target symbols of a source symbol."""
ALIGNED = 0.99
"""Units may have up to `MOST` target symbols, if needed to align this fraction of the pairs."""
TOGETHER = 256
"""Number of pairs that are computed at once."""
LARGEST_KEY = 2**62


def longest_unit(pairs: Sequence[tuple[Symbols, Symbols]]) -> int:
    """Return how many target symbols a source symbol may produce, at least 2 and at most `MOST`.

    >>> longest_unit([("ab", "xyz")]), longest_unit([("a", "xyz")])
    (2, 3)
    """
    needed = sorted(-(-len(target) // max(1, len(source))) for source, target in pairs)
    if not needed:
        return 2
    return min(MOST, max(2, needed[int(ALIGNED * (len(needed) - 1))]))


def align_pairs(
    pairs: Sequence[tuple[Symbols, Symbols]], *, longest: int = 2, passes: int = PASSES
) -> list[list[Unit] | None]:
    """Return the most probable alignment of each pair, as one unit for each source symbol.

    Source: Bisani and Ney 2008, “Joint-sequence models for grapheme-to-phoneme conversion”, §3:
        expectation maximization over all segmentations into joint units.
    Differs: a unit always has exactly one source symbol, so that a pair has few segmentations.
    Args: longest: largest number of target symbols of a unit.
    Returns: None for a pair whose source is empty, or whose units cannot have so many target
        symbols.

    >>> pairs = [("ab", "xy"), ("b", "y"), ("ac", "x")]
    >>> align_pairs(pairs)[2]
    [('a', ('x',)), ('c', ())]
    """
    found: list[list[Unit] | None] = [None] * len(pairs)
    usable = [
        number
        for number, (source, target) in enumerate(pairs)
        if len(source) > 0 and len(target) <= longest * len(source)
    ]
    if not usable:
        return found
    usable.sort(key=lambda number: (len(pairs[number][0]), len(pairs[number][1])))
    some = [pairs[number] for number in usable]
    batches, size = _batches(some, longest)
    p = np.full(size, 1.0 / size)
    p[0] = 1.0
    for _ in range(passes):
        counts = np.zeros(size)
        for batch in batches:
            batch.add_expected(p, counts)
        p = counts / counts.sum()
        p[0] = 1.0  # unit 0 fills the end of short sources
    lengths = [length for batch in batches for length in batch.best(p)]
    for number, (source, target), taken in zip(usable, some, lengths, strict=True):
        units, at = [], 0
        for symbol, count in zip(source, taken, strict=False):
            units.append((symbol, tuple(target[at : at + count])))
            at += count
        found[number] = units
    return found


@dataclass(frozen=True)
class _Batch:
    """Pairs of similar length.

    Args:
        units: (pairs, source, target + 1, lengths) for each source symbol, each start in the
            target and each length: the number of the unit in which the source symbol produces the
            target symbols of this length from this start; -1 if there is no such unit.
        ends: (pairs) number of target symbols.
    """

    units: Array
    ends: Array

    def _probabilities(self, p: Array) -> Array:
        return np.where(self.units < 0, 0.0, p[self.units])

    def add_expected(self, p: Array, counts: Array) -> None:
        """Add the expected number of each unit, with the forward-backward algorithm."""
        probability = self._probabilities(p)
        pairs, symbols, places, lengths = probability.shape
        forward = np.zeros((symbols + 1, pairs, places))
        forward[0, :, 0] = 1.0
        for i in range(symbols):
            for k in range(min(lengths, places)):
                forward[i + 1, :, k:] += (forward[i] * probability[:, i, :, k])[:, : places - k]
        rows = np.arange(pairs)
        total = forward[symbols, rows, self.ends]
        backward = np.zeros((pairs, places))
        backward[rows, self.ends] = 1.0 / np.where(total > 0, total, 1.0)
        for i in reversed(range(symbols)):
            before = np.zeros_like(backward)
            for k in range(min(lengths, places)):
                later = np.zeros_like(backward)
                later[:, : places - k] = backward[:, k:]
                weight = probability[:, i, :, k] * later
                before += weight
                expected = forward[i] * weight
                real = expected > 0
                np.add.at(counts, self.units[:, i, :, k][real], expected[real])
            backward = before

    def best(self, p: Array) -> Iterator[list[int]]:
        """Yield, for each pair, the number of target symbols of each source symbol."""
        with np.errstate(divide="ignore"):
            log_p = np.log(self._probabilities(p))
        pairs, symbols, places, lengths = log_p.shape
        score = np.full((pairs, places), -np.inf)
        score[:, 0] = 0.0
        taken = np.zeros((symbols, pairs, places), dtype=np.int64)
        for i in range(symbols):
            options = np.full((lengths, pairs, places), -np.inf)
            for k in range(min(lengths, places)):
                options[k, :, k:] = (score + log_p[:, i, :, k])[:, : places - k]
            taken[i] = options.argmax(0)
            score = options.max(0)
        for row in range(pairs):
            at, found = int(self.ends[row]), []
            for i in reversed(range(symbols)):
                found.append(int(taken[i, row, at]))
                at -= found[-1]
            yield found[::-1]


def _batches(pairs: Sequence[tuple[Symbols, Symbols]], longest: int) -> tuple[list[_Batch], int]:
    """Return the pairs in batches, and the number of units; unit 0 pads short sources."""
    sources, targets = ({} for _ in range(2))
    coded = [
        (
            [sources.setdefault(symbol, len(sources)) for symbol in source],
            [targets.setdefault(symbol, len(targets) + 1) for symbol in target],
        )
        for source, target in pairs
    ]
    base = len(targets) + 1
    while base**longest * len(sources) > LARGEST_KEY:
        longest -= 1
    keys = [
        _keys(coded[start : start + TOGETHER], base, longest)
        for start in range(0, len(coded), TOGETHER)
    ]
    known = np.unique(np.concatenate([np.unique(one) for one in keys]))
    known = known[known >= 0]
    known = np.concatenate([[-2], known])  # -2 is unit 0
    batches = []
    for number, one in enumerate(keys):
        units = np.where(one == -1, -1, np.searchsorted(known, one))
        part = coded[number * TOGETHER : (number + 1) * TOGETHER]
        batches.append(_Batch(units, np.array([len(target) for _, target in part])))
    return batches, len(known)


def _keys(coded: Sequence[tuple[list[int], list[int]]], base: int, longest: int) -> Array:
    """Return a number for each possible unit; -1 for none, and -2 after the end of a source."""
    symbols = max(len(source) for source, _ in coded)
    places = max(len(target) for _, target in coded) + 1
    keys = np.full((len(coded), symbols, places, longest + 1), -1, dtype=np.int64)
    for row, (source, target) in enumerate(coded):
        produced = np.zeros(len(target) + 1, dtype=np.int64)
        padded = np.array([*target, *[0] * (longest + 1)])
        keys[row, len(source) :, :, 0] = -2
        here = np.array(source)[:, None] * base**longest
        for k in range(min(longest, len(target)) + 1):
            starts = len(target) + 1 - k
            keys[row, : len(source), :starts, k] = here + produced[:starts]
            produced = produced * base + padded[k : k + len(target) + 1]
    return keys
