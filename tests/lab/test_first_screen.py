"""The first screen of a page, and its table of claims: one sentence, a figure, one row a claim."""

import re
from dataclasses import replace

import pytest

from made_up_scaling import made
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.scaling import EXPERIMENT
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.charts import Chart
from whyformer.lab.method.experiment import Brief, Shown
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import PUBLISHED, Record, result_of
from whyformer.lab.pages.cards import Card, facts_of, read_card
from whyformer.lab.pages.page import Page
from whyformer.lab.pages.question import leading_figure, question_page
from whyformer.lab.pages.rows import effect_in_short
from whyformer.lab.pages.wording import WORDS

LONGEST_ANSWER = 25
"""Largest number of words of an answer."""
LONGEST_PRACTICE = 45


def brief_of(name: str) -> Brief:
    brief = experiment_named(name).brief
    assert brief is not None, f"{name} has no answer in one sentence"
    return brief


def published(name: str) -> Record:
    record = result_of(name)
    assert record is not None
    return record


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", written())
def test_the_answer_is_one_short_sentence_without_measured_numbers(name, language):
    answer = brief_of(name).answer.in_(language)
    assert len(answer.split()) <= LONGEST_ANSWER
    assert answer.endswith(".")
    assert len(re.findall(r"[.!?](?:\s|$)", answer)) == 1
    assert not re.search(r"\d", answer.replace("Table 1", ""))


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", written())
def test_what_to_do_in_practice_is_short(name, language):
    practice = brief_of(name).practice.in_(language)
    assert 3 < len(practice.split()) <= LONGEST_PRACTICE
    assert practice.endswith(".")


@pytest.mark.parametrize("name", [n for n in written() if (PUBLISHED / f"{n}.json").is_file()])
def test_a_page_answers_then_shows_a_figure_then_the_claims(name):
    experiment, record, brief = experiment_named(name), published(name), brief_of(name)
    shown = Page(experiment, record, facts_of(experiment, record.results), both_cards(name))
    lead, others = leading_figure(shown)
    assert isinstance(lead, Chart)
    assert lead.name == brief.figure
    assert len(others) == len(experiment.charts(record.results)) - 1
    html = question_page(shown, Language.ENGLISH, list(Language), (None, None))
    places = [
        html.index(part)
        for part in (
            "<h1>",
            in_symbols(brief.answer.en),
            f'<figure class="chart" id="{lead.name}"',
            in_symbols(brief.practice.en),
            '<details class="row">',
            "<h2>Derivation</h2>",
            "<h2>What was measured</h2>",
            f">{WORDS['provenance'].en}</h2>",
        )
    ]
    assert places == sorted(places)
    assert html.count(f'id="{lead.name}"') == 1
    assert html.count('<details class="row">') == len(experiment.claims)
    for claim in experiment.claims:
        row = html[html.index(f"“{in_symbols(claim.popular.en)}”</h3>") :]
        row = row[: row.index("</summary>")]
        assert VERDICTS[shown.facts.judgements[claim.name].verdict].en in row
        assert "<data" in row, claim.name
        assert "</summary>" not in row


@pytest.mark.parametrize("name", [n for n in written() if (PUBLISHED / f"{n}.json").is_file()])
def test_the_effect_in_a_row_is_an_effect_of_the_claim(name):
    record = published(name)
    for claim in experiment_named(name).claims:
        tests = claim.tests(record.results)
        assert set(claim.shown.places) <= set(tests), claim.name
        named = {test.name for place in claim.shown.places or tests for test in tests[place]}
        assert claim.shown.test in (named | {""}), claim.name
        if claim.shown.label is None:
            assert claim.shown.test in experiment_named(name).names, claim.name


def test_a_row_without_a_chosen_effect_shows_the_circumstances_that_explain_the_verdict():
    facts = facts_of(EXPERIMENT, made())
    (claim,) = [one for one in EXPERIMENT.claims if one.name == "saturation"]
    record = Record("scaling", 1, "", made(), {})
    shown = Page(EXPERIMENT, record, facts, {})
    html = effect_in_short(shown, replace(claim, shown=Shown()), Language.ENGLISH)
    judgement = facts.judgements["saturation"]
    for place in (judgement.holds[0], judgement.fails[0]):
        assert in_symbols(place.replace(" = ", "\u00a0=\u00a0")) in html


def both_cards(name: str) -> dict[Language, Card | None]:
    return {language: read_card(name, language) for language in Language}
