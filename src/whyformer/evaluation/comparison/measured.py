"""The measurements of one arm: a score for each seed, and the values of the test lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whyformer.evaluation.interval import Array, Value
from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted

FEWEST_SEEDS = 2
MOST_GROUPS = 1000
"""The jackknife leaves out groups of lines if there are more lines than this."""


@dataclass(frozen=True)
class Measured:
    """The scores of one arm on the whole test set, one for each seed.

    Args:
        scores: one score per seed. The seeds have the same order in all arms.
        lines: for each seed and each test line, in the same order for all seeds and arms: the
            score of the line if the score of the test set is their mean, (seeds, lines); or the
            statistics of the line, (seeds, lines, k), together with ``value``. None if only the
            scores are known.
        value: function that computes the score from the sums of the statistics of all lines, for
            metrics that are not means, such as BLEU.
    """

    scores: Sequence[float]
    lines: Array | None = None
    value: Value | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(np.asarray(self.scores, dtype=float)).all():
            raise UsageError(
                f"All scores must be finite numbers, but they are {list(self.scores)}. "
                f"Leave out the seeds whose training failed, in all arms."
            )
        if self.lines is None:
            return
        wanted = 2 if self.value is None else 3
        shape = np.shape(self.lines)
        if len(shape) != wanted or shape[0] != len(self.scores) or shape[1] < 2:
            raise UsageError(
                f"`lines` must have one row for each of {counted(len(self.scores), 'seed')} and "
                f"at least 2 lines{', and statistics with' if wanted == 3 else ', without'} "
                f"`value`, but its shape is {shape}."
            )

    @property
    def seeds(self) -> int:
        """The number of seeds."""
        return len(self.scores)

    def table(self) -> Array | None:
        """Return one number for each seed and line, whose mean over the lines is the score.

        Raises: UsageError if the lines and the scores do not belong together.
        """
        if self.lines is None:
            return None
        table = np.asarray(self.lines, dtype=float)
        if self.value is None:
            self._check(table.mean(1))
            return table
        self._check(np.array([self.value(sums) for sums in table.sum(1)]))
        pseudo = np.stack([pseudo_values(self.value, rows) for rows in table])
        return pseudo + (np.asarray(self.scores) - pseudo.mean(1))[:, None]

    def _check(self, computed: Array) -> None:
        for score, of_lines in zip(self.scores, computed, strict=True):
            if abs(score - of_lines) > 1e-6 * max(1.0, abs(score)):
                raise UsageError(
                    f"The score of a seed must be the score of its lines, but the score is "
                    f"{score:g} and the lines give {of_lines:g}. Use the same unit for both."
                )


def pseudo_values(value: Value, statistics: Array) -> Array:
    """Return the jackknife pseudo-values of a metric: what each line contributes to the score.

    The mean of the pseudo-values is about the score, and their variance divided by their number
    estimates its variance. So the formulas for means apply to every smooth metric. For a metric
    that is a mean, the pseudo-values are the values of the lines. More than `MOST_GROUPS` lines
    are distributed over this number of groups, and a group counts as one line.
    Source: Tukey 1958, "Bias and confidence in not quite large samples"; Efron and Tibshirani
    1993, "An introduction to the bootstrap", §11.5.
    Args: statistics: the statistics of each line, (lines, k).

    >>> pseudo_values(lambda sums: sums[0] / sums[1], np.array([[0.0, 1], [1, 1], [2, 1]])).tolist()
    [0.0, 1.0, 2.0]
    """
    groups = min(len(statistics), MOST_GROUPS)
    sums = np.zeros((groups, statistics.shape[1]))
    np.add.at(sums, np.arange(len(statistics)) % groups, statistics)
    total = sums.sum(0)
    left_out = np.array([value(total - one) for one in sums])
    return groups * value(total) - (groups - 1) * left_out


def check_paired(base: Measured, arm: Measured) -> None:
    """Refuse two arms that do not have the same seeds and lines.

    Raises: UsageError if the numbers of seeds or lines differ, or if there are too few seeds.
    """
    if base.seeds != arm.seeds:
        raise UsageError(
            f"Both arms must have the same seeds, but the base has {counted(base.seeds, 'seed')} "
            f"and the arm has {arm.seeds}."
        )
    if base.seeds < FEWEST_SEEDS:
        raise UsageError(
            f"A comparison needs at least {FEWEST_SEEDS} seeds, but there is {base.seeds}."
        )
    if (base.lines is None) != (arm.lines is None):
        raise UsageError("Either both arms have lines or none has, but one arm has no lines.")
    if base.lines is None or arm.lines is None:
        return
    if base.lines.shape[:2] != arm.lines.shape[:2]:
        raise UsageError(
            f"Both arms must have the same test lines, but the base has "
            f"{counted(base.lines.shape[1], 'line')} and the arm has {arm.lines.shape[1]}."
        )
