"""The declared comparisons on real tasks can be run, and judge claims that exist."""

import json

import pytest

from whyformer.lab.method.questions import experiment_named
from whyformer.lab.method.real_tasks import PUBLISHED, Support, real_answers, real_comparisons
from whyformer.lab.method.verdict import Verdict

EACH = pytest.mark.parametrize("name", real_comparisons())


@EACH
def test_a_comparison_judges_claims_of_its_question_with_arms_that_it_trains(name):
    one = real_comparisons()[name]
    claims = {claim.name for claim in experiment_named(one.experiment).claims}
    assert one.claims
    assert one.claims.keys() <= claims
    for support in one.claims.values():
        assert support.arm in one.arms[1:]
        assert support.supported_if


@pytest.mark.parametrize(
    ("outcome", "supported_if", "verdict"),
    [
        ("worse", ["worse"], Verdict.SUPPORTED),
        ("better", ["worse"], Verdict.REFUTED),
        ("no difference that matters", ["worse"], Verdict.NOT_SUPPORTED),
        ("inconclusive", ["worse"], Verdict.INCONCLUSIVE),
        ("worse", ["no difference that matters", "better"], Verdict.REFUTED),
        ("worse", ["no difference that matters"], Verdict.NOT_SUPPORTED),
        ("better", ["no difference that matters", "better"], Verdict.SUPPORTED),
    ],
)
def test_the_verdict_follows_from_what_the_comparison_found(outcome, supported_if, verdict):
    found = {"comparisons": {"arm": {"verdict": outcome}}}
    assert Support("arm", tuple(supported_if)).verdict(found) is verdict


def test_a_published_comparison_is_the_declared_one_and_was_registered(published_names):
    for name in published_names:
        one = real_comparisons()[name]
        found = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
        kept = found["registration"]["registration"]
        assert list(kept["arms"]) == list(one.arms)
        assert kept["margin"] == one.task.margin
        assert kept["recipe"]["name"] == one.task.recipe
        assert found["registered"]
        answers = real_answers(one.experiment)
        assert answers.keys() >= one.claims.keys()


@pytest.fixture
def published_names() -> list[str]:
    return [path.stem for path in PUBLISHED.glob("*.json")]
