"""Intervals at any level: hand-worked values, and their coverage by simulation."""

import math

import numpy as np
import pytest

from whyformer.lab.method.intervals import (
    CORRECTED_ALPHA,
    FAMILY,
    UNBOUNDED,
    mean_interval,
    median_interval,
    share_interval,
)
from whyformer.lab.method.questions import QUESTIONS, experiment_named
from whyformer.lab.method.record import result_of
from whyformer.lab.method.statistics import Spread

SIMULATIONS = 2000


def test_the_interval_of_two_values_is_the_hand_worked_one():
    # With one degree of freedom, t is a Cauchy variable: tan(0.95 · π / 2) = 12.706.
    half = math.tan(0.95 * math.pi / 2) * 0.5
    assert mean_interval([1.0, 2.0], 0.05) == pytest.approx((1.5 - half, 1.5 + half))


@pytest.mark.parametrize(
    ("count", "kept"), [(5, None), (6, (0, 5)), (8, (0, 7)), (9, (1, 7)), (20, (5, 14))]
)
def test_the_interval_of_the_median_ends_at_the_tabulated_values(count, kept):
    values = [float(v) for v in range(count)]
    assert median_interval(values, 0.05) == (UNBOUNDED if kept is None else kept)


def test_no_interval_is_better_than_a_wrong_one():
    assert mean_interval([1.0], 0.05) == UNBOUNDED
    assert mean_interval([1.0, math.nan], 0.05) == UNBOUNDED
    assert median_interval([1.0] * 6 + [math.nan], 0.05) == UNBOUNDED
    assert median_interval([1.0] * 13, CORRECTED_ALPHA) == UNBOUNDED
    assert median_interval([1.0] * 14, CORRECTED_ALPHA) == (1.0, 1.0)


def test_equal_values_have_an_interval_without_width():
    assert mean_interval([0.1] * 7, 0.05) == (0.1, 0.1)


@pytest.mark.parametrize("seeds", [2, 3, 5, 20])
def test_the_interval_of_a_mean_has_its_nominal_coverage(seeds):
    draws = np.random.default_rng(seeds).normal(size=(SIMULATIONS, seeds)).tolist()
    covered = sum(low <= 0 <= high for low, high in (mean_interval(d, 0.05) for d in draws))
    assert 0.935 <= covered / SIMULATIONS <= 0.965  # 3 standard errors


@pytest.mark.parametrize("seeds", [6, 10, 20])
def test_the_interval_of_a_median_covers_at_least_the_nominal_share(seeds):
    draws = np.random.default_rng(seeds).standard_exponential(size=(SIMULATIONS, seeds)).tolist()
    truth = math.log(2)
    covered = sum(low <= truth <= high for low, high in (median_interval(d, 0.05) for d in draws))
    assert covered / SIMULATIONS >= 0.935


def test_a_smaller_error_gives_a_wider_interval_of_a_share():
    wide, narrow = share_interval(3, 20, CORRECTED_ALPHA), share_interval(3, 20, 0.05)
    assert wide[0] < narrow[0] < 3 / 20 < narrow[1] < wide[1]


def test_the_family_counts_every_test_of_every_question():
    found = 0
    for name in QUESTIONS:
        record = result_of(name)
        assert record is not None
        for claim in experiment_named(name).claims:
            for tests in claim.tests(record.results).values():
                found += sum(test.effect.spread is not Spread.EXACT for test in tests)
    assert 200 < found <= FAMILY
