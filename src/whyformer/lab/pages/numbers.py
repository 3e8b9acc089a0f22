"""How measured numbers are written: as many digits as the interval justifies."""

import math
from dataclasses import dataclass

from whyformer.lab.method.statistics import Estimate, Spread

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_DIGITS = 4


@dataclass(frozen=True)
class FormattedEstimate:
    """A number and its interval as text; the interval of an exact number is empty."""

    value: str
    interval: str

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".rstrip()


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits.

    >>> number(0.01234), number(2.9e-7), number(35.0), number(-1234.5)
    ('0.0123', '2.90×10⁻⁷', '35', '−1,234')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    mantissa, _, power = f"{abs(value):.{digits - 1}e}".partition("e")
    exponent = int(power)
    if not -4 <= exponent < 6:
        text = f"{mantissa}×10{power_of_ten(exponent)}"
    elif float(value).is_integer() or exponent >= digits:
        text = f"{abs(value):,.0f}"
    else:
        text = f"{abs(value):,.{max(0, digits - 1 - exponent)}f}"
    return f"−{text}" if value < 0 else text


def power_of_ten(exponent: int) -> str:
    """Write an exponent raised: 10⁻³ without the 10."""
    return str(exponent).translate(RAISED)


def tick(value: float) -> str:
    """Write a round number at an axis, as short as it can be.

    >>> tick(0.25), tick(1e-7), tick(2e6), tick(4096.0), tick(0.1053605157)
    ('0.25', '10⁻⁷', '2×10⁶', '4,096', '0.1054')
    """
    size = abs(float(value))
    if not math.isfinite(value):
        return number(value)
    if size < 1e-300:  # the next number after 0, see `verdict.above`
        return "0"
    if not 1e-3 <= size < 1e5:
        exponent = math.floor(math.log10(size) + 1e-12)
        mantissa = f"{size / 10**exponent:.3g}"
        text = ("" if mantissa == "1" else f"{mantissa}×") + f"10{power_of_ten(exponent)}"
    else:
        # Four digits of a fraction, all digits of a whole number.
        text = f"{size:,.0f}" if size.is_integer() else f"{float(f'{size:.4g}'):,.10g}"
    return f"−{text}" if value < 0 else text


def format_estimate(e: Estimate) -> FormattedEstimate:
    """Write an estimate: [95 % interval], (least … greatest) of few seeds, or exact.

    >>> str(format_estimate(Estimate(0.2301, 0.2212, 0.2391, 5, Spread.BOOTSTRAP)))
    '0.230 [0.221, 0.239]'
    """
    if e.spread is Spread.EXACT or e.low == e.high or not math.isfinite(e.value):
        return FormattedEstimate(number(e.value, MOST_DIGITS if abs(e.value) >= 1 else 3), "")
    ends = (e.value, e.low, e.high)
    sizes = [abs(v) for v in ends if v and math.isfinite(v)]
    if not all(map(math.isfinite, ends)) or _far_apart(sizes):
        value, low, high = (number(v, 2) for v in ends)
    else:
        places = _decimals(e, max(sizes))
        value, low, high = (_fixed(v, places) for v in ends)
    if e.spread in (Spread.BOOTSTRAP, Spread.BINOMIAL):
        return FormattedEstimate(value, f"[{low}, {high}]")
    return FormattedEstimate(value, f"({low} … {high})")


def _far_apart(sizes: list[float]) -> bool:
    return max(sizes) < 1e-3 or max(sizes) >= 1e6 or 300 * min(sizes) < min(max(sizes), 1e-2)


def _decimals(e: Estimate, size: float) -> int:
    half = (e.high - e.low) / 2
    places = -math.floor(math.log10(half)) + (1 if f"{half:e}"[0] == "1" else 0)
    if e.value:
        places = max(places, min(1 - _exponent(e.value), places + 1))
    return max(0, min(places, MOST_DIGITS - 1 - _exponent(size)))


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _fixed(value: float, places: int) -> str:
    text = f"{abs(value):,.{places}f}"
    return f"−{text}" if value < 0 and float(text.replace(",", "")) else text
