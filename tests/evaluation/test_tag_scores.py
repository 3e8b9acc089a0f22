"""Scores of labelled words by hand."""

import numpy as np
import pytest

from whyformer.evaluation.tagging import scheme_of, score_tags, spans
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
    for labels in (["NOUN", "VERB"], ["O", "O"], [], ["B-", "O"], ["B", "I"], ["B-X", "X-B"]):
        assert scheme_of([labels]) is None
    assert scheme_of([["B-X", "L-X", "S-X"]]) is None  # BILOU or IOBES, not both
    assert [one.name for one in score_tags([["NOUN"]], [["VERB"]], resamples=0)] == ["accuracy"]


SAME_SPANS = {
    "IOB1": "I-A I-A B-A I-A I-B O I-A O",
    "IOB2": "B-A I-A B-A I-A B-B O B-A O",
    "IOE1": "I-A E-A I-A I-A I-B O I-A O",
    "IOE2": "I-A E-A I-A E-A E-B O E-A O",
    "IOBES": "B-A E-A B-A E-A S-B O S-A O",
    "BILOU": "B-A L-A B-A L-A U-B O U-A O",
}


@pytest.mark.parametrize("name", SAME_SPANS)
def test_every_scheme_is_recognised_named_and_read_alike(name: str):
    labels = SAME_SPANS[name].split()
    assert scheme_of([["O"], labels]) == name
    assert spans(labels) == {(0, 2, "A"), (2, 4, "A"), (4, 5, "B"), (6, 7, "A")}
    found = score_tags([labels], [labels], resamples=0)
    assert [one.name for one in found] == ["accuracy", "span_f1"]
    assert found[1].value == 100
    assert f"scheme:{name}|mode:conlleval" in found[1].signature


@pytest.mark.parametrize(
    ("wanted", "said", "f1"),
    [  # the values of seqeval 1.2.2 (default mode); most are not well formed
        ("B-X B-X O B-X E-X E-X E-Y S-Y", "B-X S-X O O E-X B-X E-X S-Y", 6 / 11),
        ("S-X I-X E-X O B-Y I-Y I-Y O", "S-X B-X E-X O B-Y I-Y E-Y O", 1.0),
        ("B-X I-X I-Y B-Y I-Y", "B-X I-X B-Y B-Y I-Y", 1.0),
        ("B-X I-X O I-X I-Y", "B-X O I-X I-X I-Y", 1 / 3),
        ("I-X E-X E-X I-Y E-X", "I-X E-X I-X I-Y E-X", 1.0),
        ("I-X I-X E-X O E-Y", "I-X E-X I-X O I-Y", 0.4),
    ],
)
def test_spans_that_are_not_well_formed_count_as_in_seqeval(wanted: str, said: str, f1: float):
    (found,) = score_tags([said.split()], [wanted.split()], resamples=0)[1:]
    assert found.value == pytest.approx(100 * f1)


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
    with pytest.raises(DataError, match="labels for 2 sentences and the file has 1"):
        score_tags([["O"], ["O"]], [["O"]])
    with pytest.raises(DataError, match="at least one sentence"):
        score_tags([], [])
    with pytest.raises(DataError, match="Sentence 1 must have 2 labels, but it has 1"):
        score_tags([["O"]], [["O", "O"]])
