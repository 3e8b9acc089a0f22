"""Which question of the laboratory, or which open question, a user means.

tests/lab/data/questions.tsv has 150 phrasings, half of them English and half Korean: 96 of a
question with an answer, 29 of an open question (`not yet`) and 25 of something else (`none`). The
column `source` names a public page on which people ask for the fact, if there is one; every
phrasing was written for this file. Half of the 150 are held out: the threshold, the weights and the
keywords were chosen on the other half and on the group `tuning` (more phrasings, without sources).
One author wrote the phrasings and the keywords, and the number of errors in the held-out half, but
not the errors, was looked at while the method was changed. With the first version of the keywords,
63 of the 74 held-out phrasings were right (85 %). The threshold 0.32 was kept because 0.40 was
worse on the group `tuning` and on the held-out half, so this half is not an independent test. When
two questions were added, a held-out phrasing about heads failed, and `heads` got two more keywords.

Measured with the present keywords: 145 of the 150 phrasings are right (97 %), 71 of the 74 held-out
phrasings (96 %) and 223 of the 230 of the group `tuning` (97 %).
"""

import csv
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from whyformer.lab.matching.find import find
from whyformer.lab.matching.index import Field, Index
from whyformer.lab.matching.open_questions import open_questions
from whyformer.lab.matching.terms import terms_of
from whyformer.lab.method.questions import written

FILE = Path(__file__).parent / "data" / "questions.tsv"
LEAST_RIGHT = 0.95
NOT_YET = "not yet: "


@cache
def rows() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def said(asked: str) -> str:
    """Return what is found, as in the column `expected`."""
    answer = find(asked).answer
    if answer is None:
        return "none"
    return f"{NOT_YET}{answer.name}" if answer.name in open_questions() else answer.name


def of_groups(*groups: str) -> list[dict[str, str]]:
    return [row for row in rows() if row["group"] in groups]


def is_korean(text: str) -> bool:
    return any("가" <= letter <= "힣" for letter in text)


@pytest.mark.parametrize("groups", [("dev", "held-out"), ("held-out",), ("tuning",)])
def test_at_least_95_percent_of_the_phrasings_find_the_right_answer(groups):
    asked = of_groups(*groups)
    wrong = [
        (row["phrasing"], row["expected"], found)
        for row in asked
        if (found := said(row["phrasing"])) != row["expected"]
    ]
    assert len(wrong) <= (1 - LEAST_RIGHT) * len(asked), wrong


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_language_is_answered_alike(language):
    asked = [
        row
        for row in of_groups("dev", "held-out")
        if is_korean(row["phrasing"]) == (language == "ko")
    ]
    right = sum(said(row["phrasing"]) == row["expected"] for row in asked)
    assert len(asked) == 75
    assert right >= LEAST_RIGHT * len(asked)


def test_the_phrasings_are_of_each_question_and_of_each_open_question():
    asked = of_groups("dev", "held-out")
    kinds = Counter(
        "not yet" if row["expected"].startswith(NOT_YET) else "card" for row in asked
        if row["expected"] != "none"
    )  # fmt: skip
    assert (len(asked), kinds["card"], kinds["not yet"]) == (150, 96, 29)
    names = {row["expected"] for row in asked}
    assert names == {*written(), *(f"{NOT_YET}{name}" for name in open_questions()), "none"}
    phrasings = [row["phrasing"] for row in rows()]
    assert len(set(phrasings)) == len(phrasings)
    assert all(row["source"] == "-" or "://" in row["source"] for row in rows())


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        lambda asked: f"  {asked.replace(' ', '   ')} ",
        lambda asked: f"{asked.rstrip('?.')}??!",
        lambda asked: f"“{asked.rstrip('?')}”",
        lambda asked: unicodedata.normalize("NFD", asked),
        lambda asked: unicodedata.normalize("NFC", asked),
    ],
    ids=["upper", "lower", "spaces", "punctuation", "quotes", "NFD", "NFC"],
)
def test_case_spaces_punctuation_and_normalization_change_no_answer(change):
    for row in of_groups("dev", "held-out"):
        changed = change(row["phrasing"])
        assert said(changed) == said(row["phrasing"]), changed


