"""A number with everything needed to read it: unit, interval, settings, and how many lines."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """One metric's value for one system.

    Args:
        name: the metric.
        value: in `unit`.
        unit: in words, with the direction that is better.
        interval: 95 % interval (low, high); None where there is none.
        signature: every setting that the value depends on, versions included.
        n: what was averaged over: lines, or tokens for a perplexity.
        note: one sentence that says why an interval that was wanted is missing.
    """

    name: str
    value: float
    unit: str
    interval: tuple[float, float] | None
    signature: str
    n: int
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.name} {self.value:.2f}"
        return f"{self.name} {self.value:.2f} [{self.interval[0]:.2f}, {self.interval[1]:.2f}]"


def each_once(notes: Iterable[str | None]) -> list[str]:
    """Return the notes of some results without the missing and the repeated ones."""
    return list(dict.fromkeys(note for note in notes if note is not None))
