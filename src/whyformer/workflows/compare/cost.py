"""The time that the trainings of a comparison take, before the start and while they run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from whyformer.foundation.wording import counted


@dataclass
class Clock:
    """The time that is left, from the mean time of a training of each arm.

    Args:
        expected: seconds of a training by arm; from the first finished training on, their mean.
        left: trainings that are left by arm, at most.
        workers: number of trainings at the same time.
    """

    expected: Mapping[str, float]
    left: dict[str, int]
    workers: int
    _spent: dict[str, list[float]] = field(default_factory=dict)

    def finished(self, arm: str, seconds: float) -> None:
        """Count a training that has ended."""
        self._spent.setdefault(arm, []).append(seconds)
        self.left[arm] = max(0, self.left.get(arm, 0) - 1)

    def settled(self, arm: str) -> None:
        """Count no more trainings of an arm, because its verdict is clear."""
        self.left[arm] = 0

    @property
    def seconds(self) -> float | None:
        """The seconds that are left at most; None if the time of an arm is not known."""
        total = 0.0
        for arm, count in self.left.items():
            spent = self._spent.get(arm)
            each = sum(spent) / len(spent) if spent else self.expected.get(arm)
            if count and each is None:
                return None
            total += count * (each or 0.0)
        return total / self.workers


def duration(seconds: float) -> str:
    """Return a time in words, with a precision that suits an estimate.

    >>> duration(41.2), duration(100), duration(4000), duration(7800), duration(1e6)
    ('41 seconds', '2 minutes', '67 minutes', '2.2 hours', '278 hours')
    """
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    if seconds < 7200:
        return counted(round(seconds / 60), "minute")
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours < 10 else f"{hours:,.0f} hours"
