"""Scores of labelled words by hand."""

import numpy as np
import pytest

from whyformer.evaluation.tagging import marks_spans, score_tags, spans
from whyformer.foundation.errors import DataError


def test_spans_begin_go_on_and_end():
    assert spans([]) == set()
    assert spans(["O", "O"]) == set()
    assert spans(["B-A", "B-A"]) == {(0, 1, "A"), (1, 2, "A")}
    assert spans(["I-A", "I-A", "I-B"]) == {(0, 2, "A"), (2, 3, "B")}
    assert spans(["B-A", "O", "I-A"]) == {(0, 1, "A"), (2, 3, "A")}
    assert spans(["B-A-B", "I-A-B"]) == {(0, 2, "A-B")}


def test_words_and_spans_by_hand():
    wanted = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG"]]
    said = [["B-PER", "I-PER", "O", "B-ORG"], ["B-LOC", "B-ORG"]]
    found = {one.name: one.value for one in score_tags(said, wanted, resamples=0)}
    assert found["accuracy"] == pytest.approx(100 * 4 / 6)
    precision, recall = 2 / 4, 2 / 3  # PER and ORG of four said, of three wanted
    assert found["span_f1"] == pytest.approx(100 * 2 * precision * recall / (precision + recall))


def test_a_span_counts_whole_or_not_at_all():
    wanted, short, long = ["B-A", "I-A", "O"], ["B-A", "O", "O"], ["B-A", "I-A", "I-A"]
    for said in (short, long):
        assert score_tags([said], [wanted], resamples=0)[1].value == 0
    assert score_tags([wanted], [wanted], resamples=0)[1].value == 100


def test_labels_without_spans_have_accuracy_only():
    assert not marks_spans(["NOUN", "VERB"])
    assert not marks_spans(["O", "O"])
    assert marks_spans(["O", "I-X"])
    assert [one.name for one in score_tags([["NOUN"]], [["VERB"]], resamples=0)] == ["accuracy"]


def test_intervals_resample_sentences():
    rng = np.random.default_rng(0)
    wanted = [["B-A", "O"] * 5 for _ in range(60)]
    said = [[one if rng.random() < 0.8 else "O" for one in row] for row in wanted]
    for score in score_tags(said, wanted, resamples=100):
        assert score.interval is not None
        low, high = score.interval
        assert low < score.value < high
        assert score.n == 60
        assert {"accuracy": "wilson-design-effect", "span_f1": "bs:100"}[
            score.name
        ] in score.signature


def test_what_does_not_fit_says_so():
    with pytest.raises(DataError, match="2 sentences were labelled and 1 were given"):
        score_tags([["O"], ["O"]], [["O"]])
    with pytest.raises(DataError, match="at least one sentence"):
        score_tags([], [])
    with pytest.raises(DataError, match="Sentence 1 must have 2 labels, but it has 1"):
        score_tags([["O"]], [["O", "O"]])
