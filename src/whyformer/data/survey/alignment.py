"""Notice when the lines of two files stop belonging to each other: one file lacks a line."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

LEAST = 200
"""Pairs of a block whose lengths are compared."""
LAGS = 3
"""Largest number of missing lines that is looked for."""
BETTER = 0.25
"""How much higher the correlation must be with shifted lines."""
ENOUGH = 0.4


@dataclass
class Alignment:
    """Correlations of the lengths of source and target, block by block.

    The lengths of translations correlate. If those of line n and line n + 1 correlate more, the
    lines are shifted.
    """

    first: int | None = None
    """The number of the first item of the first shifted block, from 0."""
    lag: int = 0
    """How many lines later the targets come; negative: earlier."""
    shifted: int = 0
    """Number of items in shifted blocks."""
    _count: int = 0

    def add(self, source: Int64[np.ndarray, " items"], target: Int64[np.ndarray, " items"]) -> None:
        """Compare the lengths of a block."""
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
