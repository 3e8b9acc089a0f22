from statistics import NormalDist

import numpy as np
import pytest

from whyformer.evaluation.comparison.power import detectable_effect
from whyformer.evaluation.comparison.sequential import Looks
from whyformer.evaluation.comparison.simulation import Design, outcomes
from whyformer.evaluation.comparison.verdict import Verdict
from whyformer.evaluation.student import quantile
from whyformer.foundation.errors import UsageError

NEAR = 1e-9  # no look ends with "no difference", so all looks can go wrong


@pytest.mark.parametrize(("maximum", "alpha"), [(5, 0.05), (10, 0.05), (8, 0.01)])
def test_each_look_spends_its_share_of_alpha(maximum: int, alpha: float) -> None:
    looks = Looks(maximum, alpha)
    draw = np.random.default_rng(0).standard_normal((200_000, maximum))
    stopped = np.zeros(len(draw), dtype=bool)
    spent: list[float] = []
    for seeds in looks.seeds:
        seen = draw[:, :seeds]
        t = seen.mean(1) / seen.std(1, ddof=1) * np.sqrt(seeds)
        stopped |= np.abs(t) > quantile(looks.nominal[seeds], seeds - 1)
        spent.append(float(stopped.mean()))
    z = -NormalDist().inv_cdf(alpha / 2)
    planned = [2 - 2 * NormalDist().cdf(z / np.sqrt(one / maximum)) for one in looks.seeds]
    assert spent == pytest.approx(planned, abs=4 * np.sqrt(alpha / 200_000))


def test_early_looks_need_much_stronger_evidence_than_the_last() -> None:
    levels = list(Looks(10).nominal.values())
    assert levels == sorted(levels)
    assert levels[0] < 0.001
    assert 0.025 < levels[-1] < 0.05


def test_a_single_look_has_the_whole_alpha() -> None:
    for maximum in (2, 3):
        assert Looks(maximum).nominal == {maximum: pytest.approx(0.05)}


def test_the_overall_p_compares_with_alpha_at_every_look() -> None:
    looks = Looks(5, 0.02)
    for seeds in looks.seeds:
        at_the_edge = Looks(5, 0.05).overall_p(1 - looks.level(seeds), seeds)
        assert at_the_edge == pytest.approx(0.02, rel=1e-4)


@pytest.mark.parametrize("shares", [(1.0, 0.0, 0.0), (0.2, 0.3, 0.5)])
@pytest.mark.parametrize("arms", [1, 3])
def test_equal_arms_are_called_different_in_five_percent_at_most(
    shares: tuple[float, float, float], arms: int
) -> None:
    design = Design(5, 20, *shares, effects=(0.0,) * arms)
    ends = outcomes(design, 1000, NEAR, early=True)
    false = np.mean([any(one.differs for one in end.verdicts) for end in ends])
    assert false < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize("early", [False, True])
def test_an_effect_of_twice_the_margin_is_found_with_the_stated_power(early: bool) -> None:
    null = Design(5, 200, 0.5, 0.3, 0.2)
    effect = detectable_effect(
        5,
        null.deviation_between_seeds,
        deviation_of_lines=null.deviation_of_lines,
        lines=200,
        level=Looks(5).level(5) if early else 0.95,
    )
    planted = Design(5, 200, 0.5, 0.3, 0.2, effects=(effect,))
    ends = outcomes(planted, 2000, effect / 2, early=early)
    found = np.mean([end.verdicts[0] is Verdict.BETTER for end in ends])
    assert 0.77 < found < 0.83
    assert all(end.verdicts[0] is not Verdict.WORSE for end in ends)
    assert (np.mean([end.seeds[0] for end in ends]) < 4.6) == early


def test_an_effect_at_the_margin_is_hardly_ever_called_no_difference() -> None:
    for early in (False, True):
        ends = outcomes(Design(5, 20, 0.7, 0.3, 0.0, effects=(3.0,)), 1000, 3.0, early=early)
        false = np.mean([end.verdicts[0] is Verdict.NO_DIFFERENCE for end in ends])
        assert false < 0.025 + 3 * np.sqrt(0.025 / 1000)
        for end in ends:
            if end.verdicts[0] is Verdict.NO_DIFFERENCE:
                assert -3 < end.intervals[0][0] <= 0 <= end.intervals[0][1] < 3


def test_other_numbers_of_seeds_than_those_of_the_looks_are_refused() -> None:
    with pytest.raises(UsageError, match="after 3 to 5 seeds, but there are 2"):
        Looks(5).level(2)
    with pytest.raises(UsageError, match="at least 2 seeds"):
        Looks(1)
