"""Intervals by hand, and what they cover in a simulation."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from whyformer.evaluation.accuracy import ExactMatch, TokenErrorRate, WordErrorRate
from whyformer.evaluation.classification import score_labels, score_numbers
from whyformer.evaluation.interval import (
    FEWEST_ITEMS,
    expanded_percentiles,
    proportion_interval,
)
from whyformer.evaluation.metric import score
from whyformer.evaluation.tagging import score_tags

TOOL = Path(__file__).parents[2] / "tools" / "interval_coverage.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("interval_coverage", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("right", "of", "interval"),
    [  # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
        (81, 263, (25.53, 36.62)),
        (15, 148, (6.24, 16.05)),
        (0, 20, (0.0, 16.11)),
        (1, 29, (0.61, 17.18)),
        (30, 30, (88.65, 100.0)),
    ],
)
def test_wilson_by_the_published_table(right: int, of: int, interval: tuple[float, float]) -> None:
    rows = np.stack([np.arange(of) < right, np.ones(of)], axis=1).astype(float)
    assert proportion_interval(rows) == pytest.approx(interval, abs=0.006)


def test_every_proportion_has_wilsons_interval() -> None:
    texts = ["a b"] * 30
    exact = score(ExactMatch(), texts, [[one] for one in texts])
    wer = score(WordErrorRate(), texts, [[one] for one in texts])
    labels = score_labels([1] * 30, [1] * 30, 2)[0]
    assert exact.interval == pytest.approx((88.65, 100), abs=0.01)
    assert wer.interval == pytest.approx((0, 11.35), abs=0.01)
    assert labels.interval == exact.interval
    assert all("interval:wilson-95" in one.signature for one in (exact, wer, labels))


def test_words_of_a_sentence_count_as_less_than_as_many_draws() -> None:
    """Sentences all right or all wrong are no more than one draw each; mixed ones are more."""
    alike = [["X"] * 10 if n % 2 else ["Y"] * 10 for n in range(40)]
    mixed = [["X", "Y"] * 5 for _ in range(40)]
    wanted = [["X"] * 10 for _ in range(40)]
    per_sentence = proportion_interval(np.array([[1.0, 1.0], [0.0, 1.0]] * 20))
    (found,) = score_tags(alike, wanted)
    assert found.interval is not None
    assert found.interval == pytest.approx(per_sentence, abs=1.5)
    draws = np.random.default_rng(0).random((40, 10)) < 0.5
    independent = [["X" if one else "Y" for one in row] for row in draws]
    (found,) = score_tags(independent, wanted)
    assert found.interval is not None
    assert found.interval[1] - found.interval[0] < 0.5 * (per_sentence[1] - per_sentence[0])
    # where sentences do not vary at all, each is one draw: 100 % of 40 sentences is no certainty
    (found,) = score_tags(wanted, wanted)
    assert found.interval == pytest.approx(
        proportion_interval(np.array([[1.0, 1.0]] * 40)), abs=1e-9
    )
    assert score_tags(mixed, wanted)[0].interval is not None


@pytest.mark.parametrize("items", [1, 5, FEWEST_ITEMS - 1, FEWEST_ITEMS])
def test_few_items_have_no_interval_by_any_metric(items: int) -> None:
    generator = np.random.default_rng(items)
    wanted = [n % 2 for n in range(items)]
    said = [1 if n % 5 == 0 else n % 2 for n in range(items)]
    numbers = generator.normal(size=(2, items)).tolist()
    tags = [["B-A", "O", "B-A"] for _ in range(items)]
    wrong = [["B-A", "O", "O"] if n % 5 else ["O"] * 3 for n in range(items)]
    texts, right = ["a b"] * items, [["a b"] if n % 2 else ["a c d"] for n in range(items)]
    scores = [
        *score_labels(said, wanted, 2),
        *score_numbers(*numbers),
        *score_tags(wrong, tags),
        score(TokenErrorRate(), texts, right),
        score(ExactMatch(), texts, right),
    ]
    for found in scores:
        if items < FEWEST_ITEMS:
            assert found.interval is None, found.name
            assert "at least 20 are needed" in (found.note or "")
            assert "interval" not in found.signature
            assert json.loads(json.dumps(found.to_json()))["interval"] is None
        else:
            assert found.interval is not None, found.name
            assert found.interval[0] < found.interval[1]
            assert found.note is None


def test_no_interval_has_no_width() -> None:
    """All lines alike: resampling shows nothing, so nothing is claimed."""
    same = score(TokenErrorRate(), ["a b"] * 50, [["a c"]] * 50)
    assert same.value == 50
    assert same.interval is None
    assert "all bootstrap resamples have the same value" in (same.note or "")


def test_expanded_percentiles_are_plain_ones_for_many_items_and_wider_for_few() -> None:
    values = np.arange(10_001.0)
    assert expanded_percentiles(values, 100_000) == pytest.approx((250, 9750), abs=1)
    # sqrt(20 / 19) · 2.0930 = 2.1474, and the normal distribution leaves 1.588 % beyond it
    assert expanded_percentiles(values, 20) == pytest.approx((158.8, 9841.2), abs=0.2)


def test_intervals_hold_the_truth_in_a_small_simulation(tool: ModuleType) -> None:
    """The whole table is in docs/evaluation.md. 200 trials at 95 %: below 87 once in 10^6."""
    for name in ("exact match, 90%", "exact match, 99%", "accuracy of words"):
        (case,) = tool.cases(name)
        assert tool.coverage(case, 20, trials=200, resamples=20).held >= 87, name
    (case,) = tool.cases("PER")
    assert tool.coverage(case, 100, trials=200, resamples=150).held >= 85
    (rare,) = tool.cases("exact match, 99%")  # the fault that Wilson's interval repairs
    assert tool.coverage(rare, 20, trials=200, resamples=40).percentile < 50


def test_equal_systems_are_seldom_significant_in_a_small_simulation(tool: ModuleType) -> None:
    for pair in tool.pairs()[:2]:
        assert tool.errors(pair, 20, trials=100, resamples=50).reported <= 12, pair.name
