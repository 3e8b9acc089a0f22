import numpy as np
import pytest

from whyformer.evaluation.comparison.compare import Comparison
from whyformer.evaluation.comparison.measured import Measured
from whyformer.evaluation.comparison.several import compare_all, holm, step_down
from whyformer.evaluation.comparison.simulation import Design, outcomes
from whyformer.evaluation.comparison.verdict import Verdict


def test_holm_multiplies_by_the_number_of_tests_that_are_left() -> None:
    assert holm([0.02, 0.01, 0.04, 0.03]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.001, 0.9]) == pytest.approx([0.002, 0.9])
    assert holm([0.7, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_an_arm_that_differs_gives_its_share_of_alpha_to_the_others() -> None:
    p = {"a": 0.001, "b": 0.02, "c": 0.04}
    shares = step_down(list(p), lambda name, share: p[name] <= share, 3, 0.05)
    assert shares == pytest.approx({"a": 0.05 / 3, "b": 0.05 / 2, "c": 0.05})
    shares = step_down(list(p), lambda name, share: p[name] <= share, 4, 0.05)
    assert shares == pytest.approx({"a": 0.05 / 4, "b": 0.05 / 3, "c": 0.05 / 3})


def arms_with(effects: list[float], seed: int) -> tuple[Measured, dict[str, Measured]]:
    draw = np.random.default_rng(seed)
    base = draw.normal(size=4)
    arms = {
        str(place): Measured((base + effect + 0.5 * draw.normal(size=4)).tolist())
        for place, effect in enumerate(effects)
    }
    return Measured(base.tolist()), arms


@pytest.mark.parametrize("maximum", [None, 4, 6])
def test_interval_and_adjusted_p_agree(maximum: int | None) -> None:
    verdicts: set[bool] = set()
    for seed in range(8):
        base, arms = arms_with([0.0, 1.0, 3.0], seed)
        found = compare_all(base, arms, margin=0.5, higher_is_better=True, maximum=maximum)
        for one in found.values():
            excluded = one.interval[0] > 0 or one.interval[1] < 0
            assert excluded == (one.adjusted_p <= 0.05) == one.verdict.differs
            assert one.adjusted_p >= one.p
            verdicts.add(excluded)
    assert verdicts == {False, True}


@pytest.mark.parametrize("shares", [(1.0, 0.0, 0.0), (0.5, 0.5, 0.0)])
def test_three_equal_arms_are_called_different_in_five_percent_at_most(
    shares: tuple[float, float, float],
) -> None:
    ends = outcomes(Design(5, 20, *shares, effects=(0.0, 0.0, 0.0)), 2000, 1.0)
    false = np.mean([any(one.differs for one in end.verdicts) for end in ends])
    assert false < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_the_simulated_comparisons_are_those_of_the_library() -> None:
    design = Design(5, 12, 0.5, 0.3, 0.2, effects=(0.0, 3.0, 6.0))
    ends = outcomes(design, 5, 2.5, early=True)
    tables = next(design.tables(5))
    kinds: set[Verdict] = set()
    for place, end in enumerate(ends):
        settled: dict[str, Comparison] = {}
        last: dict[str, Comparison] = {}
        for seeds in (3, 4, 5):
            arms = {
                str(arm): measured(table[place][:seeds])
                for arm, table in enumerate(tables)
                if str(arm) not in settled
            }
            if not arms:
                break
            base = measured(np.zeros((seeds, 12)))
            found = compare_all(
                base, arms, margin=2.5, higher_is_better=True, maximum=5, settled=settled
            )
            last |= found
            clear = {k: v for k, v in found.items() if v.verdict is not Verdict.INCONCLUSIVE}
            settled |= clear
        assert tuple(last[str(arm)].verdict for arm in range(3)) == end.verdicts
        assert tuple(last[str(arm)].seeds for arm in range(3)) == end.seeds
        for arm in range(3):
            assert last[str(arm)].interval == pytest.approx(end.intervals[arm], rel=1e-6)
        kinds.update(end.verdicts)
    assert len(kinds) > 1


def measured(lines: np.ndarray) -> Measured:
    return Measured(lines.mean(1).tolist(), lines)
