"""The charts and tables of the page."""

import math
from itertools import count

import numpy as np

from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.experiments.bottleneck.claims import TASKS, best
from whyformer.lab.experiments.bottleneck.experiment import (
    KINDS,
    ONE_WAY,
    SHORTEST,
    TWICE_AS_WIDE,
    arm,
)
from whyformer.lab.method.charts import SHARE_RIGHT, Figure, Points, Series, theory
from whyformer.lab.method.curves import points_of_rows
from whyformer.lab.method.experiment import Results, Settings
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("bottleneck")
NAMES = TEXTS.names


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    lengths = range(SHORTEST, max(results.levels("lengths", "longest")) + 1, 5)

    def over_lengths(number: str, where: Settings) -> Points:
        return points_of_rows(lengths, best(results, number, where) or [])

    def shown(number: str) -> list[Series]:
        return [
            Series(joined(a, task), over_lengths(number, arm(a, task)))
            for a in ("none", "general")
            for task in TASKS
        ]

    wide = arm("none", "copy", width=TWICE_AS_WIDE)
    wider = [Series(NAMES["wide"], over_lengths("symbols", wide))]
    accuracy = float(np.mean(best(results, "mean", arm("general", "copy")) or math.nan))
    independent = theory(NAMES["independent"], lengths, lambda n: accuracy**n)
    chance = theory(NAMES["chance"], lengths, lambda _: 1 / KINDS)
    places = [
        Series(NAMES[task], points_of_rows(count(1), rows))
        for task in TASKS
        for rows in [best(results, "places", arm("none", task, ONE_WAY)) or []]
    ]
    measured = wider if best(results, "mean", wide) else []
    return [
        TEXTS.chart("symbols", [*shown("symbols"), *measured, chance], y=SHARE_RIGHT),
        TEXTS.chart("exact", [*shown("exact"), independent]),
        TEXTS.chart("places", places, y=SHARE_RIGHT),
    ]


def joined(one: str, other: str) -> Bilingual:
    """Return two names, separated by a comma."""
    return Bilingual(*(f"{a}, {b}" for a, b in (
        (NAMES[one].en, NAMES[other].en), (NAMES[one].ko, NAMES[other].ko)
    )))  # fmt: skip
