"""The axes of a chart: positions of values in pixels, and round numbers for the ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from whyformer.charts.numbers import tick

LEVELS = 9
"""If a logarithmic axis has at most this many different x values, the ticks are these values."""


@dataclass(frozen=True)
class Axis:
    """The name of an axis, with its unit, and whether it is logarithmic."""

    name: str
    log: bool = False

    def shows(self, value: float) -> bool:
        """Return whether the axis can show a value: finite, and positive if logarithmic."""
        return math.isfinite(value) and (value > 0 or not self.log)


@dataclass(frozen=True)
class Scale:
    """Maps the values of an axis to pixels.

    Args:
        low, high: the values at the two ends of the axis.
        begin, end: the positions of the two ends, in pixels.
        marks: the values of the ticks.
    """

    low: float
    high: float
    begin: float
    end: float
    log: bool
    marks: tuple[float, ...] = ()

    def at(self, value: float) -> float:
        """Return the position of a value in pixels; a value outside the axis is moved to the
        nearest end of the axis."""
        low, high, v = self.low, self.high, value
        if self.log:
            low, high, v = math.log(low), math.log(high), math.log(max(v, self.low))
        share = min(1.0, max(0.0, (v - low) / ((high - low) or 1)))
        return self.begin + share * (self.end - self.begin)


def x_scale(axis: Axis, xs: Sequence[float], begin: float, end: float) -> Scale:
    """Return the horizontal scale for the values ``xs``, without labels that would overlap."""
    low, high = min(xs), max(xs)
    if low == high:
        low, high = (low / 2, high * 2) if axis.log else (low - 1, high + 1)
    if axis.log:
        pad = (high / low) ** 0.02
        low, high = low / pad, high * pad
        levels = sorted(set(xs))
        marks = levels if len(levels) <= LEVELS else log_ticks(low, high)
    else:
        pad = (high - low) * 0.02
        low, high = low - pad, high + pad
        marks = ticks(low, high, 7)
    inside = tuple(m for m in marks if low <= m <= high)
    scale = Scale(low, high, begin, end, axis.log)
    kept: list[float] = []
    taken = -math.inf
    for mark in inside:
        half = 5.0 * len(tick(mark)) + 3
        if scale.at(mark) - half > taken:
            kept.append(mark)
            taken = scale.at(mark) + half
    return replace(scale, marks=tuple(kept))


def y_scale(axis: Axis, ys: Sequence[float], begin: float, end: float) -> Scale:
    """Return the vertical scale for the values ``ys``."""
    low, high = min(ys), max(ys)
    if axis.log:
        if low == high:
            low, high = low / 2, high * 2
        pad = (high / low) ** 0.05
        low, high = low / pad, high * pad
        marks = [t for t in log_ticks(low, high) if low <= t <= high]
    else:
        marks = ticks(low, high, 6)
        low, high = min(low, marks[0]), max(high, marks[-1])
    return Scale(low, high, begin, end, axis.log, tuple(marks))


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


def log_ticks(low: float, high: float) -> list[float]:
    """Return the ticks of a logarithmic axis. The more decades the axis has, the fewer ticks each
    decade gets.

    >>> log_ticks(1, 100)
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]
    """
    powers = decades(low, high)
    span = math.log10(high / low)
    if span < 0.7:
        return [t for t in ticks(low, high, 5) if t > 0]
    if span < 2.5:
        return [float(f"{p * m:.6g}") for p in powers for m in (1, 2, 5)]
    step = math.ceil(span / 7)
    return [p for p in powers if round(math.log10(p)) % step == 0]
