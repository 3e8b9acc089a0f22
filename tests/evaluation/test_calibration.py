import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.evaluation.calibration import (
    FEWEST,
    Calibration,
    cross_fitted,
    curve,
    fit,
)


def drawn(items: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences, and answers that are right as often as the confidence says."""
    generator = np.random.default_rng(seed)
    p = generator.random(items)
    return p, generator.random(items) < p


def test_a_perfect_predictor_is_calibrated() -> None:
    p, right = drawn(20_000)
    found = curve(p.tolist(), right.tolist())
    assert found.error < 0.02
    inside = [one.interval[0] <= one.confidence <= one.interval[1] for one in found.bins]
    assert sum(inside) >= 8  # 95 % intervals of ten bins


def test_an_overconfident_predictor_is_not_calibrated() -> None:
    p, right = drawn(5_000)
    assert curve((p**0.3).tolist(), right.tolist()).error > 0.15


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_bins_of_a_curve_contain_every_item_once(items: list[tuple[float, bool]]) -> None:
    found = curve([p for p, _ in items], [right for _, right in items])
    assert sum(one.items for one in found.bins) == len(items)
    assert sum(one.right * one.items for one in found.bins) == pytest.approx(
        sum(right for _, right in items)
    )
    assert all(0 <= one.interval[0] <= one.right + 1e-9 for one in found.bins)
    means = [one.confidence for one in found.bins]
    assert means == sorted(means)


def test_a_fit_makes_an_overconfident_predictor_calibrated() -> None:
    p, right = drawn(4_000)
    score = 3 * np.log(p / (1 - p)) + 2  # too sure, and shifted
    features = np.stack([score, np.zeros_like(score)], 1).tolist()
    found = cross_fitted(features, right.tolist())
    assert found is not None
    assert curve(found, right.tolist()).error < 0.03


def test_a_fit_equals_the_parameters_that_drew_the_data() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=50_000)
    right = generator.random(50_000) < 1 / (1 + np.exp(-(1.5 * x - 0.5)))
    found = fit(x[:, None].tolist(), right.tolist())
    assert found is not None
    slope = found.weights[0] / found.deviations[0]
    assert slope == pytest.approx(1.5, abs=0.1)
    assert found.weights[1] - slope * found.means[0] == pytest.approx(-0.5, abs=0.1)


def test_more_confident_answers_get_higher_probabilities() -> None:
    right = [n >= 100 for n in range(200)]
    found = fit([[float(n)] for n in range(200)], right)
    assert found is not None
    p = found.probabilities([[0.0], [90.0], [110.0], [199.0]])
    assert p == sorted(p)
    assert 0 < p[0] < 0.1 < 0.9 < p[-1] < 1


def test_too_few_items_or_answers_of_one_kind_have_no_fit() -> None:
    features = [[float(n)] for n in range(FEWEST)]
    assert fit(features[:-1], [n % 2 == 0 for n in range(FEWEST - 1)]) is None
    assert fit(features, [True] * (FEWEST - 2) + [False] * 2) is None
    assert fit(features, [n % 2 == 0 for n in range(FEWEST)]) is not None


def test_a_calibration_survives_json_and_damage_is_found() -> None:
    found = fit([[n / 7, -n] for n in range(80)], [n % 3 == 0 for n in range(80)])
    assert found is not None
    kept = json.loads(json.dumps(found.to_json()))
    assert Calibration.from_json(kept) == found
    with pytest.raises(ValueError, match="one weight for each feature"):
        Calibration.from_json(kept | {"means": [0.0]})
