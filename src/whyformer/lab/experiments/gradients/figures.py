"""The charts and tables of the page."""

import math
from collections.abc import Sequence

from whyformer.lab.experiments.gradients.claims import PREDICTED
from whyformer.lab.experiments.gradients.effects import (
    accuracies,
    diversity_after,
    factor,
    gradient_diversity,
    gradient_ratio,
    predicted_skip_diversity,
    reached,
    remaining_gradient,
)
from whyformer.lab.experiments.gradients.experiment import (
    ALONG_DEPTH,
    ALONG_TIME,
    DEEPEST,
    REACH,
    SYMBOLS,
)
from whyformer.lab.method.charts import SHARE_RIGHT, Chart, Figure, Points, Series, Table, theory
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate, exactly
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("gradients")
NAMES = TEXTS.names
SHOWN = ("rnn-uniform", "rnn-orthogonal", "gru-uniform", "lstm-uniform", "lstm-forget-1",
         "lstm-chrono", "lstm-forget-long", "attention-pre-norm")  # fmt: skip
LAGS = (0, 1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 127)


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [
        lag_chart(results),
        factor_table(results),
        depth_chart(results),
        gradient_table(results),
        copy_chart(results),
    ]
    return [*drawn, reach_chart(results)] if results.levels("reach", "model") else drawn


def _with_chance(series: list[Series], ends: Sequence[float]) -> list[Series]:
    return [*series, theory(NAMES["chance"], ends, lambda _: 1 / SYMBOLS)]


def copy_chart(results: Results) -> Chart:
    """Draw the accuracy of copying as a function of the depth."""

    def points(wiring: str) -> Points:
        depths = results.levels("copy", "layers", wiring=wiring)
        return [(n, estimate(accuracies(results, wiring, n))) for n in depths]

    series = [Series(NAMES[w], points(w)) for w in results.levels("copy", "wiring")]
    ends = [1, max(results.levels("copy", "layers"))]
    return TEXTS.chart("copy", _with_chance(series, ends), y=SHARE_RIGHT)


def reach_chart(results: Results) -> Chart:
    """Draw the accuracy of copying as a function of the lag."""

    def points(model: str) -> Points:
        lags = results.levels("reach", "lag", model=model)
        return [(lag, reached(results, model, lag)) for lag in lags]

    lags = results.levels("reach", "lag")
    series = [Series(NAMES[model], points(model)) for model in REACH]
    ends = [min(lags), max(lags)]
    return TEXTS.chart("reach", _with_chance(series, ends), log="x", y=SHARE_RIGHT)


def lag_chart(results: Results) -> Chart:
    """Draw the mean gradient as a function of the lag, divided by the gradient at lag 0."""

    def points(model: str) -> Points:
        curves = results.values("lags", "log_norm", model=model)
        return [(k, estimate([c[k] - c[0] for c in curves]).map(math.exp)) for k in LAGS]

    measured = [Series(NAMES[model], points(model)) for model in SHOWN]
    step = PREDICTED["rnn-orthogonal"]
    law = theory(NAMES["predicted RNN"], LAGS, lambda lag: step**lag)
    return TEXTS.chart("lags", [*measured, law], log="y")


def factor_table(results: Results) -> Table:
    """List the measured and the predicted factor of every arm."""
    rows = [
        [
            NAMES[model],
            factor(results, model),
            exactly(PREDICTED[model]) if model in PREDICTED else None,
            remaining_gradient(results, model),
        ]
        for model in ALONG_TIME
    ]
    return TEXTS.table("factors", rows)


def depth_chart(results: Results) -> Chart:
    """Draw the diversity of tokens after each layer."""
    depths = range(1, DEEPEST + 1)
    series = [
        Series(NAMES[stack], [(n, diversity_after(results, stack, n)) for n in depths])
        for stack in ALONG_DEPTH
    ]
    predicted = theory(NAMES["predicted"], depths, predicted_skip_diversity)
    return TEXTS.chart("diversity", [*series, predicted], log="y")


def gradient_table(results: Results) -> Table:
    """List the gradient norm, the token diversity and the gradient diversity of every stack."""
    rows = [
        [
            NAMES[stack],
            gradient_ratio(results, stack),
            diversity_after(results, stack, DEEPEST),
            gradient_diversity(results, stack),
        ]
        for stack in ALONG_DEPTH
    ]
    return TEXTS.table("total", rows)
