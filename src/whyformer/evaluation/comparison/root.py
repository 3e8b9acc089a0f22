"""Find where a function is zero."""

from collections.abc import Callable


def zero_of(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where an increasing function is 0.

    Source: Dowell and Jarratt 1971, "A modified regula falsi method" (the Illinois method).
    Args: low, high: the function is at most 0 at the first, and at least 0 at the second.

    >>> round(zero_of(lambda x: x**3 - 8, 0.0, 10.0), 6)
    2.0
    """
    below, above = function(low), function(high)
    last = 0
    for _ in range(100):
        if high - low < 1e-10 or not below:
            break
        middle = high - above * (high - low) / (above - below)
        value = function(middle)
        if abs(value) < 1e-10:
            return middle
        side = 1 if value > 0 else -1
        if side > 0:
            high, above = middle, value
            below /= 2 if side == last else 1
        else:
            low, below = middle, value
            above /= 2 if side == last else 1
        last = side
    return low if not below else high
