"""The charts and tables of the page."""

from functools import partial

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.experiments.cache.claims import lengths, memory, predicted_token, speedup
from whyformer.lab.experiments.cache.experiment import KV_HEADS, LENGTHS, REMEMBERED
from whyformer.lab.method.charts import Figure, Series, theory
from whyformer.lab.method.curves import points_along
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate, exactly
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("cache")
NAMES = {**TEXTS.names, **{f"n = {n}": alike(f"n = {n}") for n in LENGTHS}}


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn = []
    for cached, key in ((False, "again"), (True, "cached")):
        name = NAMES[key]
        drawn += [
            Series(name, points_along(results, "work", "token", "n", cached=cached)),
            theory(
                Bilingual(f"theory: {name.en}", f"이론: {name.ko}"),
                lengths(results),
                partial(predicted_token, cached=cached),
            ),
        ]
    times = [
        Series(NAMES[key], points_along(results, "time", key, "n")) for key in ("again", "cached")
    ]
    gains = Series(
        NAMES["speedup"],
        [(n, estimate(speedup(results, n))) for n in results.levels("time", "n")],
    )
    return [
        TEXTS.chart("token", drawn, log="xy"),
        TEXTS.chart("seconds", times, log="xy"),
        TEXTS.chart("speedup", [gains], log="xy"),
        TEXTS.table(
            "memory",
            [
                [NAMES[kind], *(exactly(memory(results, kind, n)) for n in REMEMBERED)]
                for kind in KV_HEADS
            ],
        ),
    ]
