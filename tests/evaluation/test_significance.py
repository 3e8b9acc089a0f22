import numpy as np
import pytest

from whyformer.evaluation.accuracy import ExactMatch
from whyformer.evaluation.significance import (
    PairedTest,
    approximate_randomization,
    compare,
    exact_permutation,
    paired_bootstrap,
)
from whyformer.foundation.errors import UsageError

value = ExactMatch().value


def outcomes(right: np.ndarray) -> np.ndarray:
    return np.stack([right.astype(float), np.ones(len(right))], axis=1)


def lines(share: float, seed: int, count: int = 200) -> np.ndarray:
    return outcomes(np.random.default_rng(seed).random(count) < share)


@pytest.mark.parametrize("test", list(PairedTest))
def test_identical_systems_differ_by_luck_only(test: PairedTest) -> None:
    one = lines(0.6, 1)
    (found,) = compare("exact", value, {"a": one, "b": one}, test=test, trials=200)
    assert found.p == 1.0
    assert found.difference == 0.0


@pytest.mark.parametrize("test", list(PairedTest))
def test_clearly_different_systems_differ(test: PairedTest) -> None:
    systems = {"a": lines(0.3, 1), "b": lines(0.7, 2), "c": lines(0.31, 3)}
    better, like = compare("exact", value, systems, test=test, trials=999)
    assert better.p == pytest.approx(0.001)  # no trial came near: (0 + 1) / (999 + 1)
    assert better.difference > 25
    assert like.p > 0.1
    assert (better.baseline, better.system, like.system) == ("a", "b", "c")


def test_randomization_is_exact_where_every_exchange_can_be_counted() -> None:
    # Three lines differ, all for the better: |difference| is as large in 2 of the 8 exchanges.
    a = outcomes(np.array([False, False, False, True, True]))
    b = outcomes(np.array([True, True, True, True, True]))
    difference, p = approximate_randomization(value, a, b, trials=20_000)
    assert difference == pytest.approx(60.0)
    assert p == pytest.approx(0.25, abs=0.02)


def test_all_exchanges_of_few_lines_are_counted() -> None:
    a = outcomes(np.array([False, False, False, True, True]))
    b = outcomes(np.array([True, True, True, True, True]))
    assert exact_permutation(value, a, b) == (pytest.approx(60.0), 0.25, 8)
    # 4 better and 1 worse: differences of 3 or more lines are 2 · (5 + 1) of 32
    a, b = (outcomes(np.array(one)) for one in ([0, 0, 0, 0, 1], [1, 1, 1, 1, 0]))
    assert exact_permutation(value, a, b) == (pytest.approx(60.0), 12 / 32, 32)


@pytest.mark.parametrize("test", list(PairedTest))
@pytest.mark.parametrize("different", [0, 1, 5, 10, 14])
def test_p_never_falls_below_what_the_lines_that_differ_can_show(
    test: PairedTest, different: int
) -> None:
    a = np.zeros(100)
    b = np.where(np.arange(100) < different, 1.0, 0.0)
    (found,) = compare("exact", value, {"a": outcomes(a), "b": outcomes(b)}, test=test)
    assert found.p == min(1.0, 2 * 2.0**-different)
    assert found.test == "exact"
    assert found.trials == 2**different


@pytest.mark.parametrize("test", list(PairedTest))
@pytest.mark.parametrize("count", [1, 2, 19])
def test_few_lines_have_no_p_and_no_interval(test: PairedTest, count: int) -> None:
    a, b = outcomes(np.zeros(count)), outcomes(np.ones(count))
    (found,) = compare("exact", value, {"a": a, "b": b}, test=test)
    assert (found.p, found.interval, found.test) == (None, None, None)
    assert found.difference == 100.0
    assert "at least 20 are needed" in (found.note or "")


def test_the_bootstrap_agrees_with_the_normal_approximation() -> None:
    a, b = lines(0.50, 4, 500), lines(0.57, 5, 500)
    difference, (low, high), p = paired_bootstrap(value, a, b, trials=4000)
    gaps = 100 * (b[:, 0] - a[:, 0])
    spread = gaps.std() / np.sqrt(len(gaps))
    assert difference == pytest.approx(gaps.mean())
    assert low == pytest.approx(difference - 1.96 * spread, abs=0.5)
    assert high == pytest.approx(difference + 1.96 * spread, abs=0.5)
    z = abs(difference) / spread
    from math import erfc, sqrt

    assert p == pytest.approx(erfc(z / sqrt(2)), abs=0.03)


@pytest.mark.parametrize("test", list(PairedTest))
def test_p_is_below_five_percent_five_percent_of_the_time(test: PairedTest) -> None:
    found = [
        compare(
            "exact",
            value,
            {"a": lines(0.5, 2 * k, 100), "b": lines(0.5, 2 * k + 1, 100)},
            test=test,
            trials=100,
        )[0].p
        for k in range(200)
    ]
    assert 0.0 <= np.mean(np.array(found) < 0.05) <= 0.10


@pytest.mark.parametrize("test", list(PairedTest))
def test_order_of_systems_changes_the_sign_only(test: PairedTest) -> None:
    a, b = lines(0.5, 1), lines(0.6, 2)
    (one,) = compare("exact", value, {"a": a, "b": b}, test=test, trials=300)
    (two,) = compare("exact", value, {"b": b, "a": a}, test=test, trials=300)
    assert one.difference == -two.difference
    assert one.p == two.p


def test_mistakes_are_explained() -> None:
    with pytest.raises(UsageError, match="at least two systems, but there is 1"):
        compare("exact", value, {"a": lines(0.5, 1)})
    with pytest.raises(UsageError, match="one has 5 lines and the other 6"):
        paired_bootstrap(value, lines(0.5, 1, 5), lines(0.5, 1, 6))
