import math

import numpy as np
import pytest

from whyformer.evaluation.comparison.power import (
    chance_to_settle,
    detectable_effect,
    lines_needed,
    power,
    seeds_needed,
)
from whyformer.evaluation.comparison.simulation import Design, outcomes


def test_without_lines_the_power_is_that_of_the_noncentral_t() -> None:
    # scipy.stats.nct with 4 degrees of freedom and noncentrality √5 / 0.5
    assert power(1.0, 5, 0.5) == pytest.approx(0.90888, abs=1e-4)
    assert power(-1.0, 5, 0.5) == power(1.0, 5, 0.5)


def test_without_an_effect_the_power_is_the_error() -> None:
    assert power(0.0, 3, 2.0) == pytest.approx(0.05, abs=1e-3)
    assert power(0.0, 5, 0.0, deviation_of_lines=1.0) == pytest.approx(0.05, abs=1e-6)


def test_the_detectable_effect_has_the_wanted_power() -> None:
    effect = detectable_effect(4, 0.7, deviation_of_lines=0.2, lines=300, wanted=0.9)
    assert power(effect, 4, 0.7, deviation_of_lines=0.2, lines=300) == pytest.approx(0.9)


@pytest.mark.parametrize("effect", [2.0, 4.0])
def test_simulated_comparisons_find_an_effect_as_often_as_stated(effect: float) -> None:
    design = Design(4, 200, 0.6, 0.4, 0.0, effects=(effect,))
    lines = {"deviation_of_lines": design.deviation_of_lines, "lines": 200}
    stated = power(effect, 4, design.deviation_between_seeds, **lines)
    ends = outcomes(design, 2000, 1.0)
    assert np.mean([end.verdicts[0].differs for end in ends]) == pytest.approx(stated, abs=0.035)


def test_the_chance_to_settle_is_that_of_continued_runs() -> None:
    # The first 5 seeds have mean 0.1 and deviation 1; another 20 follow.
    draw = np.random.default_rng(1)
    truth = 0.1 + draw.normal(size=20_000) / math.sqrt(5)
    mean = (5 * 0.1 + 20 * (truth + draw.normal(size=20_000) / math.sqrt(20))) / 25
    half = 2.0639 / math.sqrt(25)  # t with 24 degrees of freedom
    settled = (np.abs(mean) > half) | (np.abs(mean) + half < 0.5)
    assert chance_to_settle(0.1, 0.5, 5, 25, 1.0) == pytest.approx(settled.mean(), abs=0.015)


def test_seeds_needed_is_the_first_number_with_a_chance_of_eighty_percent() -> None:
    needed = seeds_needed(0.4, 0.5, 5, 1.0)
    assert needed is not None
    assert chance_to_settle(0.4, 0.5, 5, needed, 1.0) >= 0.8
    assert chance_to_settle(0.4, 0.5, 5, needed - 1, 1.0) < 0.8


def test_more_seeds_do_not_help_if_the_lines_dominate() -> None:
    few = {"deviation_of_lines": 0.5, "lines": 100}
    assert seeds_needed(0.4, 0.5, 5, 1.0, **few) is None
    lines = lines_needed(0.5, 100, 0.5)
    more = {"deviation_of_lines": 0.5 * math.sqrt(100 / lines), "lines": lines}
    assert seeds_needed(0.4, 0.5, 5, 1.0, **more) is not None
    # An interval that is narrower than the margin settles every effect.
    assert 1.96 * more["deviation_of_lines"] < 0.5 / 2


def test_the_advice_settles_most_of_the_inconclusive_comparisons() -> None:
    draw = np.random.default_rng(0)
    settled: list[bool] = []
    for _ in range(300):
        seeds = draw.normal(0.8, 1.0, 400)
        mean, deviation = seeds[:5].mean(), seeds[:5].std(ddof=1)
        half = 2.776 * deviation / math.sqrt(5)
        if abs(mean) > half or abs(mean) + half < 1:
            continue
        needed = seeds_needed(mean, 1.0, 5, deviation)
        assert needed is not None
        later = seeds[: min(needed, 400)]
        width = 2 * later.std(ddof=1) / math.sqrt(len(later))
        settled.append(abs(later.mean()) > width or abs(later.mean()) + width < 1)
    assert len(settled) > 100
    assert 0.65 < np.mean(settled) < 0.95
