import json
import unicodedata

import pytest

from whyformer.evaluation.metric import METRICS, metric_named
from whyformer.evaluation.report import alternatives, evaluate_texts
from whyformer.evaluation.significance import PairedTest
from whyformer.foundation.errors import DataError, UsageError

REFERENCES = [["a dog runs on the mat"], ["the cat sits in a house", "a cat is in the house"]] * 10
GOOD = ["a dog runs on the mat", "the cat sits in a house"] * 10
BAD = ["a x runs on y mat", "z cat sits w a house"] * 10


def test_every_metric_scores_every_system() -> None:
    report = evaluate_texts(
        [BAD, GOOD], REFERENCES, list(METRICS), names=["bad", "good"], resamples=20, trials=50
    )
    assert [score.name for score in report.scores["good"]] == list(METRICS)
    for good, bad in zip(report.scores["good"], report.scores["bad"], strict=True):
        metric = metric_named(good.name)
        assert good.value == pytest.approx(100 if metric.higher_is_better else 0)
        assert (good.value > bad.value) == metric.higher_is_better
        assert good.n == 20
    assert [one.metric for one in report.comparisons] == list(METRICS)
    assert all(one.p == pytest.approx(1 / 51) for one in report.comparisons)


def test_the_table_and_the_json_say_everything() -> None:
    report = evaluate_texts([BAD, GOOD], REFERENCES, ["per", "wer"], names=["bad", "good"])
    table = report.table()
    assert table.splitlines()[0].split() == ["system", "per", "wer"]
    assert table.splitlines()[2].startswith("good    0.00   0.00 [0.00, 16.11]")
    assert "wer: good − bad = -100.00, p = 0.0001 (randomization, 10,000 trials" in table
    assert "A score has no interval if all bootstrap resamples have the same value.\n" in table
    assert "edits per 100 reference tokens, lower is better; 20 lines; per|nrefs:var" in table
    tree = json.loads(json.dumps(report.to_json()))
    assert tree["scores"]["good"][0]["interval"] is None
    assert tree["scores"]["good"][1]["interval"] == pytest.approx([0.0, 16.11], abs=0.01)
    assert tree["comparisons"][0]["system"] == "good"
    assert tree["comparisons"][0]["seed"] == 12345


def test_few_lines_have_no_interval_and_no_p_and_one_sentence_says_so() -> None:
    report = evaluate_texts([BAD[:1], GOOD[:1]], REFERENCES[:1], list(METRICS))
    table = report.table()
    assert "p =" not in table
    assert table.count("1 item is too few for an interval or a significance test") == 1
    assert not any(line.startswith(("system 1", "bleu:")) and "[" in line for line in table.split())
    tree = json.loads(json.dumps(report.to_json()))
    for scores in tree["scores"].values():
        assert {one["interval"] for one in scores} == {None}
        assert all("interval:" not in one["signature"] for one in scores)
    assert {one["p"] for one in tree["comparisons"]} == {None}
    assert {one["interval"] for one in tree["comparisons"]} == {None}
    assert {one["test"] for one in tree["comparisons"]} == {None}


def test_one_system_is_compared_with_nothing() -> None:
    report = evaluate_texts([GOOD], REFERENCES, ["exact"], resamples=0)
    assert report.comparisons == []
    assert report.scores["system 1"][0].interval is None
    assert "100.00" in report.table()


def test_randomization_can_be_asked_for() -> None:
    report = evaluate_texts(
        [BAD, GOOD], REFERENCES, ["wer"], test=PairedTest.RANDOMIZATION, trials=99
    )
    assert report.comparisons[0].p == pytest.approx(0.01)
    assert report.comparisons[0].interval is None
    assert "randomization, 99 trials" in report.table()


def test_settings_reach_the_metric() -> None:
    upper = [line.upper() for line in GOOD]
    plain = evaluate_texts([upper], REFERENCES, ["bleu", "chrf"], resamples=0)
    lower = evaluate_texts(
        [upper], REFERENCES, ["bleu", "chrf"], lowercase=True, tokenize="char", resamples=0
    )
    for cased, uncased in zip(plain.scores["system 1"], lower.scores["system 1"], strict=True):
        assert cased.value < 5 < uncased.value == pytest.approx(100.0)
    assert "case:lc|eff:no|tok:char" in lower.scores["system 1"][0].signature


@pytest.mark.parametrize("name", METRICS)
def test_the_unicode_form_of_a_file_changes_no_score(name: str) -> None:
    """What macOS writes (NFD) and what a model writes (NFC) are the same text."""
    texts = ["안녕하세요 세계 한국어 문장 입니다", "une phrase écrite à Orléans là"] * 10
    other = [unicodedata.normalize("NFD", text) for text in texts]
    assert texts != other
    for hypotheses, references in ((texts, other), (other, texts), (other, other)):
        right = [[text] for text in references]
        (score,) = evaluate_texts([hypotheses], right, [name], resamples=0).scores["system 1"]
        assert score.value == pytest.approx(100 if metric_named(name).higher_is_better else 0)
        assert "|unicode:nfc" in score.signature
    right = [[text] for text in other]
    report = evaluate_texts([texts], right, [name], normalize=False, resamples=0)
    (score,) = report.scores["system 1"]
    assert abs(score.value - (100 if metric_named(name).higher_is_better else 0)) > 50
    assert "|unicode:none" in score.signature


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_ignore_case(name: str) -> None:
    upper = [line.upper() for line in GOOD]
    (score,) = evaluate_texts([upper], REFERENCES, [name], lowercase=True).scores["system 1"]
    assert score.value == pytest.approx(100 if metric_named(name).higher_is_better else 0)
    assert "case:lc" in score.signature


def test_reference_files_become_answers_of_lines() -> None:
    assert alternatives([["a", "b"], ["c", "d"]]) == [["a", "c"], ["b", "d"]]
    with pytest.raises(DataError, match="same number of lines, but they have 2, 1"):
        alternatives([["a", "b"], ["c"]])


def test_mistakes_are_explained() -> None:
    with pytest.raises(UsageError, match=r"`blue` is not a metric. Did you mean `bleu`\?"):
        evaluate_texts([GOOD], REFERENCES, ["blue"])
    with pytest.raises(DataError, match="19 hypotheses and 20 references"):
        evaluate_texts([GOOD, BAD[1:]], REFERENCES)
    with pytest.raises(UsageError, match="at least one system and one metric"):
        evaluate_texts([], REFERENCES)
    with pytest.raises(UsageError, match="System names must be unique"):
        evaluate_texts([GOOD, BAD], REFERENCES, names=["a", "a"])
    with pytest.raises(DataError, match="input is empty"):
        evaluate_texts([[]], [])
