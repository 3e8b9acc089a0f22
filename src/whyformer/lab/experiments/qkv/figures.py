"""The charts and tables of the page."""

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.experiments.qkv.claims import (
    added,
    circle,
    language,
    predicted_self,
    wider,
)
from whyformer.lab.experiments.qkv.experiment import (
    D_KS,
    KEYS,
    SEPARATE,
    SHAPES,
    SHARED,
    TOKENS,
    VALUES,
)
from whyformer.lab.method.charts import PEAK_RATE, VALIDATION_LOSS, Figure, Series, theory
from whyformer.lab.method.curves import points_along
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("qkv")
NAMES = TEXTS.names | {f"d_k = {d}": alike(f"d_k = {d}") for d in D_KS}


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Series] = []
    for arm in (KEYS, SEPARATE):
        name = NAMES[arm]
        drawn += [
            Series(name, points_along(results, "start", "self", "d_k", arm=arm, n=TOKENS)),
            theory(
                Bilingual(f"theory: {name.en}", f"이론: {name.ko}"),
                D_KS,
                lambda d_k, arm=arm: predicted_self(arm, d_k),
            ),
        ]
    rows = {arm: wider(arm) for arm in (SEPARATE, *SHARED)} | {"fewer": KEYS}
    found: list[Figure] = [
        TEXTS.chart("self", drawn, log="x"),
        TEXTS.table(
            "circle",
            [
                [
                    NAMES[arm],
                    *(estimate(circle(results, "right", wider(arm), one)).percent for one in SHAPES),
                ]
                for arm in (SEPARATE, KEYS, VALUES)
            ],
        ),
        TEXTS.table(
            "language",
            [
                [NAMES[name], estimate(language(results, arm)),
                 None if arm == SEPARATE else added(results, arm)]
                for name, arm in rows.items()
            ],
        ),
    ]  # fmt: skip
    if len(results.levels("language", "rate", arm=SEPARATE)) > 1:
        series = [
            Series(NAMES[arm], points_along(results, "language", "loss", "rate", arm=wider(arm)))
            for arm in (SEPARATE, KEYS, VALUES)
        ]
        found.append(TEXTS.chart("rates", series, x=PEAK_RATE, y=VALIDATION_LOSS))
    return found
