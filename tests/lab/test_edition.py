"""What changed since the first edition: every point has an answer, and every change has a cause."""

import json
from dataclasses import replace

import pytest

from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.lab.method.questions import QUESTIONS, experiment_named
from whyformer.lab.method.record import result_of
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of
from whyformer.lab.pages.changes import changes_page
from whyformer.lab.pages.edition import (
    CHANGES,
    Cause,
    Status,
    changes_of,
    first_edition,
    points,
)
from whyformer.lab.pages.method import provenance_of_criterion
from whyformer.lab.pages.page import Page


@pytest.fixture(scope="module")
def heads() -> Page:
    experiment, record = experiment_named("heads"), result_of("heads")
    assert record is not None
    return Page(experiment, record, facts_of(experiment, record.results), {})


def test_every_point_has_an_answer_and_every_answer_a_point():
    answers = json.loads((CHANGES / "answers.json").read_text(encoding="utf-8"))
    found = [answer for point in points() for answer in point.answers]
    assert len(found) == len(answers) > 0
    assert all(point.answers for point in points())
    assert len({(a["point"], a["question"]) for a in answers}) == len(answers)
    assert {a["question"] for a in answers} <= {"", *QUESTIONS}


def test_an_answer_has_a_text_in_both_languages():
    for point in points():
        for answer in point.answers:
            for text in (answer.text.en, answer.text.ko):
                assert bool(text) is (answer.status is not Status.OPEN), point.name
            assert not any("가" <= c <= "힣" for c in answer.text.en)


def test_the_verdicts_of_the_first_edition_are_complete():
    assert list(first_edition()) == list(QUESTIONS[:12])
    assert sum(len(one["verdicts"]) for one in first_edition().values()) == 80


def test_a_changed_verdict_has_one_cause_and_an_equal_verdict_has_none(heads):
    for change in changes_of(heads):
        if change.before is None:
            assert change.cause is Cause.NEW
            continue
        assert (change.cause is None) is (change.before.verdict is change.after.verdict)


def test_the_cause_is_the_data_where_the_data_are_new(heads):
    made = {**heads.record.made, "measured": "2026-12-01 10:00"}
    again = replace(heads, record=replace(heads.record, made=made))
    causes = {change.cause for change in changes_of(again)}
    assert causes <= {None, Cause.DATA, Cause.NEW}
    assert Cause.DATA in causes


def test_a_claim_that_changed_gives_its_own_reason(heads):
    note = Bilingual("The limit was 3.", "한계는 3이었습니다.")
    claims = tuple(replace(c, changed_after_data=note) for c in heads.experiment.claims)
    changed = replace(heads, experiment=replace(heads.experiment, claims=claims))
    assert Cause.INTERVAL not in {c.cause for c in changes_of(changed)}
    assert "The limit was 3." in changes_page([changed], Language.ENGLISH, list(Language))


def test_the_page_counts_the_verdicts_that_changed(heads):
    changes = list(changes_of(heads))
    old = [change for change in changes if change.before is not None]
    changed = sum(change.cause is not None for change in old)
    html = changes_page([heads], Language.ENGLISH, list(Language))
    assert f"Of the {len(old)} claims that both editions have, {changed} have another" in html
    assert html.count('<p class="moved">') == changed + len(changes) - len(old) > 0


def test_a_correction_decides_fewer_claims_but_contradicts_none(heads):
    for change in changes_of(heads):
        if change.plain.verdict is not change.after.verdict:
            assert change.after.verdict in (Verdict.INCONCLUSIVE, Verdict.NOT_SUPPORTED)


@pytest.mark.parametrize(
    ("registered", "told"),
    [
        (None, "registered no criterion"),
        ({"criterion": "older"}, "The criteria changed after they were registered."),
        ({}, "The criteria did not change after the data."),
        ({"changed": True}, "code that was not committed"),
    ],
)
def test_a_page_tells_whether_the_criterion_is_older_than_the_data(heads, registered, told):
    from whyformer.lab.method.criterion import criterion_of

    current = {"criterion": criterion_of("heads"), "date": "2026-12-01 10:00", "commit": "abc",
               "changed": False}  # fmt: skip
    made = {
        **heads.record.made,
        "registered": None if registered is None else {**current, **registered},
        "criterion": current["criterion"],
        "measured": "2026-12-02 10:00",
    }
    page = replace(heads, record=replace(heads.record, made=made))
    assert told in provenance_of_criterion(page, Language.ENGLISH)


def test_the_first_edition_names_the_criteria_that_changed_after_its_data(heads):
    html = provenance_of_criterion(heads, Language.ENGLISH)
    assert "2026-11-23 13:53" in html
    assert "<code>alone</code> became strict" in html
