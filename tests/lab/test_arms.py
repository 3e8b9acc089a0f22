"""Arms are compared each at its own best learning rate; what was not trained stays open."""

import math

import pytest

from whyformer.foundation.bilingual import alike
from whyformer.lab.method.arms import (
    is_trained,
    rates_from_other_seeds,
    tuned,
    tuned_difference,
    tuned_estimate,
)
from whyformer.lab.method.curves import points_along, points_of_rows, series_for_each
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.statistics import NOT_MEASURED, estimate, geometric, paired
from whyformer.lab.method.verdict import Answer, near, of_ratio

LOSSES = {
    ("plain", 0.1): [3.0, 5.0],
    ("plain", 0.2): [2.0, 4.0],
    ("better", 0.1): [1.0, 2.5],
    ("better", 0.2): [0.5, math.nan],
}


@pytest.fixture
def results() -> Results:
    return Results(
        Mode.FULL,
        [
            Cell("training", {"arm": arm, "rate": rate}, seed, {"loss": loss, "tail": [9.0, loss]})
            for (arm, rate), losses in LOSSES.items()
            for seed, loss in enumerate(losses)
        ],
    )


def test_each_arm_has_its_own_rate_and_a_run_that_broke_down_is_the_worst(results):
    assert tuned(results, "training", "loss", arm="plain") == [2.0, 4.0]
    assert tuned(results, "training", "loss", arm="better") == [1.0, 2.5]


def test_the_other_seeds_choose_the_rate_of_a_seed():
    losses = {0.1: [1.0, 4.0, 4.0], 0.2: [2.0, 3.0, 3.0], 0.3: [0.0, math.nan, 0.0]}
    cells = [
        Cell("training", {"rate": rate}, seed, {"loss": loss})
        for rate, row in losses.items()
        for seed, loss in enumerate(row)
    ]
    found = Results(Mode.FULL, cells)
    assert rates_from_other_seeds(found, "training", "loss") == [0.2, 0.1, 0.1]
    assert tuned(found, "training", "loss") == [2.0, 4.0, 4.0]
    alone = Results(Mode.FULL, [cell for cell in cells if cell.seed == 0])
    assert rates_from_other_seeds(alone, "training", "loss") == [0.3]


def test_another_number_may_choose_the_rate(results):
    found = tuned(results, "training", "tail", by="loss", arm="plain")
    assert found == [[9.0, 2.0], [9.0, 4.0]]


def test_a_list_is_compared_by_what_is_picked_from_it(results):
    assert tuned(results, "training", "tail", pick=lambda v: v[-1], arm="plain") == [2.0, 4.0]


def test_differences_are_paired_by_seed(results):
    gap = tuned_difference(results, "training", "loss", {"arm": "better"}, {"arm": "plain"})
    assert gap.value == pytest.approx(1.25)
    assert gap.seeds == 2


def test_what_was_not_trained_is_not_measured(results):
    assert not is_trained(results, "training", arm="other")
    assert tuned(results, "training", "loss", arm="other") is None
    arms = {"arm": "plain"}, {"arm": "other"}
    assert tuned_difference(results, "training", "loss", *arms) is NOT_MEASURED
    assert tuned_estimate(results, "training", "loss", arm="other") is NOT_MEASURED
    assert estimate(None) is NOT_MEASURED
    assert paired(None, [1.0]) is NOT_MEASURED


def test_points_follow_the_levels_of_a_setting(results):
    points = points_along(results, "training", "loss", "rate", arm="plain")
    assert [(x, e.value) for x, e in points] == [(0.1, 4.0), (0.2, 3.0)]
    names = {"plain": alike("Plain")}
    (series,) = series_for_each(names, ["plain"], results, "training", "loss", "rate", by="arm")
    assert series.name.en == "Plain"
    assert series.points == points


def test_points_of_rows_stop_with_the_shorter_side():
    assert len(points_of_rows([1, 2, 3], [[1.0, 2.0], [3.0, 4.0]])) == 2
    assert len(points_of_rows([1], [[1.0, 2.0], [3.0, 4.0]])) == 1


def test_a_geometric_mean_is_that_of_the_logarithms():
    assert geometric([2.0, 8.0]).value == pytest.approx(4.0)


def test_near_holds_within_the_distance_alone():
    close = estimate([1.0, 1.01, 0.99, 1.0, 1.0])
    assert near(close, 1.0, 0.1).answer() is Answer.HOLDS
    assert near(close, 2.0, 0.1).answer() is Answer.OPPOSITE
    assert of_ratio(near(close, 1.0, 0.1)).logarithm
