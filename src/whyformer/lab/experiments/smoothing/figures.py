"""The charts and tables of the page."""

import math

from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.experiments.smoothing.claims import TEXTS as PARTS
from whyformer.lab.experiments.smoothing.claims import best, best_accuracy
from whyformer.lab.experiments.smoothing.experiment import EPSILONS, JUDGED, SCARCE
from whyformer.lab.method.charts import PEAK_RATE, SHARE_RIGHT, Chart, Figure, Series, theory
from whyformer.lab.method.curves import points_along
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("smoothing")
NAMES = TEXTS.names


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    rates = [
        Series(
            NAMES[f"epsilon {e:g}"],
            points_along(results, "training", "accuracy", "rate", text=SCARCE, epsilon=e),
        )
        for e in EPSILONS
    ]
    return [
        *(over_epsilon(results, number) for number in ("nll", "accuracy", "error")),
        TEXTS.chart("rates", rates, x=PEAK_RATE, y=SHARE_RIGHT),
        *(reliability_chart(results, text) for text in PARTS),
    ]


def over_epsilon(results: Results, number: str) -> Chart:
    """Draw a number as a function of ε."""
    series = []
    for text in PARTS:
        found = [
            best_accuracy(results, text, e)
            if number == "accuracy"
            else best(results, number, text, e)
            for e in EPSILONS
        ]
        points = [(e, estimate(v)) for e, v in zip(EPSILONS, found, strict=True) if v is not None]
        series.append(Series(NAMES[text], points))
        if number == "nll" and points:
            series.append(_limit(text, points[0][1].value))
    return TEXTS.chart(number, series)


def _limit(text: str, loss: float) -> Series:
    """Return the highest loss of a perfect model. Args: loss: the loss without smoothing."""
    one = NAMES[text]
    name = Bilingual(
        f"theory: limit of a perfect model, {one.en}", f"이론: 완벽한 모델의 한계, {one.ko}"
    )
    return theory(name, EPSILONS, lambda epsilon: loss - math.log(1 - epsilon))


def reliability_chart(results: Results, text: str) -> Chart:
    """Draw the accuracy of predictions as a function of their confidence."""
    series = [
        theory(Bilingual("calibrated", "완벽한 캘리브레이션"), (0.0, 1.0), lambda share: share)
    ]
    for epsilon in (0.0, JUDGED):
        places, shares = (best(results, n, text, epsilon) or [] for n in ("places", "shares"))
        points = [
            (sum(x) / len(x), estimate(y))
            for x, y in zip(zip(*places, strict=True), zip(*shares, strict=True), strict=True)
            if all(map(math.isfinite, x))
        ]
        series.append(Series(NAMES[f"epsilon {epsilon:g}"], points))
    return TEXTS.chart(f"reliability-{text}", series, text="reliability", part=NAMES[text])
