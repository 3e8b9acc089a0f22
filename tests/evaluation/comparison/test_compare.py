import json

import numpy as np
import pytest

from whyformer.evaluation.comparison.compare import NO_SPREAD, SEEDS_ONLY, compare_arms, effect_of
from whyformer.evaluation.comparison.measured import MOST_GROUPS, Measured, pseudo_values
from whyformer.evaluation.comparison.verdict import Verdict
from whyformer.foundation.errors import UsageError


def of_lines(lines: np.ndarray) -> Measured:
    return Measured(lines.mean(1).tolist(), lines)


def two_arms(effect: float, seed: int = 0) -> tuple[Measured, Measured]:
    draw = np.random.default_rng(seed)
    base = draw.normal(size=(5, 200))
    return of_lines(base), of_lines(base + effect + 0.3 * draw.normal(size=(5, 200)))


def test_a_clear_effect_is_found_and_turned_by_the_orientation() -> None:
    base, arm = two_arms(0.5)
    found = compare_arms(base, arm, margin=0.2, higher_is_better=True)
    assert found.verdict is Verdict.BETTER
    assert found.interval[0] < found.effect < found.interval[1]
    assert found.p < 0.001
    assert found.seeds_needed is None
    assert compare_arms(base, arm, margin=0.2, higher_is_better=False).verdict is Verdict.WORSE
    turned = compare_arms(arm, base, margin=0.2, higher_is_better=True)
    assert turned.effect == pytest.approx(-found.effect)
    assert turned.p == pytest.approx(found.p)


def test_an_arm_compared_with_itself_makes_no_difference() -> None:
    base, _ = two_arms(0.0)
    found = compare_arms(base, base, margin=0.1, higher_is_better=True)
    assert (found.verdict, found.interval, found.p) == (Verdict.NO_DIFFERENCE, (0.0, 0.0), 1.0)


def test_p_is_the_level_at_which_the_interval_touches_zero() -> None:
    base, arm = two_arms(0.01)
    found = compare_arms(base, arm, margin=0.1, higher_is_better=True)
    at = compare_arms(base, arm, margin=0.1, higher_is_better=True, level=1 - found.p)
    assert min(map(abs, at.interval)) == pytest.approx(0, abs=1e-9)


def test_scores_without_lines_say_that_only_seeds_count() -> None:
    found = compare_arms(
        Measured([1.0, 2.0, 3.0]), Measured([2.0, 4.0, 6.0]), margin=1, higher_is_better=True
    )
    assert found.note == SEEDS_ONLY
    assert found.degrees_of_freedom == 2
    assert found.deviation_of_lines is None
    assert found.p == pytest.approx(0.0742, abs=1e-4)  # t = 2√3, 2 degrees of freedom
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.seeds_needed is not None
    assert found.seeds_needed > 3


def test_equal_differences_of_all_seeds_prove_nothing() -> None:
    found = compare_arms(
        Measured([70.0, 71.0, 72.0]),
        Measured([71.0, 72.0, 73.0]),
        margin=0.5,
        higher_is_better=True,
    )
    assert (found.verdict, found.p, found.note) == (Verdict.INCONCLUSIVE, 1.0, NO_SPREAD)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["interval"] == [None, None]


def test_the_degrees_of_freedom_say_whether_seeds_or_lines_dominate() -> None:
    draw = np.random.default_rng(1)
    base = draw.normal(size=(4, 300))
    seeds = of_lines(base + draw.normal(size=(4, 1)))
    lines = of_lines(base + draw.normal(size=300))
    one = compare_arms(of_lines(base), seeds, margin=1, higher_is_better=True)
    other = compare_arms(of_lines(base), lines, margin=1, higher_is_better=True)
    assert one.degrees_of_freedom == pytest.approx(3, abs=1e-3)
    assert other.degrees_of_freedom == pytest.approx(299, rel=1e-3)


def test_the_jackknife_of_a_mean_gives_its_lines() -> None:
    lines = np.random.default_rng(2).normal(size=(3, 50))
    statistics = np.stack([lines, np.ones_like(lines)], axis=2)
    by_value = Measured(lines.mean(1).tolist(), statistics, lambda sums: sums[0] / sums[1])
    zeros = Measured([0.0] * 3, statistics * np.array([0, 1]), by_value.value)
    one = effect_of(zeros, by_value)
    other = effect_of(of_lines(np.zeros((3, 50))), of_lines(lines))
    assert one.half_width(0.95) == pytest.approx(float(other.half_width(0.95)), rel=1e-9)


def test_many_lines_are_left_out_in_groups() -> None:
    statistics = np.random.default_rng(3).random((5 * MOST_GROUPS, 2)) + 1
    values = pseudo_values(lambda sums: float(sums[0] / sums[1]), statistics)
    assert len(values) == MOST_GROUPS
    gap = statistics[:, 0] - statistics[:, 1]  # the delta method, with a ratio near 1
    expected = gap.std() / 1.5 / np.sqrt(len(gap))
    assert values.std() / np.sqrt(len(values)) == pytest.approx(expected, rel=0.1)


def test_the_interval_of_a_ratio_covers_the_truth() -> None:
    draw = np.random.default_rng(4)
    covered = 0
    for _ in range(250):
        lengths = 1 + draw.geometric(0.1, size=60)
        shares = draw.random(60)
        arms: list[Measured] = []
        for _ in range(2):
            right = draw.binomial(lengths, shares, size=(4, 60))
            statistics = np.stack([right, np.broadcast_to(lengths, right.shape)], 2).astype(float)
            scores = [percent(sums) for sums in statistics.sum(1)]
            arms.append(Measured(scores, statistics, percent))
        found = effect_of(*arms)
        covered += bool(abs(found.value) <= found.half_width(0.95))
    assert 0.91 < covered / 250 < 0.99


def percent(sums: np.ndarray) -> float:
    return float(100 * sums[0] / sums[1])


def test_unpaired_or_inconsistent_measurements_are_refused() -> None:
    base, arm = two_arms(0.1)
    assert base.lines is not None
    refused = [
        (Measured([1.0, 2.0]), Measured([1.0]), "the same seeds"),
        (Measured([1.0]), Measured([1.0]), "at least 2 seeds"),
        (base, Measured(arm.scores), "no lines"),
        (base, of_lines(base.lines[:, :50]), "the same test lines"),
        (base, Measured([100 * one for one in base.scores], base.lines), "the same unit"),
    ]
    for one, other, message in refused:
        with pytest.raises(UsageError, match=message):
            compare_arms(one, other, margin=1, higher_is_better=True)
    with pytest.raises(UsageError, match="finite"):
        Measured([1.0, float("nan")])
    with pytest.raises(UsageError, match="one row for each of 2 seeds"):
        Measured([1.0, 2.0], np.zeros((3, 9)))
    with pytest.raises(UsageError, match="level must be between 0 and 1"):
        compare_arms(base, arm, margin=1, higher_is_better=True, level=95)
