"""The charts and tables of the page."""

from functools import partial
from typing import Any

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.experiments.embedding_scale.claims import (
    POSITIONS,
    TIES,
    arms,
    predicted_ratio,
    ratio,
)
from whyformer.lab.experiments.embedding_scale.experiment import ONE, SMALL, SQRT, UNIT
from whyformer.lab.method.charts import PEAK_RATE, VALIDATION_LOSS, Figure, Series, theory
from whyformer.lab.method.curves import points_along
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("embedding_scale")
INIT_NAMES = {SMALL: "N(0, 1/d)", UNIT: "N(0, 1)"}
FORMULAS = ((SMALL, ONE, "√(2/d)"), (SMALL, SQRT, "√2"), (UNIT, SQRT, "√(2d)"))


def _both(one: Bilingual, other: Bilingual) -> Bilingual:
    return Bilingual(f"{one.en}, {other.en}", f"{one.ko}, {other.ko}")


NAMES = {
    **TEXTS.names,
    **{init: alike(law) for init, law in INIT_NAMES.items()},
    **{
        f"{init}, {scale}": _both(alike(law), TEXTS.names[scale])
        for init, law in INIT_NAMES.items()
        for scale in (ONE, SQRT)
    },
    **{
        f"{tied}, {init}": _both(TEXTS.names[tied], alike(law))
        for init, law in INIT_NAMES.items()
        for tied in TIES.values()
    },
}


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    widths = results.levels("loudness", "d_model")
    measured = [
        Series(NAMES[f"{init}, {scale}"], [(d, ratio(results, scale, init, d)) for d in widths])
        for init in (SMALL, UNIT)
        for scale in (ONE, SQRT)
    ]
    predicted = [
        theory(
            Bilingual(f"theory: {formula}", f"이론: {formula}"),
            widths,
            partial(predicted_ratio, scale, init),
        )
        for init, scale, formula in FORMULAS
    ]
    drawn: list[Figure] = [TEXTS.chart("ratio", [*measured, *predicted], log="xy")]
    for tying, init in arms(results):
        arm: dict[str, Any] = {"tying": tying, "init": init}
        series = [
            Series(
                _both(NAMES[scale], NAMES[POSITIONS[positions]]),
                points_along(
                    results, "training", "loss", "rate", **arm, positions=positions, scale=scale
                ),
            )
            for positions in results.levels("training", "positions", **arm)
            for scale in (ONE, SQRT)
        ]
        name = f"{TIES[tying]}, {init}"
        drawn.append(
            TEXTS.chart(
                f"rates-{TIES[tying]}-{init}",
                series,
                x=PEAK_RATE,
                y=VALIDATION_LOSS,
                text="rates",
                part=NAMES[name],
            )
        )
    return drawn
