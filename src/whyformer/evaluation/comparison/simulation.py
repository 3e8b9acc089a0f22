"""Simulated comparisons with a known truth, to check the intervals, verdicts and looks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, partial

import numpy as np

from whyformer.evaluation.comparison.sequential import Looks
from whyformer.evaluation.comparison.several import step_down
from whyformer.evaluation.comparison.variance import Effect, effect_of_lines
from whyformer.evaluation.comparison.verdict import Verdict, judge
from whyformer.evaluation.interval import Array

CHUNK = 3_000_000
"""Numbers that are drawn at once."""


class Shape(StrEnum):
    """The distribution of the values of test lines."""

    NORMAL = "normal"
    SKEWED = "skewed"
    """Log-normal with σ = 1: a few lines have very large differences, all in one direction."""


@dataclass(frozen=True)
class Design:
    """A simulated comparison.

    The unit is the standard deviation of the estimated effect over seeds and test sets, so the
    three shares must sum to 1.

    Args:
        seeds, lines: the numbers of seeds and of test lines.
        share_of_seeds, share_of_lines, share_of_both: shares of the variance of the effect: the
            seeds, the test lines, and differences that are special to a seed and a line.
        shape: the distribution of the values of the lines.
        effects: the true effect of each arm.
        separate: whether the values of arm and base are drawn separately, so that the differences
            of equal arms are symmetric; always so for several arms.
    """

    seeds: int
    lines: int
    share_of_seeds: float
    share_of_lines: float
    share_of_both: float
    shape: Shape = Shape.NORMAL
    effects: tuple[float, ...] = (0.0,)
    separate: bool = False

    @property
    def deviation_between_seeds(self) -> float:
        """The standard deviation of the difference between seeds."""
        return float(np.sqrt((self.share_of_seeds + self.share_of_both) * self.seeds))

    @property
    def deviation_of_lines(self) -> float:
        """The standard deviation of the effect between test sets, for unlimited seeds."""
        return float(np.sqrt(self.share_of_lines))

    def tables(self, count: int, seed: int = 0) -> Iterator[list[Array]]:
        """Yield the differences of many comparisons.

        Yields: for each arm, the differences from the base, (some comparisons, seeds, lines).
        """
        generator = np.random.default_rng(seed)
        chunk = max(1, CHUNK // (self.seeds * self.lines))
        for start in range(0, count, chunk):
            size = min(chunk, count - start)
            if len(self.effects) == 1 and not self.separate:
                yield [self.effects[0] + self._noise(size, generator)]
                continue
            # The base is common to all arms, so half of the variance is.
            base = self._noise(size, generator) / np.sqrt(2)
            yield [
                effect + self._noise(size, generator) / np.sqrt(2) - base for effect in self.effects
            ]

    def _noise(self, size: int, generator: np.random.Generator) -> Array:
        by_seed = generator.standard_normal((size, self.seeds, 1))
        by_line = self._draw((size, 1, self.lines), generator)
        noise = self._draw((size, self.seeds, self.lines), generator)
        noise *= np.sqrt(self.share_of_both * self.seeds * self.lines)
        noise += by_seed * np.sqrt(self.share_of_seeds * self.seeds)
        noise += by_line * np.sqrt(self.share_of_lines * self.lines)
        return noise

    def _draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        normal = generator.standard_normal(shape)
        if self.shape is Shape.NORMAL:
            return normal
        return (np.exp(normal) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)


def coverage(design: Design, count: int, *, level: float = 0.95, seed: int = 0) -> float:
    """Return how often the interval of the first arm contains its true effect."""
    covered = 0
    for arms in design.tables(count, seed):
        found = effect_of_lines(arms[0])
        covered += int((np.abs(found.value - design.effects[0]) <= found.half_width(level)).sum())
    return covered / count


@dataclass(frozen=True)
class Outcome:
    """The end of one simulated comparison: the verdict on each arm, its interval, and its seeds."""

    verdicts: tuple[Verdict, ...]
    intervals: tuple[tuple[float, float], ...]
    seeds: tuple[int, ...]


def outcomes(
    design: Design,
    count: int,
    margin: float,
    *,
    alpha: float = 0.05,
    early: bool = False,
    seed: int = 0,
) -> list[Outcome]:
    """Return the ends of simulated comparisons with Holm's correction over the arms.

    Args: early: look after each seed from the third, and give no more seeds to settled arms.
    """
    looks = Looks(design.seeds).seeds if early else (design.seeds,)
    ends: list[Outcome] = []
    for arms in design.tables(count, seed):
        effects = {seeds: [effect_of_lines(table[:, :seeds]) for table in arms] for seeds in looks}
        for place in range(len(arms[0])):
            of_looks = {
                seeds: [_single(one, place) for one in found] for seeds, found in effects.items()
            }
            ends.append(_end(of_looks, margin, alpha, design.seeds if early else None))
    return ends


def _single(many: Effect, place: int) -> Effect:
    parts = many.value[place], many.of_seeds[place], many.of_lines[place]
    return Effect(*parts, many.seeds, many.lines)


def _end(
    of_looks: dict[int, list[Effect]], margin: float, alpha: float, maximum: int | None
) -> Outcome:
    """Return the end of one comparison. This is `compare_all` from look to look, without the parts
    that no verdict needs."""
    arms = len(next(iter(of_looks.values())))
    ends: dict[str, tuple[Verdict, tuple[float, float], int]] = {}
    waiting = [str(arm) for arm in range(arms)]
    for seeds, effects in of_looks.items():
        level = partial(_level, maximum, seeds)

        def differs(
            name: str,
            share: float,
            found: list[Effect] = effects,
            level: Callable[[float], float] = level,
        ) -> bool:
            return found[int(name)].excludes_zero(level(share))

        different = sum(ends[name][0].differs for name in ends if name not in waiting)
        shares = step_down(waiting, differs, arms - different, alpha)
        for name in waiting:
            found = effects[int(name)]
            half = float(found.half_width(level(shares[name])))
            interval = float(found.value) - half, float(found.value) + half
            ends[name] = judge(interval, margin, higher_is_better=True)[0], interval, seeds
        waiting = [name for name in waiting if ends[name][0] is Verdict.INCONCLUSIVE]
        if not waiting:
            break
    verdicts, intervals, counts = zip(*(ends[str(arm)] for arm in range(arms)), strict=True)
    return Outcome(verdicts, intervals, counts)


@lru_cache(maxsize=1024)
def _level(maximum: int | None, seeds: int, share: float) -> float:
    return 1 - share if maximum is None else Looks(maximum, share).level(seeds)
