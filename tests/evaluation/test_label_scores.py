"""Scores of labels and numbers against their textbook values."""

import math
import time
import tracemalloc

import numpy as np
import pytest

from whyformer.evaluation.classification import ranks, score_labels, score_numbers
from whyformer.foundation.errors import DataError


def values(scores) -> dict[str, float]:
    return {score.name: score.value for score in scores}


def test_binary_labels_by_hand():
    predicted = [1] * 6 + [0] * 4  # 4 true positives, 2 false; 3 true negatives, 1 false
    wanted = [1] * 4 + [0] * 2 + [0] * 3 + [1]
    found = values(score_labels(predicted, wanted, 2, resamples=0))
    assert found["accuracy"] == pytest.approx(70)
    assert found["f1"] == pytest.approx(100 * (8 / 11 + 6 / 9) / 2)
    tp, fp, tn, fn = 4, 2, 3, 1
    below = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert found["matthews"] == pytest.approx(100 * (tp * tn - fp * fn) / below)


def test_perfect_and_hopeless():
    assert set(values(score_labels([0, 1, 2], [0, 1, 2], 3, resamples=0)).values()) == {100.0}
    assert values(score_labels([0, 0], [0, 1], 2, resamples=0))["matthews"] == 0


def test_numbers_by_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=50).round(1)
    y = (x + rng.normal(size=50)).round(1)
    found = values(score_numbers(x.tolist(), y.tolist(), resamples=0))
    assert found["pearson"] == pytest.approx(100 * np.corrcoef(x, y)[0, 1])
    assert found["spearman"] == pytest.approx(100 * np.corrcoef(ranks(x), ranks(y))[0, 1])
    assert found["mse"] == pytest.approx(np.mean((x - y) ** 2))
    same = values(score_numbers((3 * y**3).tolist(), y.tolist(), resamples=0))
    assert same["spearman"] == pytest.approx(100)


def test_a_large_mean_loses_no_correlation():
    x = np.arange(20.0)
    found = values(score_numbers((1e7 + x).tolist(), (1e7 - x).tolist(), resamples=0))
    assert found["pearson"] == pytest.approx(-100)


def test_intervals_hold_the_value_and_shrink():
    rng = np.random.default_rng(0)

    def interval(n: int) -> tuple[float, float]:
        wanted = rng.integers(0, 2, n)
        predicted = np.where(rng.random(n) < 0.8, wanted, 1 - wanted)
        score = score_labels(predicted.tolist(), wanted.tolist(), 2, resamples=200)[0]
        assert score.interval is not None
        assert score.interval[0] <= score.value <= score.interval[1]
        return score.interval

    few, many = interval(50), interval(2000)
    assert many[1] - many[0] < few[1] - few[0]


def dense(predicted: np.ndarray, wanted: np.ndarray, classes: int) -> tuple[float, float]:
    """Return F1 and Matthews from the whole table of confusions."""
    table = np.zeros((classes, classes))
    np.add.at(table, (wanted, predicted), 1)
    right, rows, columns = np.diag(table), table.sum(1), table.sum(0)
    present = rows + columns > 0
    f1 = np.mean(2 * right[present] / (rows + columns)[present])
    n = table.sum()
    above = right.sum() * n - rows @ columns
    return 100 * f1, 100 * above / math.sqrt((n**2 - columns @ columns) * (n**2 - rows @ rows))


@pytest.mark.parametrize("classes", [2, 7, 40])
def test_cells_that_occur_say_what_the_whole_table_says(classes: int):
    """Values are equal; the bootstrap's are distributed as those of resampled lines are."""
    rng = np.random.default_rng(classes)
    wanted = rng.integers(classes, size=300)
    predicted = np.where(rng.random(300) < 0.7, wanted, rng.integers(classes, size=300))
    found = score_labels(predicted.tolist(), wanted.tolist(), classes)
    f1, matthews = dense(predicted, wanted, classes)
    assert found[1].value == pytest.approx(f1)
    assert found[2].value == pytest.approx(matthews)
    places = rng.integers(300, size=(2000, 300))
    lines = [dense(predicted[one], wanted[one], classes) for one in places]
    for score, values in zip(found[1:], zip(*lines, strict=True), strict=True):
        assert score.interval is not None
        wide = np.percentile(values, 97.5) - np.percentile(values, 2.5)
        assert score.interval[1] - score.interval[0] == pytest.approx(wide, rel=0.12)
        assert sum(score.interval) == pytest.approx(
            np.percentile(values, 97.5) + np.percentile(values, 2.5), abs=0.25 * wide
        )


def test_the_cost_of_many_classes_is_that_of_the_pairs_that_occur():
    """1,000 classes × 10,000 texts: a table of lines × classes² would want 80 GB."""
    rng = np.random.default_rng(0)
    wanted = rng.integers(1000, size=10_000)
    predicted = np.where(rng.random(10_000) < 0.5, wanted, rng.integers(1000, size=10_000))
    tracemalloc.start()
    begun = time.process_time()
    found = score_labels(predicted.tolist(), wanted.tolist(), 1000, resamples=100)
    seconds = time.process_time() - begun
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [score.interval is not None for score in found] == [True] * 3
    assert peak < 20e6
    assert seconds < 5


def test_what_cannot_be_scored():
    with pytest.raises(DataError, match="one prediction for each line"):
        score_labels([0], [0, 1], 2)
    with pytest.raises(DataError, match="at least one line"):
        score_numbers([], [])
