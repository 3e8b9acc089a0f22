"""Scores of labels and numbers against their textbook values."""

import math

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


def test_what_cannot_be_scored():
    with pytest.raises(DataError, match="one prediction for each line"):
        score_labels([0], [0, 1], 2)
    with pytest.raises(DataError, match="at least one line"):
        score_numbers([], [])
