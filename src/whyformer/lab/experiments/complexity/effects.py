"""The effects that decide the claims: functions of the results."""

import math
from collections.abc import Sequence

import numpy as np

from whyformer.lab.experiments.complexity.experiment import CELLS, KERNEL, RATIOS, WIDTHS, WINDOW
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import (
    Estimate,
    estimate,
    exactly,
    geometric,
    local_slopes,
    log_slope,
    r_squared,
    slope,
)

JUDGED_WIDTH, JUDGED_LENGTHS = 256, (256, 2048)


def table_entry(kind: str, n: int, d: int) -> int:
    """Return the entry of Table 1, column "complexity per layer"."""
    return {
        "attention": n * n * d,
        "restricted": WINDOW * n * d,
        "convolution": KERNEL * n * d * d,
    }.get(kind, n * d * d)


def constant(results: Results, kind: str) -> Estimate:
    """Return the multiply-adds divided by the entry of Table 1: mean, minimum and maximum over
    sizes."""
    found = [
        results.values("counts", "mixing", **one)[0] / table_entry(kind, one["n"], one["d"])
        for one in results.conditions("counts", kind=kind)
    ]
    middle = exactly(sum(found) / len(found))
    return Estimate(middle.value, min(found), max(found), 1, middle.spread)


def share(results: Results, d: int, ratio: int) -> Estimate:
    """Return the share of the multiply-adds of an encoder layer that mix positions."""
    where = {"d": d, "ratio": ratio}
    mixing = results.values("block", "mixing", **where)[0]
    return exactly(mixing / (mixing + results.values("block", "rest", **where)[0]))


def crossing_of_counts(results: Results, other: str) -> Estimate:
    """Return the n/d at which mixing positions in attention costs as much as another operation.

    The cost of mixing grows as n², and the cost of the other operation grows as n.
    """
    ratio, d = RATIOS[0], WIDTHS[-1]
    mixing = results.values("block", "mixing", d=d, ratio=ratio)[0]
    if other == "rnn":
        met = results.values("counts", "mixing", kind="rnn", d=d, n=d * ratio)[0]
    else:
        met = results.values("block", other, d=d, ratio=ratio)[0]
    return exactly(ratio * met / mixing)


def depth_slope(results: Results, kind: str) -> Estimate:
    """Return the number of operations that each position adds to the longest chain."""
    return _exact(slope(*results.curves("depth", "depth", "n", kind=kind)))


def depth_exponent(results: Results, kind: str) -> Estimate:
    """Return the exponent p with which the length of the longest chain grows: as n^p."""
    return _exact(log_slope(*results.curves("depth", "depth", "n", kind=kind)))


def straightness(results: Results, kind: str) -> Estimate:
    """Return R² of a straight line fitted to the length of the longest chain as a function of n; 0
    if the length does not grow."""
    lengths, rows = results.curves("depth", "depth", "n", kind=kind)
    grown = [r_squared(lengths, row) if len(set(row)) > 1 else 0.0 for row in rows]
    return _exact(estimate(grown))


def layers_needed(kind: str, n: int) -> int:
    """Return the predicted number of layers that connect the first position with the last."""
    if kind == "dilated":
        return next(level for level in range(1, n) if KERNEL**level >= n)
    steps = {"restricted": WINDOW - 1, "convolution": KERNEL - 1}.get(kind, n - 1)
    return math.ceil((n - 1) / steps)


def path_error(results: Results, kind: str) -> Estimate:
    """Return the largest relative error of `layers_needed`. For a recurrence, include the error of
    the prediction that it makes n updates."""
    errors = []
    for n in results.levels("path", "n", kind=kind):
        measured = results.values("path", "layers", kind=kind, n=n)
        errors += [abs(one / layers_needed(kind, n) - 1) for one in measured]
        if kind in CELLS:
            errors += [abs(u / n - 1) for u in results.values("path", "updates", kind=kind, n=n)]
    return exactly(max(errors))


def calls_exponent(results: Results, kind: str, cached: bool) -> Estimate:
    """Return the exponent p with which the number of model calls grows for n generated tokens: as
    n^p."""
    return _exact(log_slope(*results.curves("decoding", "calls", "n", kind=kind, cached=cached)))


def exponent(results: Results, kind: str, d: int = JUDGED_WIDTH) -> Estimate:
    """Return the exponent p with which the time grows: as n^p. The result is the median of the
    exponents between neighbouring n from 256 to 2048."""
    lengths, curves = results.curves("time", "milliseconds", "n", kind=kind, d=d)
    kept = [i for i, n in enumerate(lengths) if JUDGED_LENGTHS[0] <= n <= JUDGED_LENGTHS[1]]
    return estimate(
        [
            float(np.median(local_slopes([lengths[i] for i in kept], [row[i] for i in kept])))
            for row in curves
        ]
    )


def time_ratios(results: Results, twin: str, d: int) -> tuple[list[int], list[list[float]]]:
    """Return the lengths and, for each seed, the time of attention divided by that of a
    recurrence of the same width."""
    lengths, slow = results.curves("time", "milliseconds", "n", kind=twin, d=d)
    _, fast = results.curves("time", "milliseconds", "n", kind="rnn", d=d)
    rows = zip(slow, fast, strict=True)
    return lengths, [[a / b for a, b in zip(*row, strict=True)] for row in rows]


def slowest_where_shorter(results: Results, twin: str, d: int) -> Estimate:
    """Return the largest of `time_ratios` over all measured lengths n < d."""
    lengths, rows = time_ratios(results, twin, d)
    return estimate([max(r for n, r in zip(lengths, row, strict=True) if n < d) for row in rows])


def crossing(results: Results, twin: str, d: int) -> Estimate:
    """Return the n/d above which attention is slower than a recurrence of the same width, as a
    geometric mean over seeds.

    If attention is never slower, return the longest measured n/d, which is a lower bound.
    """
    lengths, rows = time_ratios(results, twin, d)
    return geometric([_crossing(lengths, row) / d for row in rows])


def ratio_where_equal(results: Results, d: int) -> Estimate:
    """Return the time of attention divided by the time of the recurrence at n = d, as a geometric
    mean over seeds. At n = d, both need the same number of multiply-adds."""
    lengths, rows = time_ratios(results, "attention", d)
    return geometric([row[lengths.index(d)] for row in rows])


def _crossing(lengths: Sequence[int], ratios: Sequence[float]) -> float:
    gaps = [math.log(ratio) for ratio in ratios]
    if gaps[-1] <= 0:
        return lengths[-1]
    below = max((i for i, gap in enumerate(gaps) if gap <= 0), default=None)
    if below is None:
        return lengths[0]
    part = -gaps[below] / (gaps[below + 1] - gaps[below])
    return lengths[below] * (lengths[below + 1] / lengths[below]) ** part


def _exact(of: Estimate) -> Estimate:
    """Return an exact estimate if all seeds have the same value; otherwise, return ``of``."""
    return exactly(of.value) if of.low == of.high else of


def worst_gap(results: Results) -> Estimate:
    """Return the largest relative difference between the results of loop and scan over all
    lengths."""
    return estimate([max(row) for row in results.curves("twins", "gap", "n")[1]])
