"""Round numbers for the axes of charts."""

import math


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers that cover an interval.

    >>> ticks(0, 10)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    span = (high - low) or abs(high) or 1.0
    step = 10 ** math.floor(math.log10(span / about))
    step *= next((m for m in (1, 2, 5, 10) if span / (step * m) <= about), 10)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Return powers of ten that cover an interval of positive numbers.

    >>> decades(0.03, 4)
    [0.01, 0.1, 1.0, 10.0]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [float(f"1e{k}") for k in range(first, max(last, first + 1) + 1)]
