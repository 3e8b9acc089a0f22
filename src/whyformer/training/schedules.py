"""Learning-rate schedules: pure functions of the step (§5.3, Eq. 3, and others).

A schedule returns the factor that `training.learning_rate` is multiplied by at a step:

    @SCHEDULES.register("mine")
    def mine(step: float, *, total: int, warmup: float, d_model: int) -> float: ...

The arguments are the same for all schedules. ``step`` counts from 1. ``total`` is the number of
updates of the run, ``warmup`` is the length of the warm-up in updates, and ``d_model`` is the width
of the model.

If a run has a time limit, its number of updates may change during training. After such a change,
``total`` is still the first planned number, and ``step`` is rescaled so that it reaches ``total``
at the end of the run. Schedules that do not depend on ``total`` are marked with `without_end` and
get the real step.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, Protocol, TypeVar, runtime_checkable

from whyformer.foundation.registry import Registry


@runtime_checkable
class ScheduleFunction(Protocol):
    """The signature of every schedule."""

    def __call__(self, step: float, /, *, total: int, warmup: float, d_model: int) -> float:
        """Return the factor for the learning rate of update ``step`` (from 1)."""
        ...


SCHEDULES = Registry[ScheduleFunction]("schedule")
Schedule = Annotated[str, SCHEDULES]
"""Name of a schedule."""
F = TypeVar("F", bound=ScheduleFunction)


def without_end(schedule: F) -> F:
    """Declare that a schedule does not depend on the number of updates."""
    declared: Any = schedule
    declared.ends = False
    return schedule


def ends(schedule: str) -> bool:
    """Return whether a schedule, given by name, depends on the number of updates."""
    return getattr(SCHEDULES[schedule], "ends", True)


def constant_until(share: float) -> Callable[[F], F]:
    """Declare that a schedule is constant after the warm-up, up to this share of the updates."""

    def declare(schedule: F) -> F:
        declared: Any = schedule
        declared.constant_until = share
        return schedule

    return declare


def end_of_constant(schedule: str) -> float | None:
    """Return the share of the updates after which a schedule falls from a constant value; None if
    it has no constant phase, or never falls."""
    return getattr(SCHEDULES[schedule], "constant_until", None)


@SCHEDULES.register("noam")
@without_end
def noam(step: float, *, total: int, warmup: float, d_model: int) -> float:
    """d_model^-0.5 · min(step^-0.5, step · warmup^-1.5): the learning rate itself.

    Paper: Vaswani et al. 2017, §5.3, Eq. 3.

    >>> round(noam(4000, total=100_000, warmup=4000, d_model=512), 6)
    0.000699
    """
    return d_model**-0.5 * min(step**-0.5, step * max(warmup, 1) ** -1.5)


@SCHEDULES.register("inverse-sqrt")
@without_end
def inverse_sqrt(step: float, *, total: int, warmup: float, d_model: int) -> float:
    """Eq. 3 divided by its peak: the factor rises to 1 at ``warmup``, then falls as step^-0.5."""
    warmup = max(warmup, 1)
    return min(step / warmup, (warmup / step) ** 0.5)


@SCHEDULES.register("linear")
def linear(step: float, *, total: int, warmup: float, d_model: int) -> float:
    """The factor rises to 1 at ``warmup``, then falls linearly; it is 0 after the last step."""
    if step < warmup:
        return step / warmup
    return max(0.0, (total + 1 - step) / max(1, total + 1 - warmup))


@SCHEDULES.register("cosine")
def cosine(step: float, *, total: int, warmup: float, d_model: int) -> float:
    """The factor rises to 1 at ``warmup``, then falls as a cosine; it is 0 after the last step."""
    if step < warmup:
        return step / warmup
    gone = min(1.0, (step - warmup) / max(1, total + 1 - warmup))
    return 0.5 * (1 + math.cos(math.pi * gone))


@SCHEDULES.register("constant")
@without_end
def constant(step: float, *, total: int, warmup: float, d_model: int) -> float:
    """The factor rises to 1 at ``warmup`` and stays at 1."""
    return min(1.0, step / max(warmup, 1))


@SCHEDULES.register("trapezoid")
@constant_until(0.7)
def trapezoid(step: float, *, total: int, warmup: float, d_model: int) -> float:
    """The factor rises to 1 at ``warmup``, stays at 1, and falls linearly to 0 over the last 30 %
    of the steps."""
    if step < warmup:
        return step / warmup
    return min(1.0, (total + 1 - step) / max(1.0, 0.3 * total))


def learning_rate(
    schedule: str, step: float, *, peak: float, total: int, warmup: float, d_model: int
) -> float:
    """Return the learning rate of update ``step`` (from 1).

    Args: peak: the highest learning rate; with `noam`, a factor that Eq. 3 is multiplied by (paper:
        1).
    """
    return peak * SCHEDULES[schedule](step, total=total, warmup=warmup, d_model=d_model)
