"""Keep a run within its number of minutes: measure its speed and adjust the number of updates."""

import contextlib
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator

from whyformer.training.timetable import ENDLESS, Decision, Timetable

CHECKS = 100
"""The plan is checked this many times in a run, at equal intervals of time."""
PARTS = 16
"""The plan is also checked each time 1/16 of the remaining updates is done."""
WINDOWS = 3
"""The speed is the median of the last 3 checks, so that a single pause does not change the plan."""
VALIDATIONS = 20
"""Number of validations of a run, if the recipe does not set the updates between validations."""
COST = 10
"""If the recipe does not set the updates between validations, the time between two validations is
at least this many times the duration of a validation."""
HYSTERESIS = 0.02
"""The plan is kept if the new number of updates differs by less than this fraction of the remaining
updates."""
GRACE = 0.05
"""Extra time, as a fraction of the time limit, in which a delayed run can finish its schedule."""


class Pacer:
    """Plans the number of updates so that a run ends on time.

    The time is wall-clock time and includes validations and checkpoints.

    Args:
        seconds: time limit of the run.
        used: seconds that the run used before this process started.
        every: updates between validations; 0 lets the pacer choose their times.
        most: maximum number of updates.
        after: number of updates before the first one that this time is for.
        clock: function that returns seconds.
    """

    def __init__(
        self,
        seconds: float,
        *,
        used: float = 0.0,
        every: int = 0,
        most: int = ENDLESS,
        after: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._every, self._most, self._clock = seconds, every, most, clock
        self._after = after
        self._began = clock() - used
        self._validated_at = used  # seconds used at the start of the last validation
        # Cost of the last validations, including checkpoints. The unit is the time of one update,
        # because the speed may change.
        self._costs: deque[float] = deque(maxlen=WINDOWS)
        self._last_cost = 0.0  # cost of the last validation in seconds; 0 after the next check
        self._windows: deque[float] = deque(maxlen=WINDOWS)
        self._mark, self._mark_step = clock(), -1  # the start of the current window
        self._step = after

    @property
    def used(self) -> float:
        """Seconds used by the run."""
        return self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds left until the time limit."""
        return max(0.0, self._seconds - self.used)

    @property
    def until_end(self) -> float:
        """Seconds until the end of the run: after the last possible update, or at the limit."""
        pace = self.pace or math.inf
        return min(self.left, (self._most - self._step + self._cost) * pace)

    @property
    def pace(self) -> float | None:
        """Seconds per update; None before the first measurement."""
        return statistics.median(self._windows) if self._windows else None

    def resume(self, *, seconds: float, validated_at: float, cost: float) -> None:
        """Restore the values of a checkpoint.

        Args:
            seconds: seconds used at the checkpoint. The run may have used more time after the
                checkpoint.
            validated_at: seconds used at the start of the last validation.
            cost: cost of a validation, in updates.
        """
        self._began = min(self._began, self._clock() - seconds)
        self._validated_at = validated_at
        self._costs.extend([cost] if cost else [])

    def to_json(self) -> dict[str, float]:
        """Return the values that a checkpoint stores: the arguments of `resume`."""
        return {"seconds": self.used, "validated_at": self._validated_at, "cost": self._cost}

    def decide(self, step: int, timetable: Timetable) -> Decision | None:
        """Return the decision to record after update ``step``; None if no decision is needed.

        Call this once after each update.
        """
        self._step = step
        planned = timetable.updates_at(step)
        ending = step >= planned
        if self._mark_step < 0:  # the first update is slower: it fills caches and compiles code
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
            more = 0  # too little time is left to continue
        changed = abs(step + more - planned) > HYSTERESIS * (planned - step)
        if not (changed or validate or ending or not more):
            return None
        keeps = more and not changed
        updates = planned if keeps else step + more
        return Decision(step, updates, self.used, validate=validate and updates > step)

    @contextlib.contextmanager
    def validating(self) -> Iterator[None]:
        """Measure the time of the `with` block, which is a validation with its checkpoint."""
        self._validated_at = self.used
        before = self._clock()
        with self.saving():
            yield
        if pace := self.pace:
            self._last_cost = self._clock() - before
            self._costs.append(self._last_cost / pace)

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Exclude the time of the `with` block from the speed of the updates."""
        before = self._clock()
        yield
        self._mark += self._clock() - before

    @property
    def _cost(self) -> float:
        return statistics.median(self._costs) if self._costs else 0.0

    @property
    def _interval(self) -> float:
        """Return the seconds between validations, for a recipe that does not set the interval."""
        pace = self.pace or math.inf
        seconds = min(self._seconds, (self._most - self._after) * pace)
        return max(seconds / VALIDATIONS, COST * self._cost * (self.pace or 0.0))

    def _validation_due(self) -> bool:
        if self._every:
            # Without a known cost, the last validation would end after the time limit.
            return not self._costs and self.used > self._seconds / 4
        before_last = self.left - self._cost * (self.pace or 0.0)
        since = self.used - self._validated_at
        return since >= self._interval and before_last > self._interval / 2

    def _affordable(self, step: int, timetable: Timetable) -> int:
        """Return how many updates fit into the remaining time, after subtracting the time for
        validations and checkpoints."""
        pace = self.pace or 1e-9
        cost = self._cost * pace
        left = self.left - cost  # subtract the time of the validation at the end of the run
        if self._every:
            guess = max(0, int(left / (pace + cost / self._every)))
            between = (step + guess) // self._every - step // self._every
            left -= cost * max(0, between - 1)
        elif cost:
            first = self._interval - (self.used - self._validated_at)
            between = (left - self._interval / 2 - first) // self._interval + 1
            left -= cost * max(0, between)
        remaining = 1 - timetable.place(step) / timetable.decisions[0].updates
        fitting = int(max(left, GRACE * self._seconds * remaining) / pace)
        return max(0, min(fitting, self._most - step))
