"""A sparse confusion matrix: only the pairs of classes that occur."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Confusions:
    """A confusion matrix without its empty cells.

    Args:
        wanted: the correct class of each cell.
        predicted: the predicted class of each cell.
        counts: number of lines of each cell.
        classes: number of classes.
    """

    wanted: Array
    predicted: Array
    counts: Array
    classes: int

    @staticmethod
    def of(predicted: Array, wanted: Array, classes: int) -> "Confusions":
        """Make the matrix from the classes of each line."""
        cells, counts = np.unique(wanted * classes + predicted, return_counts=True)
        return Confusions(cells // classes, cells % classes, counts, classes)

    def resampled(self, resamples: int, seed: int) -> Iterator["Confusions"]:
        """Yield bootstrap samples: as many lines as the matrix has, drawn with replacement.

        The counts of the cells follow the multinomial distribution. So time and memory grow only
        with the number of cells.
        """
        generator = np.random.default_rng(seed)
        lines = int(self.counts.sum())
        shares = self.counts / lines
        for _ in range(resamples):
            yield replace(self, counts=generator.multinomial(lines, shares))

    def accuracy(self) -> float:
        """Return the percentage of correct lines."""
        return 100 * float(self._right().sum() / self.counts.sum())

    def f1(self) -> float:
        """Return the mean of the F1 of all classes that occur, in percent."""
        both = self._sums(self.wanted) + self._sums(self.predicted)
        present = both > 0
        right = np.bincount(self.wanted, self._right(), self.classes)
        return 100 * float(np.mean(2 * right[present] / both[present]))

    def matthews(self) -> float:
        """Return the Matthews correlation coefficient × 100. Source: Gorodkin 2004, Eq. 8 (R_K)."""
        total = float(self.counts.sum())
        wanted, predicted = self._sums(self.wanted), self._sums(self.predicted)
        above = self._right().sum() * total - wanted @ predicted
        below = math.sqrt((total**2 - predicted @ predicted) * (total**2 - wanted @ wanted))
        return 100 * float(above / below) if below else 0.0

    def _right(self) -> Array:
        return np.where(self.wanted == self.predicted, self.counts, 0)

    def _sums(self, classes: Array) -> Array:
        return np.bincount(classes, self.counts, self.classes)
