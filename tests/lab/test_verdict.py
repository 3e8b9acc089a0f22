"""The rule that turns effects into words: every answer, every word, every contradiction."""

import math

import pytest

from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, Spread, estimate, exactly
from whyformer.lab.method.verdict import (
    Answer,
    Judgement,
    Verdict,
    above,
    below,
    contradict,
    judge,
    precondition,
    within,
)

ANSWERS = {
    Answer.HOLDS: above(exactly(2), 1),
    Answer.ABSENT: above(exactly(0.5), 1),
    Answer.OPPOSITE: above(exactly(-2), 1),
    Answer.OPEN: above(Estimate(1, 0.5, 1.5, 5, Spread.STUDENT), 1),
}


def interval(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 5, Spread.STUDENT)


@pytest.mark.parametrize(
    ("test", "answer"),
    [
        (above(interval(0.1, 0.3), 0.0), Answer.HOLDS),
        (above(interval(-0.1, 0.3), 0.0), Answer.OPEN),
        (above(interval(-0.3, -0.1), 0.0), Answer.OPPOSITE),
        (above(interval(0.1, 0.2), 0.5), Answer.ABSENT),
        (below(exactly(0.5), 0.5, contrary=0.5), Answer.HOLDS),
        (below(exactly(0.5), 0.5, contrary=0.5, strict=True), Answer.ABSENT),
        (above(exactly(0.5), 0.5, contrary=0.25), Answer.HOLDS),
        (above(exactly(0.5), 0.5, contrary=0.25, strict=True), Answer.ABSENT),
        (above(interval(-0.9, -0.6), 0.5), Answer.OPPOSITE),
        (above(interval(0.2, 0.4), 1.0, contrary=0.5), Answer.OPPOSITE),
        (below(interval(0.0, 0.04), 0.05, contrary=0.5), Answer.HOLDS),
        (below(interval(0.1, 0.2), 0.05, contrary=0.5), Answer.ABSENT),
        (below(interval(0.6, 0.7), 0.05, contrary=0.5), Answer.OPPOSITE),
        (below(interval(0.04, 0.06), 0.05, contrary=0.5), Answer.OPEN),
        (within(interval(0.49, 0.51), 0.48, 0.52), Answer.HOLDS),
        (within(interval(0.53, 0.54), 0.48, 0.52), Answer.ABSENT),
        (within(interval(0.60, 0.61), 0.48, 0.52), Answer.OPPOSITE),
        (within(interval(0.53, 0.54), 0.48, 0.52, margin=0.005), Answer.OPPOSITE),
        (within(interval(0.47, 0.50), 0.48, 0.52), Answer.OPEN),
        (above(exactly(0), 0.0), Answer.ABSENT),
        (above(exactly(1), 1.0), Answer.HOLDS),
        (below(exactly(0), 0.0, contrary=0.5), Answer.HOLDS),
        (within(exactly(1), 1.0, 1.0), Answer.HOLDS),
        (above(exactly(math.nan), 0.0), Answer.OPEN),
        (above(NOT_MEASURED, 0.0), Answer.OPEN),
        (above(exactly(math.inf), 0.0), Answer.HOLDS),
    ],
)
def test_a_whole_interval_decides(test, answer):
    assert test.answer() is answer


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ("H", Verdict.SUPPORTED),
        ("HH", Verdict.SUPPORTED),
        ("HA", Verdict.CONDITIONAL),
        ("HP", Verdict.CONDITIONAL),
        ("HAO", Verdict.CONDITIONAL),
        ("HO", Verdict.INCONCLUSIVE),
        ("A", Verdict.NOT_SUPPORTED),
        ("AP", Verdict.NOT_SUPPORTED),
        ("P", Verdict.REFUTED),
        ("PP", Verdict.REFUTED),
        ("O", Verdict.INCONCLUSIVE),
        ("AO", Verdict.INCONCLUSIVE),
        ("PO", Verdict.INCONCLUSIVE),
    ],
)
def test_every_mixture_of_circumstances_has_its_word(seen, verdict):
    kinds = {"H": Answer.HOLDS, "A": Answer.ABSENT, "P": Answer.OPPOSITE, "O": Answer.OPEN}
    judged = judge({f"{k}": [ANSWERS[kinds[c]]] for k, c in enumerate(seen)})
    assert judged.verdict is verdict
    assert len(judged.holds) + len(judged.fails) + len(judged.open) == len(seen)


