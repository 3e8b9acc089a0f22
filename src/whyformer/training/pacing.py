"""Keep a run within the minutes asked for: measure its speed all the time, plan again."""

import contextlib
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator

from whyformer.training.timetable import Decision, Timetable

CHECKS = 100
"""Parts of the run after each of which the plan is checked."""
PARTS = 16
"""The plan is also checked after this part of the updates that it still has."""
WINDOWS = 3
"""The speed is the median over this many checks, so that one pause does not change the plan."""
VALIDATIONS = 20
"""Validations of a run whose recipe does not say after how many updates they come."""
COST = 5
"""Time between two such validations, at least, in times of what one takes."""
HYSTERESIS = 0.02
"""A plan stays while it is this close to the new one, as a share of the remaining updates."""
GRACE = 0.05
"""Share of the minutes in which a run that lost time may still finish its schedule."""


class Pacer:
    """Plans the number of updates so that a run ends when its time does.

    The time is wall-clock time and includes validations and checkpoints.

    Args:
        seconds: that the run may take.
        used: seconds that it used before this process began.
        every: updates between validations; 0 lets the pacer choose their times.
        clock: returns seconds.
    """

    def __init__(
        self,
        seconds: float,
        *,
        used: float = 0.0,
        every: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._every, self._clock = seconds, every, clock
        self._began = clock() - used
        self._validated_at = used  # seconds used when the last validation began
        # Of the last validations with their checkpoints, in updates: the speed may change.
        self._costs: deque[float] = deque(maxlen=WINDOWS)
        self._last_cost = 0.0  # in seconds, until the next check
        self._windows: deque[float] = deque(maxlen=WINDOWS)
        self._mark, self._mark_step = clock(), -1  # where the present window began

    @property
    def used(self) -> float:
        """Seconds that the run has used."""
        return self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds that the run may still use."""
        return max(0.0, self._seconds - self.used)

    @property
    def pace(self) -> float | None:
        """Seconds of one update; None until it is known."""
        return statistics.median(self._windows) if self._windows else None

    def resume(self, *, seconds: float, validated_at: float, cost: float) -> None:
        """Take over what a checkpoint knows.

        Args: seconds: used by then; more may have been used since, and lost.
        """
        self._began = min(self._began, self._clock() - seconds)
        self._validated_at = validated_at
        self._costs.extend([cost] if cost else [])

    def to_json(self) -> dict[str, float]:
        """Return what `resume` takes."""
        return {"seconds": self.used, "validated_at": self._validated_at, "cost": self._cost}

    def decide(self, step: int, timetable: Timetable) -> Decision | None:
        """Return the decision to record after update ``step``, if one is needed.

        Call it once after each update.
        """
        planned = timetable.updates_at(step)
        ending = step >= planned
        if self._mark_step < 0:  # the first update of a process also warms caches and compiles
            self._mark, self._mark_step = self._clock(), step
            return Decision(step, step, self.used) if ending else None
        elapsed, done = self._clock() - self._mark, step - self._mark_step
        validate = self._validation_due()
        due = elapsed >= min(self._seconds / CHECKS, self.left / 4)
        due = due or done >= (planned - self._mark_step) / PARTS
        if not (due or validate or ending):
            return None
        self._windows.append(elapsed / done)
        self._mark, self._mark_step = self._clock(), step
        if self._last_cost:  # the speed may have changed just before that validation
            self._costs[-1] = self._last_cost / max(self._windows)
            self._last_cost = 0.0
        more = self._affordable(step, timetable)
        if ending and more * self._windows[-1] <= self._seconds / CHECKS:
            more = 0  # not worth another plan
        changed = abs(step + more - planned) > HYSTERESIS * (planned - step)
        if not (changed or validate or ending or not more):
            return None
        keeps = more and not changed
        updates = planned if keeps else step + more
        return Decision(step, updates, self.used, validate=validate and updates > step)

    @contextlib.contextmanager
    def validating(self) -> Iterator[None]:
        """Measure the block as a validation with its checkpoint."""
        self._validated_at = self.used
        before = self._clock()
        with self.saving():
            yield
        if pace := self.pace:
            self._last_cost = self._clock() - before
            self._costs.append(self._last_cost / pace)

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Keep the time of the block out of the speed of the updates."""
        before = self._clock()
        yield
        self._mark += self._clock() - before

    @property
    def _cost(self) -> float:
        return statistics.median(self._costs) if self._costs else 0.0

    @property
    def _interval(self) -> float:
        """Seconds from one validation to the next, for a recipe that does not say."""
        return max(self._seconds / VALIDATIONS, COST * self._cost * (self.pace or 0.0))

    def _validation_due(self) -> bool:
        if self._every:
            # Its cost must be known before the end, or the last one would overrun.
            return not self._costs and self.used > self._seconds / 4
        before_last = self.left - self._cost * (self.pace or 0.0)
        since = self.used - self._validated_at
        return since >= self._interval and before_last > self._interval / 2

    def _affordable(self, step: int, timetable: Timetable) -> int:
        """Return how many updates fit into what is left, validations and checkpoints taken off."""
        pace = self.pace or 1e-9
        cost = self._cost * pace
        left = self.left - cost  # the last validation
        if self._every:
            guess = max(0, int(left / (pace + cost / self._every)))
            between = (step + guess) // self._every - step // self._every
            left -= cost * max(0, between - 1)
        elif cost:
            first = self._interval - (self.used - self._validated_at)
            between = (left - self._interval / 2 - first) // self._interval + 1
            left -= cost * max(0, between)
        remaining = 1 - timetable.place(step) / timetable.decisions[0].updates
        return max(0, int(max(left, GRACE * self._seconds * remaining) / pace))
