"""The charts and tables of the page."""

from collections.abc import Sequence

from whyformer.foundation.bilingual import alike
from whyformer.lab.experiments.beam.claims import at, counted, expected_empty, trained_on
from whyformer.lab.experiments.beam.experiment import ALPHAS, COUNTED_WIDTHS, ENOUGH, WIDTHS
from whyformer.lab.method.charts import Chart, Points, Series, mark, theory
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("beam")
NAMES = TEXTS.names


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""

    def over_widths(name: str, data: str, alpha: float) -> Points:
        return [(w, estimate(at(results, name, data, alpha, w))) for w in WIDTHS]

    def without_penalty(name: str, *more: Series) -> Chart:
        number = name.replace("-", "_")
        series = [Series(NAMES[d], over_widths(number, d, 0.0)) for d in trained_on(results)]
        return TEXTS.chart(name, [*series, *more], log="x")

    def by_alpha(points: Sequence[Points]) -> list[Series]:
        return [Series(alike(f"α = {a:g}"), p) for a, p in zip(ALPHAS, points, strict=True)]

    missed = [[(w, counted(results, "missed", a, w)) for w in COUNTED_WIDTHS] for a in ALPHAS]
    bleu = {
        data: by_alpha([over_widths("bleu", data, alpha) for alpha in ALPHAS])
        for data in trained_on(results)
    }
    return [
        *(
            TEXTS.chart(f"bleu-{data}", series, log="x", text="bleu", part=NAMES[data])
            for data, series in bleu.items()
        ),
        without_penalty("log-probability"),
        without_penalty("length", theory(alike("1"), WIDTHS, lambda _: 1)),
        without_penalty("empty", theory(NAMES["exact"], WIDTHS, lambda _: expected_empty())),
        TEXTS.chart("missed", [*by_alpha(missed), mark(alike("Vᵀ"), ENOUGH)], log="x"),
    ]
