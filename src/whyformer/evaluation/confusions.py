"""How often each class was taken for each other: the pairs that occur, never classes × classes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Confusions:
    """A table of confusions without its empty cells.

    Args:
        wanted: class that is right, for each cell.
        predicted: class that was predicted, for each cell.
        counts: lines of each cell.
        classes: how many there are.
    """

    wanted: Array
    predicted: Array
    counts: Array
    classes: int

    @staticmethod
    def of(predicted: Array, wanted: Array, classes: int) -> "Confusions":
        """Count the lines."""
        cells, counts = np.unique(wanted * classes + predicted, return_counts=True)
        return Confusions(cells // classes, cells % classes, counts, classes)

    def resampled(self, resamples: int, seed: int) -> Iterator["Confusions"]:
        """Draw as many lines as there are, with replacement, again and again.

        How often each cell is drawn follows the multinomial distribution, so that time and memory
        grow with the cells that occur.
        """
        generator = np.random.default_rng(seed)
        lines = int(self.counts.sum())
        shares = self.counts / lines
        for _ in range(resamples):
            yield replace(self, counts=generator.multinomial(lines, shares))

    def accuracy(self) -> float:
        """Return the percentage of lines that are right."""
        return 100 * float(self._right().sum() / self.counts.sum())

    def f1(self) -> float:
        """Return the mean of the F1 of all classes that occur, in percent."""
        both = self._sums(self.wanted) + self._sums(self.predicted)
        present = both > 0
        right = np.bincount(self.wanted, self._right(), self.classes)
        return 100 * float(np.mean(2 * right[present] / both[present]))

    def matthews(self) -> float:
        """Return the correlation of two labellings × 100. Source: Gorodkin 2004, Eq. 8 (R_K)."""
        total = float(self.counts.sum())
        wanted, predicted = self._sums(self.wanted), self._sums(self.predicted)
        above = self._right().sum() * total - wanted @ predicted
        below = math.sqrt((total**2 - predicted @ predicted) * (total**2 - wanted @ wanted))
        return 100 * float(above / below) if below else 0.0

    def _right(self) -> Array:
        return np.where(self.wanted == self.predicted, self.counts, 0)

    def _sums(self, classes: Array) -> Array:
        return np.bincount(classes, self.counts, self.classes)
