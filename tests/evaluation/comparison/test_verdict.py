import numpy as np
import pytest

from whyformer.evaluation.comparison.verdict import Certain, Verdict, judge
from whyformer.foundation.errors import UsageError


@pytest.mark.parametrize(
    ("interval", "verdict", "certain"),
    [
        ((0.4, 0.9), Verdict.BETTER, Certain.ABOVE_MARGIN),
        ((0.3, 0.9), Verdict.BETTER, Certain.ABOVE_MARGIN),
        ((0.1, 0.9), Verdict.BETTER, Certain.NOTHING),
        ((0.1, 0.2), Verdict.BETTER, Certain.BELOW_MARGIN),
        ((-0.9, -0.4), Verdict.WORSE, Certain.ABOVE_MARGIN),
        ((-0.2, -0.1), Verdict.WORSE, Certain.BELOW_MARGIN),
        ((-0.2, 0.1), Verdict.NO_DIFFERENCE, Certain.BELOW_MARGIN),
        ((0.0, 0.0), Verdict.NO_DIFFERENCE, Certain.BELOW_MARGIN),
        ((-0.2, 0.3), Verdict.INCONCLUSIVE, Certain.NOTHING),
        ((-0.9, 0.1), Verdict.INCONCLUSIVE, Certain.NOTHING),
        ((-np.inf, np.inf), Verdict.INCONCLUSIVE, Certain.NOTHING),
    ],
)
def test_the_interval_beside_zero_and_the_margin_decides(
    interval: tuple[float, float], verdict: Verdict, certain: Certain
) -> None:
    assert judge(interval, 0.3, higher_is_better=True) == (verdict, certain)


def test_lower_scores_turn_the_verdict_around() -> None:
    assert judge((0.1, 0.2), 0.3, higher_is_better=False)[0] is Verdict.WORSE
    assert judge((-0.2, -0.1), 0.3, higher_is_better=False)[0] is Verdict.BETTER
    assert judge((-0.2, 0.1), 0.3, higher_is_better=False)[0] is Verdict.NO_DIFFERENCE


def test_no_difference_is_said_inside_the_margin_only() -> None:
    ends = np.sort(np.random.default_rng(0).normal(size=(2000, 2)), axis=1)
    for low, high in ends.tolist():
        verdict, _ = judge((low, high), 1.0, higher_is_better=True)
        inside = -1 < low <= 0 <= high < 1
        assert (verdict is Verdict.NO_DIFFERENCE) == inside


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan")])
def test_a_margin_must_be_above_zero(margin: float) -> None:
    with pytest.raises(UsageError, match="margin must be above 0"):
        judge((0, 1), margin, higher_is_better=True)
