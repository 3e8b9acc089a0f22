"""The charts and tables of the page."""

from itertools import count

from whyformer.lab.experiments.heads.claims import best, pruned, rise
from whyformer.lab.experiments.heads.experiment import (
    FIXED,
    FIXED_HEADS,
    HEADS,
    MIDDLE,
    SHARES,
    SPLIT,
)
from whyformer.lab.method.charts import VALIDATION_LOSS, Figure, Points, Series
from whyformer.lab.method.curves import points_of_rows
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("heads")
NAMES = TEXTS.names


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    series = []
    for family, numbers_of_heads in ((SPLIT, HEADS), (FIXED, (*FIXED_HEADS, MIDDLE))):
        found = [(h, best(results, h, family)) for h in sorted(numbers_of_heads)]
        points = [(float(h), estimate(losses)) for h, losses in found if losses is not None]
        if len(points) > 1:
            series.append(Series(NAMES[family], points))
    each = {heads: NAMES[f"{heads} heads"] for heads in pruned(results)}
    alone = [Series(name, sorted_points(results, h)) for h, name in each.items()]
    shares = [Series(each[h], [(share, rise(results, h, share)) for share in SHARES]) for h in each]
    return [
        TEXTS.chart("heads", series, log="x", y=VALIDATION_LOSS),
        TEXTS.chart("alone", alone),
        TEXTS.chart("pruning", shares),
    ]


def sorted_points(results: Results, heads: int) -> Points:
    """Return the rise of the loss without each head, in ascending order, at the head's place."""
    rows = [sorted(row) for row in best(results, heads, number="alone") or []]
    return points_of_rows(((place + 0.5) / (2 * heads) for place in count()), rows)
