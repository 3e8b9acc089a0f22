"""Intervals over seeds: against exact cases, against scipy-free references, and their honesty."""

import math

import numpy as np
import pytest

from whyformer.evaluation.student import beta_share
from whyformer.lab.method.intervals import CORRECTED_ALPHA, UNBOUNDED, mean_interval
from whyformer.lab.method.statistics import (
    FEWEST_FOR_INTERVAL,
    NOT_MEASURED,
    Estimate,
    Spread,
    estimate,
    exactly,
    local_slopes,
    log_slope,
    mean,
    median,
    paired,
    proportion,
    r_squared,
    slope,
)


def test_two_seeds_show_their_range_and_are_judged_by_an_interval():
    e = estimate([3.0, 1.0])
    assert (e.value, e.low, e.high, e.seeds, e.spread) == (2.0, 1.0, 3.0, 2, Spread.RANGE)
    assert e.judged == pytest.approx(mean_interval([3.0, 1.0], CORRECTED_ALPHA))
    assert estimate([1.0] * FEWEST_FOR_INTERVAL).spread is Spread.STUDENT


def test_one_seed_decides_nothing():
    e = estimate([3.0])
    assert (e.low, e.high, e.spread, e.judged) == (3.0, 3.0, Spread.RANGE, UNBOUNDED)


@pytest.mark.parametrize("statistic", [mean, median])
@pytest.mark.parametrize("count", [6, 20])
def test_the_interval_for_the_verdict_contains_the_interval_that_is_shown(statistic, count):
    e = estimate(list(np.random.default_rng(1).normal(size=count)), statistic)
    assert e.judged[0] < e.low < e.value < e.high < e.judged[1]


def test_the_interval_agrees_with_the_normal_one_where_both_are_right():
    values = np.random.default_rng(2).normal(size=200)
    e = estimate(list(values))
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert e.value - e.low == pytest.approx(half, rel=0.1)
    assert e.high - e.value == pytest.approx(half, rel=0.1)


def test_a_median_ignores_one_outlier():
    e = estimate([1.0, 2.0, 3.0, 4.0, 1e6], median)
    assert (e.value, e.low, e.high, e.spread) == (3.0, 1.0, 1e6, Spread.RANGE)
    assert e.judged == UNBOUNDED


def test_pairs_remove_the_luck_that_both_share():
    luck = np.random.default_rng(3).normal(scale=10.0, size=6)
    e = paired(list(luck), list(luck + 0.5))
    assert (e.value, e.low, e.high) == pytest.approx((0.5, 0.5, 0.5))


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        paired([1.0, 2.0], [1.0])


def test_nothing_gives_no_estimate():
    with pytest.raises(ValueError, match="at least one value"):
        estimate([])


def test_a_run_that_broke_down_is_seen():
    e = estimate([1.0, math.nan, 1.0, 1.0, 1.0, 1.0])
    assert math.isnan(e.value)
    assert e.spread is Spread.RANGE


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 2.0])
def test_a_power_law_gives_its_exponent(power):
    x = [1, 2, 4, 8, 16]
    curves = [[c * v**power for v in x] for c in (1.0, 3.0)]
    e = log_slope(x, curves)
    assert (e.value, e.low, e.high) == pytest.approx((power, power, power), abs=1e-9)


def test_a_line_gives_its_slope_and_is_explained_whole():
    x = [1, 2, 3, 4]
    y = [3 * v + 4 for v in x]
    assert slope(x, [y]).value == pytest.approx(3.0)
    assert r_squared(x, y) == 1.0


def test_a_cliff_shows_in_the_local_slopes_only():
    x, y = [1, 2, 4, 8], [1, 2, 4, 64]
    assert local_slopes(x, y) == pytest.approx([1, 1, 4])
    assert log_slope(x, [y]).value < 3


def test_another_scale_keeps_the_order_of_the_ends():
    e = Estimate(2.0, 1.0, 4.0, 5, Spread.STUDENT).map(lambda v: 1 / v)
    assert (e.value, e.low, e.high) == (0.5, 0.25, 1.0)


def test_the_end_of_a_wide_interval_may_overflow():
    e = estimate([-400.0, 400.0]).map(math.exp)
    assert (e.value, e.judged) == (1.0, (0.0, math.inf))


def test_exact_and_missing_numbers_say_so():
    assert exactly(3).spread is Spread.EXACT
    assert NOT_MEASURED.seeds == 0
    assert math.isnan(NOT_MEASURED.value)


@pytest.mark.parametrize(("count", "total"), [(0, 10), (10, 10), (1, 10), (15, 100), (900, 1000)])
def test_a_counted_share_has_its_exact_interval(count, total):
    share = proportion(count, total)
    assert share.spread is Spread.BINOMIAL
    if count:  # so many or more
        assert tail(count, total, share.low) == pytest.approx(0.025)
    if count < total:  # so few or fewer
        assert 1 - tail(count + 1, total, share.high) == pytest.approx(0.025)
    if count in (0, total):
        edge = 0.025 ** (1 / total)
        assert (share.low, share.high) == pytest.approx((edge, 1) if count else (0, 1 - edge))


def tail(count: int, total: int, p: float) -> float:
    """Return the probability of so many or more, term by term."""
    return sum(math.comb(total, k) * p**k * (1 - p) ** (total - k) for k in range(count, total + 1))


@pytest.mark.parametrize(("n", "p"), [(12, 0.3), (400, 0.02), (900, 0.85)])
def test_the_tail_of_the_binomial_is_the_beta_function(n, p):
    k = int(n * p) + 2
    assert beta_share(k, n - k + 1, p) == pytest.approx(tail(k, n, p), rel=1e-9)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        proportion(0, 0)
