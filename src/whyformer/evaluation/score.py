"""A score with everything needed to interpret it: unit, interval, settings and number of lines."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """The value of one metric for one system.

    Args:
        name: the name of the metric.
        value: the score, in `unit`.
        unit: the unit as text, and whether higher or lower is better.
        interval: 95 % confidence interval (low, high), or None.
        signature: all settings that the value depends on, including versions.
        n: number of lines, or of tokens for a perplexity.
        note: a sentence with the reason why a requested interval is missing.
    """

    name: str
    value: float
    unit: str
    interval: tuple[float, float] | None
    signature: str
    n: int
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.name} {self.value:.2f}"
        return f"{self.name} {self.value:.2f} [{self.interval[0]:.2f}, {self.interval[1]:.2f}]"


def each_once(notes: Iterable[str | None]) -> list[str]:
    """Return the notes of the results, without duplicates and empty notes."""
    return list(dict.fromkeys(note for note in notes if note is not None))
