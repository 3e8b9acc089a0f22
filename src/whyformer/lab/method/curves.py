"""Points and curves of a chart: the estimate over seeds for each value of a setting."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.method.charts import Points, Series
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Statistic, estimate, mean


def points_along(
    results: Results,
    part: str,
    number: str,
    setting: str,
    /,
    *,
    statistic: Statistic = mean,
    **fixed: Any,
) -> Points:
    """Return the estimate of a number for each value of a setting."""
    return [
        (level, estimate(results.values(part, number, **fixed, **{setting: level}), statistic))
        for level in results.levels(part, setting, **fixed)
    ]


def points_of_rows(xs: Iterable[float], rows: Iterable[Sequence[float]]) -> Points:
    """Return the estimate at each x. Args: rows: for each seed, a number at each x.

    The shorter of ``xs`` and the rows determines the number of points.

    >>> [(x, e.value) for x, e in points_of_rows([10, 20], [[1.0, 2.0], [3.0, 6.0]])]
    [(10, 2.0), (20, 4.0)]
    """
    columns = zip(*rows, strict=True)
    return [(x, estimate(column)) for x, column in zip(xs, columns, strict=False)]


def lowest_of_parabola(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the lowest value, between the first and the last x, of the parabola that fits best.

    A grid of learning rates rarely contains the best rate; the parabola estimates the loss there.
    Losses that are not finite, and a parabola that opens downwards, give the lowest y instead.

    >>> lowest_of_parabola([0, 1, 3], [5.0, 2.0, 2.0])  # (x - 2)² + 1
    1.0
    """
    if not np.isfinite(ys).all() or len(xs) < 3:
        return float(np.nanmin(ys))
    bend, slope, start = np.polyfit(xs, ys, 2)
    if bend <= 0:
        return float(min(ys))
    x = min(max(-slope / (2 * bend), min(xs)), max(xs))
    return round(float(bend * x * x + slope * x + start), 9)


def series_for_each(
    names: Mapping[str, Bilingual],
    arms: Iterable[str],
    results: Results,
    part: str,
    number: str,
    setting: str,
    /,
    *,
    by: str,
    **fixed: Any,
) -> list[Series]:
    """Return the curve of `points_along` for each arm.

    Args: by: the setting whose value is the name of an arm.
    """
    found = []
    for arm in arms:
        where: dict[str, Any] = {**fixed, by: arm}
        found.append(Series(names[arm], points_along(results, part, number, setting, **where)))
    return found
