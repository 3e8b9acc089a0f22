import math

import pytest

from whyformer.evaluation.student import quantile, two_sided


@pytest.mark.parametrize(
    ("freedom", "wanted"),  # printed tables, two-sided 5 %
    [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042), (120, 1.980), (math.inf, 1.960)],
)
def test_the_quantiles_are_those_of_the_printed_tables(freedom: float, wanted: float) -> None:
    assert quantile(0.05, freedom) == pytest.approx(wanted, abs=5e-4)


@pytest.mark.parametrize("freedom", [1, 2, 4.5, 99, 12_345, math.inf])
@pytest.mark.parametrize("probability", [1e-9, 0.001, 0.05, 0.9])
def test_the_quantile_is_the_inverse_of_the_probability(freedom: float, probability: float) -> None:
    assert two_sided(quantile(probability, freedom), freedom) == pytest.approx(
        probability, rel=1e-7
    )


def test_two_degrees_of_freedom_have_a_closed_form() -> None:
    assert two_sided(3.0, 2) == pytest.approx(1 - 3 / math.sqrt(3**2 + 2), rel=1e-12)
