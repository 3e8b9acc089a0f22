"""An effect with its interval as SVG, beside 0 and beside a margin of importance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from whyformer.charts.numbers import tick

WIDTH, HEIGHT = 640, 74
LEFT, RIGHT, MIDDLE, BOTTOM = 14, 14, 24, 48
CLOSEST = 70
"""Smallest distance between two labels, in pixels."""


@dataclass(frozen=True)
class Strip:
    """An effect with its interval.

    Args:
        low, high: the ends of the interval; None if there is none.
        label: description for readers who cannot see the drawing.
    """

    effect: float
    low: float | None
    high: float | None
    label: str


def interval_strip(strip: Strip, margin: float, farthest: float) -> str:
    """Return the drawing of an effect: its interval over the zone between -margin and +margin.

    Args: farthest: the value at the right end; 0 is in the middle. Use the same for all strips that
        are compared (`farthest_of`).
    """

    def at(value: float) -> float:
        share = (max(-farthest, min(farthest, value)) + farthest) / (2 * farthest)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    zone = at(margin) - at(-margin)
    parts = [
        f'<rect class="zone" x="{at(-margin):.1f}" y="4" width="{zone:.1f}" '
        f'height="{BOTTOM - 4}"/>',
        f'<path class="base" d="M{LEFT} {BOTTOM}H{WIDTH - RIGHT}"/>',
        f'<path class="zero" d="M{at(0):.1f} 2V{BOTTOM + 5}"/>',
    ]
    if strip.low is not None and strip.high is not None:
        low, high = at(strip.low), at(strip.high)
        parts.append(f'<path class="bar s0" d="M{low:.1f} {MIDDLE}H{high:.1f}"/>')
        parts.append(
            f'<path class="end s0" d="M{low:.1f} {MIDDLE - 7}v14M{high:.1f} {MIDDLE - 7}v14"/>'
        )
    parts.append(f'<circle class="dot s0" cx="{at(strip.effect):.1f}" cy="{MIDDLE}" r="6"/>')
    for value in _marks(margin, farthest, at(margin) - at(0)):
        parts.append(
            f'<path class="base" d="M{at(value):.1f} {BOTTOM}v5"/>'
            f'<text x="{at(value):.1f}" y="{BOTTOM + 22}" text-anchor="middle">'
            f"{'+' if value > 0 else ''}{tick(value)}</text>"
        )
    return (
        f'<svg class="plot strip" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(strip.label)}">{"".join(parts)}</svg>'
    )


def farthest_of(strips: Sequence[Strip], margin: float) -> float:
    """Return the value at the right end of strips: all intervals and the margin fit."""
    ends = [margin]
    for strip in strips:
        ends += [abs(v) for v in (strip.effect, strip.low, strip.high) if v is not None]
    return 1.12 * max(one for one in ends if math.isfinite(one))


def _marks(margin: float, farthest: float, pixels: float) -> list[float]:
    """Return the values with labels: 0, the margin if it is not too close to 0, and round numbers
    if there is room outside the margin."""
    beyond = farthest / 1.12
    size = 10 ** math.floor(math.log10(beyond))
    outer = math.floor(beyond / size) * size
    room = pixels * (outer - margin) / margin >= CLOSEST
    if pixels < CLOSEST:
        return [0.0, outer, -outer]
    shown = [margin, outer] if room else [margin]
    return [0.0, *shown, *(-one for one in shown)]
