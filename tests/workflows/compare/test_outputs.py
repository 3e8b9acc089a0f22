"""The statistics of outputs give the score of each run, and items are paired only if equal."""

from dataclasses import replace

import numpy as np
import pytest

from whyformer.foundation.errors import UsageError
from whyformer.workflows.compare.outputs import Kind, Outputs, refuse_test, score_of, statistics

PAIRS = Outputs(Kind.PAIRS, "exact", True, [["a"], ["b", "c"]], ["a", "c"], {"lowercase": False})
NATS = Outputs(Kind.NATS, "bits_per_character", False, [2, 3], [1.0, 4.0], {"scale": 2.0})


@pytest.mark.parametrize(
    ("outputs", "score"),
    [
        (PAIRS, 100.0),
        (replace(PAIRS, found=["a", "d"]), 50.0),
        (Outputs(Kind.LABELS, "accuracy", True, ["x", "y"], ["x", "x"]), 50.0),
        (Outputs(Kind.LABELS, "f1", True, ["x", "y"], ["x", "y"]), 100.0),
        (Outputs(Kind.NUMBERS, "mse", False, [1.0, 2.0], [1.0, 4.0]), 2.0),
        (Outputs(Kind.TAGS, "accuracy", True, [["x", "y"], ["x"]], [["x", "x"], ["y"]]), 100 / 3),
        (
            Outputs(Kind.TAGS, "span_f1", True, [["B-P", "I-P"], ["O"]], [["B-P", "I-P"], ["B-P"]]),
            200 / 3,
        ),
        (NATS, 2.0),
        (Outputs(Kind.SCORE, "loss", False, [], [0.25]), 0.25),
    ],
)
def test_the_score_is_that_of_the_metric(outputs, score):
    assert score_of(outputs) == pytest.approx(score)


def test_runs_are_paired_by_item_only_if_they_have_the_same_items(tmp_path):
    PAIRS.write(tmp_path / "outputs.json")
    same = [PAIRS, Outputs.read(tmp_path / "outputs.json")]
    found = statistics(same)
    assert found is not None
    assert np.array_equal(*found[1])
    assert statistics([NATS, replace(NATS, wanted=[1, 4])]) is None
    assert statistics([Outputs(Kind.SCORE, "loss", False, [], [0.25])]) is None


@pytest.mark.parametrize(
    ("task", "metric", "said"),
    [
        ("masked", None, "translate, classify, regress, tag or language, but the task is masked"),
        ("language", "perplexity", "can be bits_per_character, but it is perplexity"),
        ("tag", "loss", "can be accuracy or span_f1, but it is loss"),
    ],
)
def test_a_test_file_that_cannot_be_scored_is_refused(task, metric, said):
    with pytest.raises(UsageError, match=said):
        refuse_test(task, metric)
    refuse_test("translate", None)
    refuse_test("tag", "span_f1")
