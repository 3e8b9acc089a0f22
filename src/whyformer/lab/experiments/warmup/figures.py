"""The charts and tables of the page."""

from collections.abc import Sequence

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.experiments.warmup.effects import rescue, steps
from whyformer.lab.experiments.warmup.experiment import (
    ADAM,
    BARE,
    BOTH,
    DEPTHS,
    DRAWN_DEPTH,
    MATRICES,
    POST,
    RATES,
    SGD,
    SGD_ARMS,
    START_WIDTH,
    STEPPED,
    TABLED,
    loss,
    trained,
)
from whyformer.lab.method.charts import (
    PEAK_RATE,
    VALIDATION_LOSS,
    Chart,
    Figure,
    Series,
    Table,
    theory,
)
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("warmup")
NAMES = {
    **TEXTS.names,
    **{matrix: alike(matrix) for matrix in MATRICES},
    **{f"rate {r:g}": Bilingual(f"learning rate {r:g}", f"학습률 {r:g}") for r in RATES[ADAM]},
}
SHOWN_ARMS = ("post", "post-all", "pre", "pre-all", "clip", "radam", "top", "bottom", "all-but-qk",
              "qk", "ffn", "vo", "alpha", "small", "deepnorm")  # fmt: skip


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = []
    rates = results.levels("training", "rate", arm="post", optimizer=ADAM)
    if len(rates) > 1:
        series = series_for_each(
            NAMES, TABLED, results, "training", "judged", "rate", by="arm", optimizer=ADAM
        )
        unigram = results.cells[-1].numbers["unigram"]
        learned_nothing = theory(NAMES["learned nothing"], rates, lambda _: unigram)
        drawn.append(
            TEXTS.chart("rates", [*series, learned_nothing], x=PEAK_RATE, y=VALIDATION_LOSS)
        )
    drawn += [depth_chart(results), layer_chart(results), diversity_chart(results)]
    drawn.append(arm_table(results, ADAM, "interventions", SHOWN_ARMS))
    if results.conditions("training", optimizer=SGD):
        drawn.append(arm_table(results, SGD, "sgd", (*SGD_ARMS, "top", "bottom")))
    moved = [Series(NAMES[arm], points_of_rows(*steps(results, arm))) for arm in STEPPED]
    return [*drawn, TEXTS.chart("step", moved, log="xy")]


def depth_chart(results: Results) -> Chart:
    """Draw the gradient of the last W_2 as a function of the depth, with both theoretical laws."""
    where = {"view": BOTH, "d_model": START_WIDTH}
    normed = [wiring for wiring in results.levels("start", "wiring", **where) if wiring != BARE]
    measured = series_for_each(
        NAMES, normed, results, "start", "rms", "layers", by="wiring", **where
    )
    laws = [
        theory(
            Bilingual(f"theory: L^{power:g}", f"이론: L^{power:g}"),
            DEPTHS,
            lambda n, first=series.points[0][1].value, power=power: (
                first * (n / DEPTHS[0]) ** power
            ),
        )
        for series, power in zip(measured[:2], (0.0, -0.5), strict=True)
    ]
    return TEXTS.chart("depth", [*measured, *laws], log="xy")


def layer_chart(results: Results) -> Chart:
    """Draw the gradient of each matrix in each layer of Post-LN."""
    where = {"view": BOTH, "wiring": POST, "d_model": START_WIDTH, "layers": DRAWN_DEPTH}
    layers = range(1, DRAWN_DEPTH + 1)
    series = [
        Series(NAMES[matrix], points_of_rows(layers, results.values("start", matrix, **where)))
        for matrix in MATRICES
    ]
    return TEXTS.chart("layers", series, log="y")


def diversity_chart(results: Results) -> Chart:
    """Draw the token diversity after each layer."""
    where = {"view": BOTH, "d_model": START_WIDTH, "layers": DEPTHS[-1]}
    layers = range(1, DEPTHS[-1] + 1)
    series = [
        Series(
            NAMES[wiring],
            points_of_rows(layers, results.values("start", "diversity", wiring=wiring, **where)),
        )
        for wiring in results.levels("start", "wiring", **where)
    ]
    return TEXTS.chart("diversity", series, log="y")


def arm_table(results: Results, optimizer: str, name: str, arms: Sequence[str]) -> Table:
    """Return a table with the loss of each trained arm and, for Adam, its rescue (see `rescue`)."""
    rows = []
    for arm in arms:
        if trained(results, "judged", arm, optimizer) is not None:
            row = [NAMES[arm], loss(results, arm, optimizer)]
            if optimizer == ADAM:
                row.append(None if arm == "post" else rescue(results, arm))
            rows.append(row)
    return TEXTS.table(name, rows)
