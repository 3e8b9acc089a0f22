"""The text of the pages: sections, placeholders, no number typed by hand, formulas, languages."""

import re

import pytest

from whyformer.foundation.bilingual import Language
from whyformer.foundation.errors import DataError, MissingExtraError
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.experiment import Mode, Results
from whyformer.lab.method.questions import QUESTIONS, experiment_named, written
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, Spread, exactly
from whyformer.lab.method.verdict import Judgement, Verdict
from whyformer.lab.pages import cards
from whyformer.lab.pages.cards import (
    SECTIONS,
    Card,
    Facts,
    all_measured,
    in_html,
    in_text,
    placeholders,
    read_card,
    spread_in_words,
    typed_numbers,
)

EN, KO = Language.ENGLISH, Language.KOREAN
FACTS = Facts(
    {
        "gap": Estimate(0.2301, 0.2212, 0.2391, 5, Spread.STUDENT),
        "few": Estimate(0.2301, 0.2212, 0.2391, 2, Spread.RANGE),
        "depth": exactly(35),
        "later": NOT_MEASURED,
    },
    {"right": Judgement(Verdict.CONDITIONAL, ("a",), ("b",), ())},
)


def card(body: str) -> Card:
    return Card("x", EN, (body, *[""] * (len(SECTIONS) - 1)))


# --- every card that is written


def both(name: str) -> dict[Language, Card]:
    found = {language: read_card(name, language) for language in Language}
    missing = [str(language) for language, one in found.items() if one is None]
    assert not missing, f"{name} has no card in {missing}"
    return {language: one for language, one in found.items() if one is not None}


def test_every_question_has_an_experiment():
    assert written() == list(QUESTIONS)


@pytest.mark.parametrize("name", written())
def test_no_number_in_a_sentence_is_typed_by_hand(name):
    for one in both(name).values():
        assert typed_numbers(one) == []


@pytest.mark.parametrize("name", written())
def test_both_languages_tell_the_same_numbers_and_verdicts(name):
    told = both(name)
    assert sorted(placeholders(told[EN])) == sorted(placeholders(told[KO]))
    assert all(one.bodies[k] for one in told.values() for k in range(len(SECTIONS)))


@pytest.mark.parametrize("name", written())
def test_the_summary_tells_a_verdict_and_a_number(name):
    told = placeholders(Card(name, EN, (both(name)[EN].summary, *[""] * 6)))
    claims = {claim.name for claim in experiment_named(name).claims}
    verdicts = {one.partition(":")[2] for one in told if one.startswith("verdict:")}
    assert verdicts
    assert verdicts <= claims
    assert len(told) > len(verdicts)


@pytest.mark.parametrize("name", written())
def test_literature_stands_in_cited_lines(name):
    for one in both(name).values():
        lines = [line for line in one.bodies[-1].splitlines() if line.strip()]
        assert lines
        assert all(line.startswith(">") for line in lines), one.language


@pytest.mark.parametrize("name", written())
def test_the_korean_card_is_korean(name):
    told = both(name)
    for body in told[KO].bodies[:-1]:
        letters = [c for c in in_text(body, Facts({}, {}, measured=False), KO) if c.isalpha()]
        assert sum("가" <= c <= "힣" for c in letters) > 0.4 * len(letters)
    assert not any("가" <= c <= "힣" for body in told[EN].bodies for c in body)


@pytest.mark.parametrize("name", written())
def test_keywords_are_in_both_scripts(name):
    words = experiment_named(name).keywords
    assert any(word.isascii() for word in words)
    assert any("가" <= c <= "힣" for word in words for c in word)


@pytest.mark.parametrize("name", written())
def test_everything_said_is_said_in_both_languages(name):
    experiment = experiment_named(name)
    said = [experiment.question, *experiment.names.values()]
    for claim in experiment.claims:
        said += [claim.popular, claim.precise, claim.criterion]
    assert all(one.en.strip() and one.ko.strip() for one in said)
    for one in (experiment.question, *(c.popular for c in experiment.claims)):
        assert any("가" <= c <= "힣" for c in one.ko), one
        assert not any("가" <= c <= "힣" for c in one.en), one


# --- the rule about numbers


@pytest.mark.parametrize(
    "body",
    [
        "It is {gap} and {gap:value}, {verdict:right}.",
        "At $d_k = 512$ and $$x = 3$$ and `--seeds 5`.",
        "> Vaswani et al. 2017, §3.2.1: 27.3 BLEU.",
        "```\nwhyformer lab run x --seeds 10\n```",
        "two heads, d_k and W_Q",
    ],
)
def test_numbers_may_stand_where_they_come_from_somewhere(body):
    assert typed_numbers(card(body)) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("It falls by 0.23 nat.", "0.23"),
        ("손실이 12배", "12배"),
        ("1. A numbered list", "1."),
        ("Not cited: > 5", "5"),
        ("{gap} of 10", "10"),
        ("**3** of them, $x$", "3"),
        ("At half of ½? No: at 8.", "8"),
    ],
)
def test_a_number_typed_by_hand_is_found(body, found):
    (typed, *_) = typed_numbers(card(body))
    assert found in typed


