"""The effects that decide the claims: functions of the results."""

import math
from typing import Any

from whyformer.lab.experiments.warmup.experiment import (
    ADAM,
    BOTH,
    DEPTHS,
    DRAWN_DEPTH,
    POST,
    START_WIDTH,
    TINY_STEP,
    TRAINED_DEPTH,
    trained,
)
from whyformer.lab.method.arms import is_trained, tuned
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, log_slope, paired

LEAST_GAIN = 0.2
"""Lower bound of the divisor of `rescue`, which is the gain of full warm-up in nats."""


def depth_slope(results: Results, wiring: str, view: str = BOTH, kind: str = "rms") -> Estimate:
    """Return the exponent p with which the gradient of the last W_2 at one position grows with the
    depth L: as L^p."""
    where = {"wiring": wiring, "view": view, "d_model": START_WIDTH}
    if not is_trained(results, "start", **where):
        return NOT_MEASURED
    return log_slope(*results.curves("start", kind, "layers", **where))


def width_slope(results: Results, wiring: str) -> Estimate:
    """Return the exponent p with which the gradient of the last W_2 at one position grows with the
    width d: as d^p."""
    where = {"wiring": wiring, "view": BOTH, "layers": TRAINED_DEPTH}
    return log_slope(*results.curves("start", "rms", "d_model", **where))


def growth(results: Results, matrix: str, wiring: str = POST, view: str = BOTH) -> Estimate:
    """Return ln(gradient in the last layer / gradient in the first layer) of a matrix."""
    where = {"wiring": wiring, "view": view, "d_model": START_WIDTH, "layers": DRAWN_DEPTH}
    return estimate([math.log(v[-1] / v[0]) for v in results.values("start", matrix, **where)])


def final_diversity(results: Results, wiring: str) -> Estimate:
    """Return the token diversity after the last layer of the deepest model."""
    where = {"wiring": wiring, "view": BOTH, "d_model": START_WIDTH, "layers": DEPTHS[-1]}
    return estimate([v[-1] for v in results.values("start", "diversity", **where)])


def difference(
    results: Results, number: str, a: str, b: str, optimizer: str = ADAM, rate: float | None = None
) -> Estimate:
    """Return the mean difference b - a, paired by seed."""
    one, other = (trained(results, number, arm, optimizer, rate) for arm in (a, b))
    return paired(one, other)


def rescue(results: Results, arm: str, optimizer: str = ADAM) -> Estimate:
    """Return the gain of an arm divided by the gain of full warm-up. Both gains are relative to
    Post-LN without warm-up.

    If the gain of full warm-up is less than `LEAST_GAIN`, the divisor is `LEAST_GAIN`.
    """
    arms = ("post", "post-all", arm)
    nothing, all_, some = (trained(results, "judged", a, optimizer) for a in arms)
    if nothing is None or all_ is None or some is None:
        return NOT_MEASURED
    triples = zip(nothing, all_, some, strict=True)
    return estimate([(n - s) / max(n - w, LEAST_GAIN) for n, w, s in triples])


def best(results: Results, arm: str, optimizer: str = ADAM) -> list[float] | None:
    """Return the losses of an arm at its best learning rate; None if the arm was trained at fewer
    than two learning rates."""
    where: dict[str, Any] = {"arm": arm, "optimizer": optimizer}
    if len(results.levels("training", "rate", **where)) < 2:
        return None
    return tuned(results, "training", "judged", **where)


def usable_rates(results: Results, arm: str) -> list[float] | None:
    """Return, for each seed, the number of learning rates with a loss within 0.1 nat of the lowest
    loss; None if the arm was trained at fewer than two learning rates."""
    where = {"arm": arm, "optimizer": ADAM}
    if len(results.levels("training", "rate", **where)) < 2:
        return None
    _, rows = results.curves("training", "judged", "rate", **where)
    return [float(sum(v <= min(row) + 0.1 for v in row)) for row in rows]


def steps(results: Results, arm: str) -> tuple[list[float], list[list[float]]]:
    """Return the depths and, for each seed, the change of the output after a tiny step."""
    return results.curves("sensitivity", "change", "layers", arm=arm, rate=TINY_STEP)


def steeper(results: Results, arm: str) -> Estimate:
    """Return the difference of two exponents, Post-LN minus another arm. The exponent tells how the
    change of the output after a tiny step grows with the depth."""
    depths, rows = steps(results, "post")
    _, others = steps(results, arm)
    ratios = [
        [a / b for a, b in zip(row, other, strict=True)]
        for row, other in zip(rows, others, strict=True)
    ]
    return log_slope(depths, ratios)


def full_gain(results: Results, optimizer: str) -> float:
    """Return the gain of full warm-up in Post-LN, in nats; NaN if not measured."""
    return difference(results, "judged", "post-all", "post", optimizer).value
