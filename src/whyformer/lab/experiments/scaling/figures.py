"""The charts and tables of the page."""

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.experiments.scaling.claims import RATIOS, ratio
from whyformer.lab.experiments.scaling.experiment import DRAWN, KEYS, NONE, SQRT, WIDTHS
from whyformer.lab.method.charts import PEAK_RATE, VALIDATION_LOSS, Figure, Points, Series, theory
from whyformer.lab.method.curves import points_along, series_for_each
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("scaling")
NAMES = TEXTS.names | {f"d_k = {d}": alike(f"d_k = {d}") for d in (*WIDTHS, 128)}
POWERS = (("√d_k", 0.5), ("1", 0.0), ("1/√d_k", -0.5))


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""

    def over_widths(number: str) -> Points:
        return points_along(results, "scores", number, "d_k", n=KEYS, law="normal")

    def named(scale: str, kind: str) -> Bilingual:
        one, other = NAMES[scale], NAMES[kind]
        return Bilingual(f"{one.en}, {other.en}", f"{one.ko}, {other.ko}")

    laws = [
        theory(Bilingual(f"theory: {name}", f"이론: {name}"), WIDTHS, lambda d, p=power: d**p)
        for name, power in POWERS
    ]
    deviations = [Series(NAMES[scale], over_widths(f"{scale}/std")) for scale in DRAWN]
    gradients = [
        Series(named(scale, kind), over_widths(f"{scale}/gradient_{kind}"))
        for scale in (NONE, SQRT)
        for kind in ("rms", "median")
    ]
    largest = [Series(NAMES[scale], over_widths(f"{scale}/largest")) for scale in DRAWN]
    rows = [[NAMES[f"d_k = {d}"], *(ratio(results, r, d) for r in RATIOS)] for d in WIDTHS]
    drawn: list[Figure] = [
        TEXTS.chart("gradient", gradients, log="xy"),
        TEXTS.table("widths", rows),
        TEXTS.chart("score-std", [*deviations, *laws], log="xy"),
        TEXTS.chart("largest", largest, log="x"),
    ]
    where = {"heads": 1, "optimizer": "adam"}
    if len(results.levels("training", "rate", **where)) > 1:
        arms = results.levels("training", "arm", **where)
        series = series_for_each(
            NAMES, arms, results, "training", "loss", "rate", by="arm", **where
        )
        drawn.append(TEXTS.chart("rates", series, x=PEAK_RATE, y=VALIDATION_LOSS))
    return drawn
