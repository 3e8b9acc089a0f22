"""The verdict on a run: its score on held-out data beside a simple baseline, in a few lines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from whyformer.evaluation.interval import (
    RESAMPLES,
    SEED,
    Array,
    IntervalKind,
    Value,
    interval_of,
)
from whyformer.evaluation.metric import scored
from whyformer.evaluation.score import Score
from whyformer.evaluation.significance import Comparison, compare
from whyformer.foundation.wording import counted

SIGNIFICANT = 0.05
MODEL, BASELINE = "model", "baseline"


class Standing(StrEnum):
    """How the model compares with its baseline."""

    BETTER = "better"
    """The whole interval of the difference is in favour of the model."""
    EQUAL = "equal"
    """The interval of the difference contains 0."""
    WORSE = "worse"
    """The whole interval of the difference is in favour of the baseline."""
    UNKNOWN = "unknown"
    """There is no baseline, or there are too few items."""


@dataclass(frozen=True)
class Measure:
    """A metric that is computed from the summed statistics of all items.

    See `whyformer.evaluation.metric`.
    """

    name: str
    unit: str
    higher_is_better: bool
    value: Value
    kind: IntervalKind = IntervalKind.BOOTSTRAP

    def score(self, statistics: Array) -> Score:
        """Return the value with its interval. Args: statistics: (items, k)."""
        found = interval_of(self.kind, self.value, statistics, resamples=RESAMPLES, seed=SEED)
        value = self.value(statistics.sum(0))
        return scored(self.name, value, self.unit, self.name, found, len(statistics))

    def compare(self, baseline: Array, model: Array) -> Comparison:
        """Return the difference between model and baseline on the same items."""
        return compare(self.name, self.value, {BASELINE: baseline, MODEL: model})[0]


@dataclass(frozen=True)
class Verdict:
    """The score of a run on held-out data, and the comparison with a baseline.

    Args:
        score: the score of the run.
        higher_is_better: whether a higher score is better.
        items: name of an item, such as "source".
        method: the method of the baseline in words.
        baseline: the score of the baseline; None without a baseline.
        comparison: the paired comparison; None without a baseline.
        notes: sentences that state where the items come from, and what was sampled or is missing.
        advice: what to try if the model is not better than the baseline.
    """

    score: Score
    higher_is_better: bool
    items: str
    method: str
    baseline: Score | None = None
    comparison: Comparison | None = None
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        """How the model compares with the baseline."""
        found = self.comparison
        if found is None or found.p is None:
            return Standing.UNKNOWN
        gain = found.difference if self.higher_is_better else -found.difference
        if found.interval is None:  # all resamples are equal
            sure = found.p < SIGNIFICANT
        else:
            low, high = found.interval
            sure = low > 0 or high < 0
        if not sure:
            return Standing.EQUAL
        return Standing.BETTER if gain > 0 else Standing.WORSE

    def lines(self) -> list[str]:
        """Return the verdict as lines of text. If the model is not better than its baseline, the
        first line states this."""
        where = f"on {counted(self.score.n, f'held-out {self.items}')}"
        mine, unit = f"{self.score} {where}", f"({self.score.unit})"
        found, theirs = self.comparison, self.baseline
        if found is None or theirs is None:
            return [f"verdict: {mine} {unit}", *self.notes]
        spread = "" if found.interval is None else " [{:+.2f}, {:+.2f}]".format(*found.interval)
        difference = f"difference {found.difference:+.2f}{spread}"
        if self.standing is Standing.BETTER:
            return [
                f"verdict: {mine} {unit}",
                f"better than the baseline ({self.method}): {theirs}, {difference}",
                *self.notes,
            ]
        if self.standing is Standing.UNKNOWN:
            return [
                f"verdict: {mine} {unit}",
                f"baseline ({self.method}): {theirs}; too few items for a comparison",
                *self.notes,
            ]
        worse = self.standing is Standing.WORSE
        start = "worse than" if worse else "not better than"
        return [
            f"verdict: this model is {start} a simple baseline ({self.method}): {theirs}",
            f"this model: {mine} {unit}, {difference}",
            *self.advice,
            *self.notes,
        ]

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return {"standing": str(self.standing), **asdict(self)}

    @staticmethod
    def from_json(found: dict[str, Any]) -> "Verdict":
        """Return the verdict that `to_json` described.

        Raises: TypeError, LookupError or ValueError if ``found`` is damaged.
        """

        def score(values: dict[str, Any] | None) -> Score | None:
            return None if values is None else Score(**{**values, "interval": _ends(values)})

        comparison = found["comparison"]
        if comparison is not None:
            comparison = Comparison(**{**comparison, "interval": _ends(comparison)})
        own = score(found["score"])
        if own is None:
            raise ValueError("a verdict must have a score")
        return Verdict(
            own,
            found["higher_is_better"],
            found["items"],
            found["method"],
            score(found["baseline"]),
            comparison,
            tuple(found["notes"]),
            tuple(found["advice"]),
        )


def _ends(values: dict[str, Any]) -> tuple[float, float] | None:
    found: Sequence[float] | None = values["interval"]
    return None if found is None else (found[0], found[1])
