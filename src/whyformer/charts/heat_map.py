"""Heat maps as SVG: a matrix as shades of one colour, or of two colours around zero."""

import json
import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from whyformer.charts.line_chart import RIGHT, WIDTH
from whyformer.charts.numbers import number
from whyformer.charts.table import table

SHADES = 24
FEW_ROWS = 16
"""If a heat map has at most this many rows, each row is tall enough for its name."""
TOP = 26


@dataclass(frozen=True)
class HeatMap:
    """A matrix of numbers with names of rows and columns.

    Args: label: description for readers who cannot see the chart.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    label: str


@dataclass(frozen=True)
class Shading:
    """Maps values to shades. The lightest shade stands for zero, or for the lowest value if no
    value is near zero.

    Args: low, high: the lowest and the highest value of the matrix.
    """

    low: float
    high: float

    @property
    def most(self) -> float:
        """The value that the darkest shade stands for."""
        return max(abs(self.low), abs(self.high)) or 1.0

    @property
    def from_zero(self) -> bool:
        """Whether the lightest shade stands for the value zero."""
        return self.low < 0 or self.low <= 0.5 * self.high or self.low == self.high

    @property
    def least(self) -> float:
        """The value at the left end of the colour scale."""
        return -self.most if self.low < 0 else (0.0 if self.from_zero else self.low)

    def of(self, value: float) -> tuple[str, int]:
        """Return the colour (warm or cold) of a value, and its shade from 0 to `SHADES`."""
        if not math.isfinite(value):
            return "warm", 0
        if self.from_zero:
            return ("warm" if value >= 0 else "cold"), round(SHADES * abs(value) / self.most)
        share = (value - self.low) / ((self.high - self.low) or 1)
        return "warm", max(1, round(SHADES * share))


def heat_map(chart: HeatMap, *, empty: str = "No points.") -> str:
    """Return the heat map below its colour scale. Args: empty: text if no value is finite."""
    values = [[float(v) for v in row] for row in chart.values]
    finite = [v for row in values for v in row if math.isfinite(v)]
    if not finite:
        return f"<p class=absent>{escape(empty)}</p>"
    shading = Shading(min(finite), max(finite))
    left = 12 + max(map(_pixels, chart.rows), default=0)
    columns = len(chart.columns)
    side = max(1.0, min(34.0, (WIDTH - left - RIGHT) / columns))
    tall = max(side, 24.0 if len(values) <= FEW_ROWS else 4.0)
    width, height = left + side * columns + RIGHT, TOP + tall * len(values) + 6
    names = _names(chart.columns, lambda c: (left + (c + 0.5) * side, TOP - 8), "middle", side, 12)
    names += _names(chart.rows, lambda r: (left - 6, TOP + (r + 0.5) * tall + 4), "end", tall, 0)
    data = {
        "rows": list(chart.rows),
        "columns": list(chart.columns),
        "values": [[float(f"{v:.4g}") if math.isfinite(v) else None for v in r] for r in values],
        "left": round(left, 2),
        "top": TOP,
        "side": round(side, 3),
        "tall": round(tall, 3),
    }
    return (
        f"{_ramp(shading)}"
        f'<svg class="plot" viewBox="0 0 {width:.0f} {height:.0f}" role="img" tabindex="0" '
        f'style="max-width:{max(width, 260):.0f}px" aria-label="{escape(chart.label)}" '
        f'data-heat="{escape(json.dumps(data, ensure_ascii=False))}">'
        f'<path class="frame" d="M{left} {TOP}h{side * columns:.1f}v{tall * len(values):.1f}'
        f'h{-side * columns:.1f}z"/>{_cells(values, shading, left, side, tall)}{names}</svg>'
    )


def heat_map_table(chart: HeatMap) -> str:
    """Return the numbers of a heat map as an HTML table."""
    head = "".join(f'<th scope="col" class="n">{escape(name)}</th>' for name in chart.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f'<td class="n">{number(v)}</td>' for v in row)
        + "</tr>"
        for name, row in zip(chart.rows, chart.values, strict=True)
    )
    return table(f"<td></td>{head}", rows)


def _ramp(shading: Shading) -> str:
    least, most = shading.least, shading.most
    steps = "".join(
        f'<i class="{sign}" style="opacity:{level / SHADES:.3f}"></i>'
        for sign, level in (shading.of(least + (most - least) * k / 11) for k in range(12))
    )
    return f'<p class="ramp"><span>{number(least)}</span>{steps}<span>{number(most)}</span></p>'


def _cells(
    values: Sequence[Sequence[float]], shading: Shading, left: float, side: float, tall: float
) -> str:
    """Return one SVG path per shade; neighbouring cells of a row with equal shades are merged."""
    shades: dict[tuple[str, int], list[str]] = {}
    for r, row in enumerate(values):
        c = 0
        while c < len(row):
            shade = shading.of(row[c])
            end = c
            while end < len(row) and shading.of(row[end]) == shade:
                end += 1
            shades.setdefault(shade, []).append(
                f"M{left + c * side:.2f} {TOP + r * tall:.2f}h{(end - c) * side:.2f}v{tall:.2f}"
                f"h{-(end - c) * side:.2f}z"
            )
            c = end
    return "".join(
        f'<path class="{sign}" fill-opacity="{level / SHADES:.3f}" d="{"".join(path)}"/>'
        for (sign, level), path in sorted(shades.items())
        if level
    )


def _pixels(name: str) -> int:
    """Return the maximum width of a name in pixels; Hangul is wider than Latin letters."""
    return sum(14 if unicodedata.east_asian_width(letter) in "FW" else 9 for letter in name)


def _names(
    names: Sequence[str],
    place: Callable[[int], tuple[float, float]],
    anchor: str,
    room: float,
    letter: float,
) -> str:
    """Return the names as SVG, without names that would overlap.

    Args:
        place: function that returns x and y of the k-th name.
        room: distance between two names in pixels.
        letter: width of a letter in pixels; 0 for names of rows, which are below each other.
    """
    widest = max(map(len, names), default=1) * letter + 6 if letter else 20
    step = max(1, math.ceil(widest / room))
    return "".join(
        f'<text x="{place(k)[0]:.1f}" y="{place(k)[1]:.1f}" text-anchor="{anchor}">'
        f"{escape(name)}</text>"
        for k, name in enumerate(names)
        if k % step == 0
    )
