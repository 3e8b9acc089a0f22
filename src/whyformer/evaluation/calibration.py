"""Calibration: how often answers are right, as a function of the confidence of the model."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from whyformer.evaluation.interval import Array, wilson

BINS = 10
FEWEST = 50
"""With fewer items than this, no calibration is fitted."""
FEWEST_OF_EACH = 5
"""With fewer right items, or fewer wrong items, than this, no calibration is fitted."""
FOLDS = 5
STEPS = 50
RIDGE = 1e-3


@dataclass(frozen=True)
class Bin:
    """Items of similar confidence.

    Args:
        confidence: mean confidence of the items.
        right: fraction of right items.
        interval: 95 % interval of the fraction of right items (Wilson).
        items: number of items.
    """

    confidence: float
    right: float
    interval: tuple[float, float]
    items: int


@dataclass(frozen=True)
class Curve:
    """A calibration curve.

    Args: error: the expected calibration error: mean of |confidence - fraction right| over items.
    """

    bins: tuple[Bin, ...]
    error: float

    def to_json(self) -> dict[str, Any]:
        """Return the curve as JSON values."""
        return asdict(self)


def curve(confidences: Sequence[float], right: Sequence[bool], *, bins: int = BINS) -> Curve:
    """Return the calibration curve over bins with equal numbers of items.

    Source: Guo et al. 2017 (arXiv:1706.04599), §2, with bins of equal size.

    >>> curve([0.9] * 10 + [0.1] * 10, [True] * 9 + [False] * 10 + [True], bins=2).error
    0.0
    """
    order = np.argsort(np.asarray(confidences), kind="stable")
    p, y = np.asarray(confidences, float)[order], np.asarray(right, float)[order]
    found = []
    for part in np.array_split(np.arange(len(p)), min(bins, len(p))):
        share = float(y[part].mean())
        low, high = wilson(share, len(part))
        found.append(Bin(float(p[part].mean()), share, (low / 100, high / 100), len(part)))
    error = sum(one.items * abs(one.confidence - one.right) for one in found) / max(1, len(p))
    return Curve(tuple(found), round(error, 12))


@dataclass(frozen=True)
class Calibration:
    """Computes, from the features of an answer, the probability that the answer is right.

    Source: Platt 1999, “Probabilistic outputs for support vector machines”, §2.2: a sigmoid, with
        targets that are a little below 1 and above 0.
    Differs: several features instead of one score.

    Args:
        weights: one weight for each feature; the last number is the bias.
        means, deviations: mean and standard deviation of each feature, used to standardize it.
        items: number of items that the calibration was fitted on.
    """

    weights: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    items: int

    def probabilities(self, features: Sequence[Sequence[float]]) -> list[float]:
        """Return the probability of each answer. Args: features: (answers, features)."""
        x = (np.asarray(features, float) - self.means) / self.deviations
        return _sigmoid(x @ self.weights[:-1] + self.weights[-1]).tolist()

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(found: dict[str, Any]) -> "Calibration":
        """Return the calibration that `to_json` described.

        Raises: KeyError, TypeError or ValueError if ``found`` is damaged.
        """
        parts = [tuple(map(float, found[name])) for name in ("weights", "means", "deviations")]
        if not len(parts[0]) - 1 == len(parts[1]) == len(parts[2]):
            raise ValueError("there must be one weight for each feature, and a bias")
        return Calibration(parts[0], parts[1], parts[2], int(found["items"]))


def fit(features: Sequence[Sequence[float]], right: Sequence[bool]) -> Calibration | None:
    """Fit a calibration on items; return None if there are too few items.

    A fit needs at least `FEWEST` items, of which at least `FEWEST_OF_EACH` are right and at least
    `FEWEST_OF_EACH` are wrong.
    """
    count = sum(map(bool, right))
    if len(right) < FEWEST or min(count, len(right) - count) < FEWEST_OF_EACH:
        return None
    x, y = np.asarray(features, float), np.asarray(right, bool)
    means, deviations = x.mean(0), np.maximum(x.std(0), 1e-9)
    targets = np.where(y, (count + 1) / (count + 2), 1 / (len(y) - count + 2))
    design = np.concatenate([(x - means) / deviations, np.ones((len(x), 1))], 1)
    weights = np.zeros(design.shape[1])
    weights[-1] = math.log((count + 1) / (len(y) - count + 1))
    penalty = RIDGE * len(y) * np.eye(len(weights))
    penalty[-1, -1] = 0.0
    for _ in range(STEPS):  # Newton's method
        p = _sigmoid(design @ weights)
        gradient = design.T @ (targets - p) - penalty @ weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design + penalty
        move = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        weights += move
        if np.abs(move).max() < 1e-9:
            break
    return Calibration(
        tuple(weights.tolist()), tuple(means.tolist()), tuple(deviations.tolist()), len(y)
    )


def cross_fitted(features: Sequence[Sequence[float]], right: Sequence[bool]) -> list[float] | None:
    """Return a probability for each item from a fit on the other folds; None for too few items.

    A curve of these probabilities is unbiased, because an item has no influence on the fit that
    gives its probability.
    """
    places = np.random.default_rng(0).permutation(len(right)) % FOLDS
    found = np.zeros(len(right))
    for fold in range(FOLDS):
        inside: list[int] = np.flatnonzero(places == fold).tolist()
        outside: list[int] = np.flatnonzero(places != fold).tolist()
        fitted = fit([features[n] for n in outside], [right[n] for n in outside])
        if fitted is None:
            return None
        found[inside] = fitted.probabilities([features[n] for n in inside])
    return found.tolist()


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))