@pytest.mark.parametrize(
    ("name", "word"),
    [("smoothing", "라벨 스무딩"), ("beam", "빔 서치"), ("gradients", "잔차 연결"),
     ("positions", "위치 인코딩"), ("heads", "멀티헤드"), ("warmup", "워밍업")],
)  # fmt: skip
@pytest.mark.parametrize("particle", ["", "은", "이", "을", "의", "도", "이란", "에서는"])
@pytest.mark.parametrize("together", [False, True])
def test_korean_particles_and_spaces_change_no_answer(name, word, particle, together):
    asked = word.replace(" ", "") if together else word
    assert said(f"{asked}{particle} 왜 쓰나요?") == name


@pytest.mark.parametrize(
    ("right", "typo"),
    [
        ("why positional encoding", "why positonal encodng"),
        ("do gradients vanish in an LSTM", "do gradeints vanish in an LSTM"),
        ("why label smoothing", "why lable smoothing"),
        ("does beam search need a length penalty", "does beam serach need a lenght penalty"),
    ],
)
def test_a_typo_in_a_long_word_changes_no_answer(right, typo):
    assert said(typo) == said(right) != "none"


@pytest.mark.parametrize("asked", ["", "????", "왜?", "why", "치즈", "cheese", "since when?"])
def test_a_question_without_a_subject_finds_nothing(asked):
    assert find(asked).answer is None


def test_hyphens_and_spaces_within_a_term_do_not_matter():
    warmup = {*terms_of("warm-up").own, *terms_of("warm-up").joined}
    assert warmup == {*terms_of("warm up").own, *terms_of("warm up").joined}
    assert set(terms_of("warmup").own) <= warmup


def test_endings_do_not_matter():
    assert terms_of("scale").own == terms_of("scaling").own == terms_of("scaled").own
    assert terms_of("헤드를").own == terms_of("헤드는").own == terms_of("헤드").own


def test_a_word_of_one_document_tells_more_than_a_word_of_all():
    index = Index({
        "cat": [Field(1.0, "cat animal")],
        "dog": [Field(1.0, "dog animal animal animal")],
    })  # fmt: skip
    assert [one.name for one in index.rank("animal cat")] == ["cat", "dog"]
    assert index.rank("animal")[0].share < index.rank("cat")[0].share
    assert index.rank("zebra") == []


def test_a_field_with_a_larger_weight_counts_more():
    index = Index({"title": [Field(3.0, "beam")], "text": [Field(0.1, "beam")]})
    assert [one.name for one in index.rank("beam")] == ["title", "text"]


def test_open_questions_are_in_both_languages_and_name_written_questions():
    assert open_questions().keys().isdisjoint(written())
    for topic in open_questions().values():
        for one in (topic.question, topic.text):
            assert is_korean(one.ko), topic.name
            assert not is_korean(one.en), topic.name
        assert topic.question.en.endswith("?")
        assert topic.question.ko.endswith("?")
        assert set(topic.related) <= set(written()), topic.name


def test_an_open_question_is_found_by_its_own_words_and_shows_the_related_questions():
    for topic in open_questions().values():
        for asked in (topic.question.en, topic.question.ko):
            found = find(asked)
            assert found.answer == topic
            near = [one.name for one in found.near]
            assert near[: len(topic.related)] == list(topic.related)


@pytest.mark.parametrize("name", written())
def test_a_question_is_found_by_its_own_words_and_is_not_near_itself(name):
    from whyformer.lab.method.questions import experiment_named

    experiment = experiment_named(name)
    for asked in (experiment.question.en, experiment.question.ko):
        found = find(asked)
        assert found.answer == experiment
        assert experiment not in found.near
