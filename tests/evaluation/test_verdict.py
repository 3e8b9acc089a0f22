import json

import numpy as np
import pytest

from whyformer.evaluation.interval import IntervalKind
from whyformer.evaluation.tagging import share
from whyformer.evaluation.verdict import Measure, Standing, Verdict

ACCURACY = Measure("accuracy", "% of lines, higher is better", True, share, IntervalKind.WILSON)
ERRORS = Measure("wer", "% of lines, lower is better", False, share, IntervalKind.WILSON)


def outcomes(right: int, lines: int = 300) -> np.ndarray:
    return np.stack([np.arange(lines) < right, np.ones(lines)], 1).astype(float)


def verdict(measure: Measure, model: int, baseline: int, lines: int = 300) -> Verdict:
    mine, theirs = outcomes(model, lines), outcomes(baseline, lines)
    return Verdict(
        measure.score(mine),
        measure.higher_is_better,
        "text",
        "a method",
        measure.score(theirs),
        measure.compare(theirs, mine),
        ("A note.",),
        ("Try: more.",),
    )


@pytest.mark.parametrize(
    ("measure", "model", "baseline", "standing"),
    [
        (ACCURACY, 250, 150, Standing.BETTER),
        (ACCURACY, 150, 250, Standing.WORSE),
        (ACCURACY, 150, 151, Standing.EQUAL),
        (ACCURACY, 300, 300, Standing.EQUAL),
        (ERRORS, 250, 150, Standing.WORSE),
        (ERRORS, 150, 250, Standing.BETTER),
    ],
)
def test_the_standing_follows_the_interval_of_the_difference(
    measure: Measure, model: int, baseline: int, standing: Standing
) -> None:
    assert verdict(measure, model, baseline).standing is standing


def test_a_model_that_is_not_better_says_so_first_with_advice() -> None:
    for model, words in ((150, "is worse than"), (249, "is not better than")):
        first, *rest = verdict(ACCURACY, model, 250).lines()
        assert words in first
        assert "Try: more." in rest


def test_a_better_model_shows_its_own_score_first_and_no_advice() -> None:
    first, *rest = verdict(ACCURACY, 280, 150).lines()
    assert first.startswith("verdict: accuracy 93.33")
    assert "Try: more." not in rest


def test_few_items_have_scores_but_no_comparison() -> None:
    few = verdict(ACCURACY, 10, 2, lines=12)
    assert few.standing is Standing.UNKNOWN
    assert "too few items" in "\n".join(few.lines())


def test_a_verdict_survives_json() -> None:
    for found in (
        verdict(ACCURACY, 280, 150),
        Verdict(ACCURACY.score(outcomes(3)), True, "text", "a method"),
    ):
        assert Verdict.from_json(json.loads(json.dumps(found.to_json()))) == found
