"""The values that are tried for each arm of a comparison: a grid, or ranges that are searched."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from whyformer.foundation.errors import UsageError
from whyformer.workflows.compare.arms import full_key

MOST_TRIALS = 100
"""Maximum number of trials of each arm."""


@dataclass(frozen=True)
class Range:
    """All numbers between two ends.

    Args:
        whole: whether only whole numbers are tried.
        log: whether the logarithms are spread evenly, so that 0.001 to 0.01 gets as many trials as
            0.01 to 0.1.
    """

    low: float
    high: float
    whole: bool
    log: bool


@dataclass(frozen=True)
class Space:
    """What is tuned for each arm.

    Args:
        values: the values to try, by setting.
        ranges: the ranges to search, by setting.
        trials: number of trials of each arm; 0 means every combination of the values.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    trials: int = 0

    @property
    def count(self) -> int:
        """The number of trials of each arm."""
        return self.trials or len(self.grid())

    def grid(self) -> list[dict[str, list[str]]]:
        """Return every combination of the values; nothing if there are no values.

        >>> Space({"a": ["1", "2"], "b": ["3"]}).grid()
        [{'a': ['1'], 'b': ['3']}, {'a': ['2'], 'b': ['3']}]
        """
        if not self.values:
            return []
        return [
            {key: [value] for key, value in zip(self.values, values, strict=True)}
            for values in product(*self.values.values())
        ]

    def to_json(self) -> dict[str, Any]:
        """Return what a registration states: the values, ranges and trials that there are."""
        found: dict[str, Any] = {"values": dict(self.values)}
        if self.trials:
            found["ranges"] = {key: [one.low, one.high] for key, one in self.ranges.items()}
            found["trials"] = self.trials
        return found


def parse_space(texts: Iterable[str], keys: Sequence[str], trials: int | None = None) -> Space:
    """Return what is tuned.

    Args:
        texts: such as ``training.learning_rate=0.001,0.002`` or
            ``training.learning_rate=0.0005..0.01``.
        keys: the dotted names of all settings of the recipe.
        trials: number of trials; None means every combination of the values.
    Raises: UsageError
    """
    values: dict[str, list[str]] = {}
    ranges: dict[str, Range] = {}
    for text in texts:
        key, _, rest = text.partition("=")
        full = full_key(key, keys)
        if full in values or full in ranges:
            raise UsageError(f"`--tune` gives `{full}` twice. Keep one.")
        if ".." in rest:
            ranges[full] = _range(text, rest)
        else:
            values[full] = _values(text, rest)
    if not values and not ranges:
        if trials is not None:
            raise UsageError("`--trials` needs --tune, which says what to try. Add --tune.")
        return Space()
    if ranges and trials is None:
        raise UsageError(
            "A range of `--tune` has too many values to try all. Give --trials NUMBER, the number "
            "of values to try for each arm."
        )
    space = Space(values, ranges, trials or 0)
    if space.count > MOST_TRIALS:
        raise UsageError(
            f"`--tune` gives {space.count:,} combinations of values, more than {MOST_TRIALS}. "
            "Leave some of them out, or give --trials NUMBER to try only some of them."
        )
    return space


def _values(text: str, rest: str) -> list[str]:
    found = [value for value in rest.split(",") if value]
    if len(found) < 2:
        raise UsageError(
            f"`--tune` takes a setting with at least two values, such as "
            f"training.learning_rate=0.001,0.002, or with a range, such as "
            f"training.learning_rate=0.0005..0.01, but `{text}` was given."
        )
    if len(set(found)) < len(found):
        raise UsageError(f"`--tune` gives a value twice: `{text}`. Keep one.")
    return found


def _range(text: str, rest: str) -> Range:
    ends = rest.split("..")
    try:
        low, high = map(float, ends)
    except ValueError:
        low = high = math.nan
    if not (low < high and math.isfinite(low) and math.isfinite(high)):
        raise UsageError(
            f"A range of `--tune` must be two numbers, the smaller one first, such as "
            f"training.learning_rate=0.0005..0.01, but `{text}` was given."
        )
    whole = all(one.strip().lstrip("+-").isdigit() for one in ends)
    return Range(low, high, whole, log=low > 0)
