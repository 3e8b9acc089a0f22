"""Learning rate as a pure function of the step (§5.3, Eq. 3, and others)."""

import math
from collections.abc import Callable
from enum import StrEnum


class Schedule(StrEnum):
    """How the learning rate moves after warm-up."""

    NOAM = "noam"
    INVERSE_SQRT = "inverse-sqrt"
    LINEAR = "linear"
    COSINE = "cosine"
    CONSTANT = "constant"
    TRAPEZOID = "trapezoid"


def noam(step: float, d_model: int, warmup: float) -> float:
    """d_model^-0.5 · min(step^-0.5, step · warmup^-1.5): the learning rate itself.

    Paper: Vaswani et al. 2017, §5.3, Eq. 3. Args: step: counted from 1.

    >>> round(noam(4000, 512, 4000), 6)
    0.000699
    """
    return d_model**-0.5 * min(step**-0.5, step * max(warmup, 1) ** -1.5)


def inverse_sqrt(step: float, total: int, warmup: float) -> float:
    """Eq. 3 as a share of its peak: rises to 1 at ``warmup``, then falls as step^-0.5."""
    warmup = max(warmup, 1)
    return min(step / warmup, (warmup / step) ** 0.5)


def linear(step: float, total: int, warmup: float) -> float:
    """Rises to 1 at ``warmup``, then falls in a line to 0 after the last step."""
    if step < warmup:
        return step / warmup
    return max(0.0, (total + 1 - step) / max(1, total + 1 - warmup))


def cosine(step: float, total: int, warmup: float) -> float:
    """Rises to 1 at ``warmup``, then falls along half a cosine to 0 after the last step."""
    if step < warmup:
        return step / warmup
    gone = min(1.0, (step - warmup) / max(1, total + 1 - warmup))
    return 0.5 * (1 + math.cos(math.pi * gone))


def constant(step: float, total: int, warmup: float) -> float:
    """Rises to 1 at ``warmup`` and stays."""
    return min(1.0, step / max(warmup, 1))


def trapezoid(step: float, total: int, warmup: float) -> float:
    """Rises to 1 at ``warmup``, stays, and falls in a line to 0 over the last 30 % of the steps."""
    if step < warmup:
        return step / warmup
    return min(1.0, (total + 1 - step) / max(1.0, 0.3 * total))


SHAPES: dict[Schedule, Callable[[float, int, float], float]] = {
    Schedule.INVERSE_SQRT: inverse_sqrt,
    Schedule.LINEAR: linear,
    Schedule.COSINE: cosine,
    Schedule.CONSTANT: constant,
    Schedule.TRAPEZOID: trapezoid,
}


def learning_rate(
    schedule: Schedule, step: float, *, peak: float, total: int, warmup: float, d_model: int
) -> float:
    """Return the learning rate of update ``step`` (from 1).

    Args: peak: the highest rate; with `noam`, a factor on Eq. 3 (paper: 1).
    """
    if schedule is Schedule.NOAM:
        return peak * noam(step, d_model, warmup)
    return peak * SHAPES[schedule](step, total, warmup)
