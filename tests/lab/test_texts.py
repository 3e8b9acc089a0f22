"""The texts of a question: complete, in both languages, and with tests for each claim."""

import pytest

from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.method.experiment import Mode, Results, Shown
from whyformer.lab.method.questions import EXPERIMENTS
from whyformer.lab.method.statistics import exactly
from whyformer.lab.method.texts import Texts, texts_of
from whyformer.lab.method.verdict import above

CLAIM = {"popular": ["A", "가"], "precise": ["B", "나"], "criterion": ["C", "다"]}
CONTENT = {
    "question": ["Why?", "왜?"],
    "answer": ["Because.", "그래서."],
    "practice": ["Do it.", "하세요."],
    "figure": "chart",
    "keywords": ["why", "왜"],
    "names": {"sum": "Σ", "adam": ["Adam, tuned", "조정한 Adam"]},
    "claims": {
        "one": {**CLAIM, "shown": {"label": ["F", "바"], "test": "t", "places": ["here"]}},
        "two": {**CLAIM, "changed_after_data": ["D", "라"]},
    },
    "figures": {
        "chart": {
            "title": ["Loss: {part}", "손실: {part}"],
            "x": "n",
            "y": "L",
            "caption": ["E", "마"],
        }
    },
}
QUESTIONS = sorted(path.parent.name for path in EXPERIMENTS.glob("*/texts.toml"))


def test_texts_become_claims_in_the_order_of_the_file():
    tests = {name: lambda results: {"here": [above(exactly(1), 0.0)]} for name in ("two", "one")}
    one, two = Texts(CONTENT).claims(tests)
    assert (one.name, one.popular, one.changed_after_data) == ("one", Bilingual("A", "가"), None)
    assert two.changed_after_data == Bilingual("D", "라")
    assert (one.shown, two.shown) == (Shown(Bilingual("F", "바"), "t", ("here",)), Shown())
    assert two.judge(Results(Mode.QUICK, [])).holds == ("here",)


@pytest.mark.parametrize("names", [("one",), ("one", "two", "three")])
def test_a_claim_without_tests_and_tests_without_a_claim_are_refused(names):
    with pytest.raises(ValueError, match=r"needs both texts and tests: (two|three)"):
        Texts(CONTENT).claims(dict.fromkeys(names, lambda results: {}))


def test_a_chart_has_the_texts_of_the_file():
    part = Bilingual("copy", "복사")
    chart = Texts(CONTENT).chart("copy-causal", [], log="x", text="chart", part=part)
    assert (chart.name, chart.title) == ("copy-causal", Bilingual("Loss: copy", "손실: 복사"))
    assert (chart.x.log, chart.y.log) == (True, False)
    assert Texts(CONTENT).names["sum"] == Bilingual("Σ", "Σ")


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_text_of_a_question_is_left_over_or_in_one_language(name):
    texts, code = texts_of(name), ""
    for file in (EXPERIMENTS / name).glob("*.py"):
        code += file.read_text(encoding="utf-8")
    figures = texts._figures
    assert [one for one in figures if f'"{one}"' not in code and one not in KINDS] == []
    said = [*texts.names.values(), texts.question]
    for text in said:
        assert not any("가" <= letter <= "힣" for letter in text.en), text


KINDS = ("causal", "encoder")
"""Texts that a chart chooses by the value of a setting."""
