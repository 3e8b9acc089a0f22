"""How estimates are written."""

import pytest

from whyformer.lab.method.statistics import Estimate, Spread, exactly
from whyformer.lab.pages.numbers import format_estimate


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.5, 0.4995, 0.5005), "0.5000 [0.4995, 0.5005]"),
        ((2.0, 1.0, 3.0), "2.0 [1.0, 3.0]"),
        ((21.4566, 21.2622, 21.769), "21.5 [21.3, 21.8]"),
        ((0.0004, -0.0031, 0.0047), "0.0004 [−0.0031, 0.0047]"),
        ((1e-6, 3e-7, 4e-6), "1.0×10⁻⁶ [3.0×10⁻⁷, 4.0×10⁻⁶]"),
        ((-0.0001, -0.2, 0.2), "0.00 [−0.20, 0.20]"),
        ((1500.0, 1400.0, 1600.0), "1,500 [1,400, 1,600]"),
        ((0.7, 0.7, 0.7), "0.700"),
    ],
)
def test_as_many_digits_as_the_interval_justifies(ends, text):
    assert str(format_estimate(Estimate(*ends, 5, Spread.STUDENT))) == text


def test_exact_numbers_have_no_interval():
    assert str(format_estimate(exactly(388))) == "388"
    assert str(format_estimate(exactly(0))) == "0"
