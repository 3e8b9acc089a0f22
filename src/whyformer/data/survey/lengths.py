"""The usual ratio of target length to source length, and how much a pair differs from it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

LEAST_PAIRS = 50
"""With fewer pairs than this, no distribution is estimated."""
NORMAL = 1.4826
"""For a normal distribution: the standard deviation divided by the median absolute deviation."""
LEAST_DEVIATION = 0.05


@dataclass(frozen=True)
class LengthRatio:
    """The distribution of log(target length / source length), with lengths in characters.

    Its variance is `fixed` + `per_character` / length, because the ratio varies more for short
    texts. The distribution is estimated from medians, so that 10 % of wrong pairs do not change it
    much.
    """

    log_ratio: float
    fixed: float
    per_character: float

    def deviations(
        self, source: Int64[np.ndarray, " pairs"], target: Int64[np.ndarray, " pairs"]
    ) -> tuple[Float64[np.ndarray, " pairs"], Float64[np.ndarray, " pairs"]]:
        """Return two numbers for each pair: the logarithm of the factor by which its target is
        longer than usual, and this logarithm divided by its standard deviation."""
        left, right = np.maximum(1, source), np.maximum(1, target)
        excess = np.log(right / left) - self.log_ratio
        size = (left + right / np.exp(self.log_ratio)) / 2
        return excess, excess / np.sqrt(self.fixed + self.per_character / size)


def length_ratio(
    source: Int64[np.ndarray, " pairs"], target: Int64[np.ndarray, " pairs"]
) -> LengthRatio | None:
    """Return the distribution of the length ratio, or None for too few pairs."""
    filled = (source > 0) & (target > 0)
    if filled.sum() < LEAST_PAIRS:
        return None
    source, target = source[filled], target[filled]
    logs = np.log(target / source)
    middle = float(np.median(logs))
    size = (source + target / np.exp(middle)) / 2
    short = size <= np.median(size)
    groups = [short, ~short] if (~short).sum() >= LEAST_PAIRS / 4 else [short, short]
    variances = [(NORMAL * np.median(np.abs(logs[one] - middle))) ** 2 for one in groups]
    inverses = [float((1 / size[one]).mean()) for one in groups]
    gap = inverses[0] - inverses[1]
    per_character = (variances[0] - variances[1]) / gap if gap > 0 else 0.0
    per_character = max(0.0, float(per_character))
    fixed = float(variances[1] - per_character * inverses[1])
    return LengthRatio(middle, max(LEAST_DEVIATION**2, fixed), per_character)
