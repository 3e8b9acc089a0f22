import numpy as np
import pytest

from whyformer.evaluation.comparison.simulation import Design, Shape, coverage
from whyformer.evaluation.comparison.variance import effect_of_lines, effect_of_scores

MIXES = [(1.0, 0.0, 0.0), (0.8, 0.2, 0.0), (0.2, 0.8, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]


def test_without_lines_the_interval_is_that_of_the_paired_t_test() -> None:
    found = effect_of_scores(np.array([1.0, 2.0, 3.0]))
    assert found.value == 2
    assert found.half_width(0.95) == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)  # s = 1


def test_seeds_and_lines_without_interaction_are_separated_exactly() -> None:
    seeds, lines = np.array([-1.0, 0.0, 4.0]), np.array([0.0, 3.0, 3.0, 10.0])
    found = effect_of_lines(seeds[:, None] + lines)
    assert found.value == pytest.approx(1 + 4)
    assert found.of_seeds == pytest.approx(seeds.var(ddof=1) / 3)
    assert found.of_lines == pytest.approx(lines.var(ddof=1) / 4)


def test_differences_special_to_seed_and_line_are_counted_once() -> None:
    # The same average variance, 1/(3·50), is in both sums; only the part of the seeds keeps it.
    table = np.random.default_rng(0).standard_normal((2000, 3, 50))
    found = effect_of_lines(table)
    assert found.of_seeds.mean() == pytest.approx(1 / 150, rel=0.1)
    assert found.of_lines.mean() < 0.15 / 150


def test_the_order_of_seeds_and_of_lines_does_not_matter() -> None:
    table = np.random.default_rng(1).standard_normal((4, 30))
    one, other = effect_of_lines(table), effect_of_lines(table[::-1, ::-1])
    assert one.half_width(0.9) == pytest.approx(other.half_width(0.9), rel=1e-12)


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_covers_the_truth_as_often_as_it_says(
    mix: tuple[float, float, float], seeds: int
) -> None:
    found = coverage(Design(seeds, 60, *mix), 4000)
    assert 0.938 < found < 0.985


def test_the_interval_is_not_wider_than_the_seeds_alone_require() -> None:
    found = coverage(Design(5, 60, 0.0, 0.0, 1.0), 4000)
    assert found < 0.968


def test_skewed_lines_lower_the_coverage_by_a_few_percent_only() -> None:
    found = coverage(Design(3, 100, 0.0, 1.0, 0.0, shape=Shape.SKEWED), 2000)
    assert 0.9 < found < 0.95
    assert coverage(Design(3, 100, 0.5, 0.5, 0.0, shape=Shape.SKEWED), 2000) > 0.94
