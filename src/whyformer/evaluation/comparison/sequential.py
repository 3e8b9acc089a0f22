"""Look at the results after each seed and stop early, without more false verdicts."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import NormalDist

import numpy as np

from whyformer.evaluation.comparison.root import zero_of
from whyformer.evaluation.interval import Array
from whyformer.evaluation.student import SMALLEST, quantile
from whyformer.foundation.errors import UsageError

FIRST = 3
"""Seeds at the first look."""
LARGEST = 0.999
"""A larger overall p counts as 1."""
ANGLES = 400
"""Points of the numerical integrals."""


@dataclass(frozen=True)
class Looks:
    """The error that each look may spend: after 3, 4, … and at last ``maximum`` seeds.

    The spending function of O'Brien and Fleming's type, 2 - 2Φ(z/√(seeds/maximum)), spends almost
    nothing early, so the last look has almost the whole alpha. Each nominal level applies to the
    t interval of its look, and all these intervals together cover the effect with probability
    1 - alpha (repeated confidence intervals). So a verdict is valid at every look, whether it
    reads "better" or "no difference that matters", and whatever the reason to stop.
    Source: Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"; Jennison and
        Turnbull 2000, "Group sequential methods", §7.2 (spending) and §9.2 (repeated confidence
        intervals).
    Differs: the usual levels are computed for normal statistics and then used for t. With few
        seeds, equal arms would then be called different in 5.9 % instead of 5 % (measured for 10
        seeds), so the levels are computed for t.
        The share of the seeds counts as the share of the information. The test lines are the
        same at all looks, so the looks are more similar than assumed, and the error is smaller.
    """

    maximum: int
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if self.maximum < 2 or not 0 < self.alpha < 1:
            raise UsageError(
                f"Looks must have at least 2 seeds and an alpha between 0 and 1, but there are "
                f"{self.maximum} seeds and alpha is {self.alpha:g}."
            )

    @property
    def seeds(self) -> tuple[int, ...]:
        """The number of seeds at each look."""
        return tuple(range(min(FIRST, self.maximum), self.maximum + 1))

    @cached_property
    def nominal(self) -> dict[int, float]:
        """The two-sided nominal level of each look, by its number of seeds."""
        return dict(zip(self.seeds, _levels(self.maximum, self.alpha), strict=True))

    def level(self, seeds: int) -> float:
        """Return the confidence level of the interval at a look.

        Raises: UsageError if there is no look after this number of seeds.
        """
        if seeds not in self.nominal:
            raise UsageError(
                f"The looks are after {self.seeds[0]} to {self.maximum} seeds, but there are "
                f"{seeds}."
            )
        return 1 - self.nominal[seeds]

    def overall_p(self, p: float, seeds: int) -> float:
        """Return the smallest alpha with which the look after this number of seeds rejects.

        Unlike p, this number can be compared with alpha at every look, and Holm's correction
        applies to it.
        Source: Jennison and Turnbull 2000, §9.3; Liu and Anderson 2008, "On adaptive extensions of
        group sequential trials", for the name sequential p-value.
        """
        self.level(seeds)  # refuse other numbers of seeds
        wanted = math.log(max(p, SMALLEST))

        def excess(logarithm: float) -> float:
            return math.log(_levels(self.maximum, math.exp(logarithm))[look]) - wanted

        look = self.seeds.index(seeds)
        low, high = wanted, math.log(LARGEST)
        if p >= LARGEST or excess(high) <= 0:
            return 1.0
        return math.exp(zero_of(excess, low, high))


@lru_cache(maxsize=1024)
def _levels(maximum: int, alpha: float) -> tuple[float, ...]:
    """Return the nominal level of each look, exactly for t statistics of normal seeds.

    With s seeds, t = √(s-1)·tan(angle), where the angle is that between the vector of the
    differences and the plane on which they sum to 0. Given the angle, the earlier angles do not
    depend on the length of the vector or on later seeds. So it is enough to compute from look to
    look, for each angle, the probability that no earlier look stopped.
    Source: Jennison and Turnbull 1991, "Exact calculations for sequential t, χ² and F tests".
    """
    looks = Looks(maximum, alpha).seeds
    angles = _angles()
    running = np.ones(ANGLES)
    levels: list[float] = []
    spent = 0.0
    for seeds in looks:
        share = _spent(alpha, seeds / maximum) - spent
        spent += share
        chances = np.cos(angles) ** (seeds - 2)
        beyond = np.cumsum((chances / chances.sum())[::-1])
        stops = np.cumsum((running * chances / chances.sum())[::-1])
        # The level that would be valid without the earlier looks is the least one.
        level = max(share, SMALLEST, float(np.interp(share, [0, *stops], [0, *beyond])))
        levels.append(level)
        if seeds < maximum:
            edge = math.atan(quantile(level, seeds - 1) / math.sqrt(seeds - 1))
            before, weights = _before(seeds)
            inside = np.clip((edge - before) * ANGLES / (math.pi / 2) + 0.5, 0, 1)
            running = (np.interp(before, angles, running) * inside) @ weights
    return tuple(levels)


def _angles() -> Array:
    return (np.arange(ANGLES) + 0.5) * (math.pi / 2) / ANGLES


@lru_cache(maxsize=64)
def _before(seeds: int) -> tuple[Array, Array]:
    """Return the angles after so many seeds that can lead to each angle after one more seed.

    The differences, divided by the length of their vector, are uniform on a sphere. ``new`` is the
    coordinate of the last seed, and ``sine`` belongs to the sum of all seeds.
    Returns: the angles (angles, possibilities), and the probability of each possibility.
    """
    sine = np.sin(_angles())[:, None]
    turn = 2 * _angles() - math.pi / 2
    chances = np.cos(turn) ** (seeds - 2)
    more = seeds + 1
    new = sine / math.sqrt(more) + np.sqrt((1 - sine**2) * seeds / more) * np.sin(turn)
    before = (math.sqrt(more) * sine - new) / np.sqrt(seeds * (1 - new**2))
    return np.arcsin(np.minimum(1, np.abs(before))), chances / chances.sum()


def _spent(alpha: float, fraction: float) -> float:
    return math.erfc(-NormalDist().inv_cdf(alpha / 2) / math.sqrt(2 * fraction))
