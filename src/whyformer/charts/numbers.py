"""Format numbers: with a few significant digits, or as short tick labels of an axis."""

import math

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """Format a number with the given number of significant digits.

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
    """Format an exponent as superscript: ⁻³ for -3."""
    return str(exponent).translate(RAISED)


def tick(value: float) -> str:
    """Format a round number as a short tick label of an axis.

    >>> tick(0.25), tick(1e-7), tick(2e6), tick(4096.0), tick(0.1053605157)
    ('0.25', '10⁻⁷', '2×10⁶', '4,096', '0.1054')
    """
    size = abs(float(value))
    if not math.isfinite(value):
        return number(value)
    if size < 1e-300:  # `verdict.above(0)` is such a number: the smallest float above 0
        return "0"
    if not 1e-3 <= size < 1e5:
        exponent = math.floor(math.log10(size) + 1e-12)
        mantissa = f"{size / 10**exponent:.3g}"
        text = ("" if mantissa == "1" else f"{mantissa}×") + f"10{power_of_ten(exponent)}"
    else:
        # Show four significant digits of a fraction, and all digits of a whole number.
        text = f"{size:,.0f}" if size.is_integer() else f"{float(f'{size:.4g}'):,.10g}"
    return f"−{text}" if value < 0 else text
