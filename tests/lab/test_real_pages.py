"""The pages show what a real task says of a claim, and say so where it disagrees."""

import json
from dataclasses import replace
from types import MappingProxyType

import pytest

from made_up_scaling import made
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.scaling import EXPERIMENT
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.experiment import Mode
from whyformer.lab.method.real_tasks import RealAnswer, real_comparisons
from whyformer.lab.method.record import result_of
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages import real
from whyformer.lab.pages.cards import facts_of, read_card
from whyformer.lab.pages.page import Page
from whyformer.lab.pages.question import question_page
from whyformer.lab.pages.wording import WORDS

FACTOR = real_comparisons()["factor"]


def page() -> Page:
    results = made(Mode.FULL)
    cards = {language: read_card("scaling", language) for language in Language}
    published = result_of("scaling")
    assert published is not None
    record = replace(published, results=results)
    return Page(EXPERIMENT, record, facts_of(EXPERIMENT, results), cards)


def answer(verdict: str) -> RealAnswer:
    found = {
        "base": "base",
        "comparisons": {
            "score_scale=none": {
                "effect": 1.25, "interval": [0.5, 2.0], "seeds": 5, "verdict": verdict,
            }
        },
    }  # fmt: skip
    return RealAnswer(FACTOR, FACTOR.claims["training"], MappingProxyType(found))


@pytest.mark.parametrize("language", Language)
def test_the_row_of_a_claim_has_the_verdict_and_the_effect_of_the_real_task(monkeypatch, language):
    whole = page()
    without = question_page(whole, language, list(Language), ())
    monkeypatch.setattr(real, "real_answers", lambda name: {"training": [answer("worse")]})
    html = question_page(whole, language, list(Language), ())
    line = WORDS["on_real_task"].in_(language)
    assert (without.count(line), html.count(line)) == (0, 1)
    after = html.split(line)[1][:600]
    assert VERDICTS[Verdict.SUPPORTED].in_(language) in after
    assert "1.25" in after
    assert FACTOR.task.name.in_(language) in after


@pytest.mark.parametrize("language", Language)
def test_a_contradiction_is_told_at_the_top(monkeypatch, language):
    whole = page()
    assert whole.facts.judgements["training"].verdict is Verdict.SUPPORTED
    told = WORDS["real_task_disagrees"].in_(language)
    for outcome, contradicts in [("worse", False), ("inconclusive", False), ("better", True)]:
        monkeypatch.setattr(
            real, "real_answers", lambda name, one=outcome: {"training": [answer(one)]}
        )
        html = question_page(whole, language, list(Language), ())
        assert (told in html) is contradicts, json.dumps(outcome)
        if contradicts:
            assert html.index(told) < html.index("<details")
