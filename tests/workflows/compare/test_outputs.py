"""The statistics of outputs give the score of each run, and items are paired only if equal."""

from dataclasses import replace

import numpy as np
import pytest

from whyformer.workflows.compare.outputs import Kind, Outputs, score_of, statistics

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
