"""Numbers as text."""

import math

import pytest

from whyformer.charts.numbers import number, tick


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.5, "0.500"), (12.345, "12.3"), (1234.5, "1,234"), (2.0, "2"),
        (-0.25, "−0.250"), (1e-5, "1.00×10⁻⁵"), (3.2e8, "3.20×10⁸"),
        (math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"),
    ],
)  # fmt: skip
def test_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (5e-324, "0"),
        (0.1, "0.1"),
        (0.0953101798, "0.09531"),
        (16384.0, "16,384"),
        (1e5, "10⁵"),
        (-2e-4, "−2×10⁻⁴"),
        (math.inf, "∞"),
    ],
)
def test_ticks_are_short(value, text):
    assert tick(value) == text
