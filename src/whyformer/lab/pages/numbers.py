"""Format measured numbers, with as many digits as the interval justifies."""

import math
from dataclasses import dataclass

from whyformer.charts.numbers import number
from whyformer.lab.method.statistics import Estimate, Spread

MAX_DIGITS = 4


@dataclass(frozen=True)
class FormattedEstimate:
    """A number and its interval as text; the interval of an exact number is empty."""

    value: str
    interval: str

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".rstrip()


def format_estimate(e: Estimate) -> FormattedEstimate:
    """Format an estimate: a 95 % interval in brackets, or the range of few seeds in parentheses.

    An exact number has no interval.

    >>> str(format_estimate(Estimate(0.2301, 0.2212, 0.2391, 5, Spread.STUDENT)))
    '0.230 [0.221, 0.239]'
    """
    if e.spread is Spread.EXACT or e.low == e.high or not math.isfinite(e.value):
        return FormattedEstimate(number(e.value, MAX_DIGITS if abs(e.value) >= 1 else 3), "")
    ends = (e.value, e.low, e.high)
    sizes = [abs(v) for v in ends if v and math.isfinite(v)]
    if not all(map(math.isfinite, ends)) or _far_apart(sizes):
        value, low, high = (number(v, 2) for v in ends)
    else:
        places = _decimals(e, max(sizes))
        value, low, high = (_fixed(v, places) for v in ends)
    if e.spread not in (Spread.RANGE, Spread.EXACT):
        return FormattedEstimate(value, f"[{low}, {high}]")
    return FormattedEstimate(value, f"({low} … {high})")


def _far_apart(sizes: list[float]) -> bool:
    return max(sizes) < 1e-3 or max(sizes) >= 1e6 or 300 * min(sizes) < min(max(sizes), 1e-2)


def _decimals(e: Estimate, size: float) -> int:
    half = (e.high - e.low) / 2
    places = -math.floor(math.log10(half)) + (1 if f"{half:e}"[0] == "1" else 0)
    if e.value:
        places = max(places, min(1 - _exponent(e.value), places + 1))
    return max(0, min(places, MAX_DIGITS - 1 - _exponent(size)))


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _fixed(value: float, places: int) -> str:
    text = f"{abs(value):,.{places}f}"
    return f"−{text}" if value < 0 and float(text.replace(",", "")) else text