def test_placeholders_of_nothing_are_found():
    experiment = experiment_named("scaling")
    claims = {"saturation": Judgement(Verdict.SUPPORTED, ("a",), (), ())}
    facts = Facts({"gap_none": exactly(1)}, claims)
    text = card("{gap_none} {gap_none:value} {gap} {verdict:saturation} {verdict:x} {gap_none:low}")
    wrong = cards.unknown_placeholders(text, experiment, facts)
    assert wrong == ["gap", "verdict:x", "gap_none:low"]


def test_headings_must_be_the_seven(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "card.en.md").write_text(
        "## The answer in numbers\n\nfine\n\n## Something else\n"
    )
    with pytest.raises(DataError, match="must begin with `## The answer in numbers`"):
        read_card("x", EN, tmp_path)
    assert read_card("y", EN, tmp_path) is None


# --- what a reader sees


def test_numbers_are_filled_with_their_intervals():
    html = in_html("{gap} {few} {depth} {gap:value}", FACTS, EN)
    assert ">0.230 <small>[0.221, 0.239]</small></data>" in html
    assert "(0.221 … 0.239)" in html
    assert ">35</data>" in html
    assert html.count("[0.221") == 1
    assert 'title="95 % t-interval over 5 seeds"' in html
    assert in_text("**{gap}** at $\\sqrt{d_k}$", FACTS, EN) == "0.230 [0.221, 0.239] at √d_k"


def test_verdicts_are_filled_in_the_language():
    assert "supported under conditions</b>" in in_html("{verdict:right}", FACTS, EN)
    assert "조건부로 확인됨</b>" in in_html("{verdict:right}", FACTS, KO)
    assert in_text("{verdict:right}", FACTS, KO) == "조건부로 확인됨"


@pytest.mark.parametrize(
    ("facts", "words"),
    [(Facts({}, {}, measured=False), "not yet measured"), (FACTS, "not part of this run")],
)
def test_what_was_not_measured_says_so_without_breaking_the_sentence(facts, words):
    assert in_text("by {later} points", facts, EN) == "by — points"
    mark = f'<span class="absent" title="{words}">—</span>'
    assert f"by {mark} points" in in_html("by {later} points", facts, EN)
    assert not all_measured("by {later}", facts)


def test_what_was_measured_is_all_there():
    assert all_measured("{gap} {verdict:right}, `{later}` and $x$", FACTS)


def test_formulas_are_mathml_and_scripts_are_not_run():
    html = in_html("$\\mathrm{softmax}(x_1)$ <script>alert(1)</script> $$a = \\ln n$$", FACTS, EN)
    assert "<mi>softmax</mi>" in html
    assert 'display="block"' in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "\ue000" not in html


def test_functions_keep_their_distance_and_their_index():
    html = in_html("$2 \\ln n$ and $\\log_k n$", FACTS, EN)
    assert '<mo lspace="0.17em" rspace="0.17em">ln</mo>' in html
    assert re.search(r"<msub><mo [^>]*>log</mo><mi>k</mi></msub>", html)


def test_markdown_keeps_tables_code_and_citations():
    html = in_html("| a | b |\n|--|--|\n| $x$ | `y_1` |\n\n> 2017, $z$ *said*", FACTS, EN)
    assert html.count("<math") == 2
    assert "<td><code>y_1</code></td>" in html
    assert "<blockquote>" in html
    assert "<em>said</em>" in html


def test_without_the_extra_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "latex2mathml.converter", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyformer\[lab\]"'):
        in_html("$x$", FACTS, EN)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("spread", list(Spread))
def test_every_kind_of_interval_has_words(spread, language):
    assert spread_in_words(Estimate(1, 0, 2, 3, spread), language)


def test_every_verdict_has_words():
    assert set(VERDICTS) == set(Verdict)
    with pytest.raises(ValueError, match="7 sections"):
        Card("x", EN, ("a",))
    assert Results(Mode.QUICK, []).cells == ()


@pytest.mark.parametrize("name", written())
def test_one_korean_word_names_the_skip_connection(name):
    experiment = experiment_named(name)
    texts = [
        text.ko for one in experiment.claims for text in (one.popular, one.precise, one.criterion)
    ]
    texts += [text.ko for text in experiment.names.values()]
    body = "\n".join([*texts, *read_card(name, KO).bodies])
    assert "스킵" not in body  # 잔차 연결
    assert "못 배운다" not in body
