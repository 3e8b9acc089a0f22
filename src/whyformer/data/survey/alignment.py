"""Detect shifted lines in two parallel files. Lines are shifted from the point at which one file
lacks a line."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

LEAST = 200
"""Minimum number of pairs of a block; smaller blocks are not examined."""
LAGS = 3
"""Maximum number of missing lines that can be detected."""
BETTER = 0.25
"""In a shifted block, the correlation of the best shift exceeds the correlation without a shift by
this amount."""
ENOUGH = 0.4


@dataclass
class Alignment:
    """Compares the lengths of sources and targets, block by block.

    The length of a source correlates with the length of its target. If the length of a source
    correlates more with the length of the next target, the lines are shifted.
    """

    first: int | None = None
    """The number of the first item of the first shifted block, counted from 0; None if no block is
    shifted."""
    lag: int = 0
    """By how many lines the targets come too late; negative if they come too early."""
    shifted: int = 0
    """Number of items in shifted blocks."""
    _count: int = 0

    def add(self, source: Int64[np.ndarray, " items"], target: Int64[np.ndarray, " items"]) -> None:
        """Examine a block, given the lengths of its sources and targets."""
        start = self._count
        self._count += len(source)
        if len(source) < LEAST:
            return
        left, right = np.log1p(source), np.log1p(target)
        lags = [lag for lag in range(-LAGS, LAGS + 1) if lag]
        found = {lag: _correlation(left, right, lag) for lag in lags}
        best = max(found, key=lambda lag: found[lag])
        if found[best] > max(ENOUGH, _correlation(left, right, 0) + BETTER):
            if self.first is None:
                self.first, self.lag = start, best
            self.shifted += len(source)


def _correlation(left: np.ndarray, right: np.ndarray, lag: int) -> float:
    if lag > 0:
        left, right = left[:-lag], right[lag:]
    elif lag < 0:
        left, right = left[-lag:], right[:lag]
    left, right = left - left.mean(), right - right.mean()
    size = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / size) if size > 0 else 0.0