@pytest.mark.parametrize(
    ("together", "verdict"),
    [
        ((Answer.HOLDS, Answer.HOLDS), Verdict.SUPPORTED),
        ((Answer.HOLDS, Answer.OPEN), Verdict.INCONCLUSIVE),
        ((Answer.OPEN, Answer.ABSENT), Verdict.NOT_SUPPORTED),
        ((Answer.ABSENT, Answer.OPPOSITE, Answer.HOLDS), Verdict.REFUTED),
    ],
)
def test_within_a_circumstance_all_tests_must_hold(together, verdict):
    assert judge({"here": [ANSWERS[one] for one in together]}).verdict is verdict


@pytest.mark.parametrize("circumstances", [{}, {"a": []}, {"a": [ANSWERS[Answer.HOLDS]], "b": []}])
def test_a_claim_without_a_test_is_no_claim(circumstances):
    with pytest.raises(ValueError, match="at least one test"):
        judge(circumstances)


def judgement(verdict: Verdict, holds: str = "", fails: str = "", undecided: str = "") -> Judgement:
    return Judgement(verdict, tuple(holds), tuple(fails), tuple(undecided))


@pytest.mark.parametrize(
    ("quick", "published", "wrong"),
    [
        (judgement(Verdict.SUPPORTED, "a"), judgement(Verdict.SUPPORTED, "ab"), False),
        (judgement(Verdict.INCONCLUSIVE, "", "", "a"), judgement(Verdict.REFUTED, "", "a"), False),
        (judgement(Verdict.SUPPORTED, "a"), judgement(Verdict.CONDITIONAL, "a", "b"), False),
        (judgement(Verdict.REFUTED, "", "b"), judgement(Verdict.CONDITIONAL, "a", "b"), False),
        (judgement(Verdict.SUPPORTED, "b"), judgement(Verdict.CONDITIONAL, "a", "b"), True),
        (judgement(Verdict.SUPPORTED, "a"), judgement(Verdict.REFUTED, "", "a"), True),
        (judgement(Verdict.NOT_SUPPORTED, "", "a"), judgement(Verdict.SUPPORTED, "a"), True),
        (judgement(Verdict.SUPPORTED, "small"), judgement(Verdict.REFUTED, "", "XYZ"), True),
        (judgement(Verdict.SUPPORTED, "s"), judgement(Verdict.NOT_SUPPORTED, "", "XYZ"), True),
        (judgement(Verdict.REFUTED, "", "s"), judgement(Verdict.NOT_SUPPORTED, "", "t"), False),
    ],
)
def test_runs_contradict_where_both_cannot_be_right(quick, published, wrong):
    assert contradict(quick, published) is wrong
    assert contradict(published, quick) is wrong


def test_two_seeds_on_the_same_side_of_a_limit_are_not_yet_an_answer():
    assert above(estimate([0.016, 0.067]), 0.01).answer() is Answer.OPEN
    assert above(estimate([-0.016, -0.067]), 0).answer() is Answer.OPEN


@pytest.mark.parametrize("answer", [Answer.ABSENT, Answer.OPPOSITE, Answer.OPEN])
@pytest.mark.parametrize("claim", list(Answer))
def test_nothing_is_judged_without_a_precondition(answer, claim):
    tests = [precondition(ANSWERS[answer]), ANSWERS[claim]]
    assert judge({"a": tests}).verdict is Verdict.INCONCLUSIVE


def test_a_precondition_that_holds_changes_nothing():
    checked = precondition(ANSWERS[Answer.HOLDS])
    assert judge({"a": [checked, ANSWERS[Answer.OPPOSITE]]}).verdict is Verdict.REFUTED
    assert judge({"a": [checked, ANSWERS[Answer.HOLDS]]}).verdict is Verdict.SUPPORTED


def test_the_corrected_interval_decides_and_not_the_interval_that_is_shown():
    close = estimate([0.16, 0.18, 0.2, 0.22, 0.24])
    assert close.low > 0.1
    assert above(close, 0.1).answer() is Answer.OPEN
    assert above(close, -0.1, contrary=-1.0).answer() is Answer.HOLDS
