"""The charts and tables of the page."""

import math
from functools import partial
from itertools import count

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.experiments.positions.claims import language, shift_error
from whyformer.lab.experiments.positions.experiment import (
    BLOCK,
    CODES,
    LAGS,
    LANGUAGE_BLOCK,
    LANGUAGE_LENGTH,
    LENGTHS,
    LONGEST,
    TASKS,
    TRAINED,
    WIDTHS,
)
from whyformer.lab.method.charts import (
    SHARE_RIGHT,
    VALIDATION_LOSS,
    Chart,
    Figure,
    Points,
    Series,
    Table,
    mark,
    theory,
)
from whyformer.lab.method.curves import points_along, points_of_rows
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate, exactly
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("positions")
NAMES = {
    **TEXTS.names,
    **{f"d = {d}": alike(f"d = {d}") for d in WIDTHS},
    **{f"d_k = {d_k}": alike(f"d_k = {d_k}") for d_k in (16, 64, 512)},
}


def similarity_chart(results: Results) -> Chart:
    """Return the chart of the similarity as a function of the distance, with the formula."""

    def formula(d: int, lag: int) -> float:
        return sum(math.cos(lag * LONGEST ** (-2 * i / d)) for i in range(d // 2)) / (d / 2)

    series: list[Series] = []
    for d in (64, 512):
        row = results.values("algebra", "similarity", d_model=d)[0]
        points = [(lag, exactly(value)) for lag, value in zip(LAGS, row, strict=True)]
        series.append(Series(Bilingual(f"measured, d = {d}", f"측정, d = {d}"), points))
        law = f"Σ cos(w_i k), d = {d}"
        name = Bilingual(f"theory: {law}", f"이론: {law}")
        series.append(theory(name, LAGS, partial(formula, d)))
    return TEXTS.chart("similarity", series, log="x")


def code_table(results: Results) -> Table:
    """Return the table of the properties of each code."""
    rows = [
        [
            NAMES[code],
            shift_error(results, code),
            shift_error(results, code, where="outside"),
            estimate(results.values("shift", "nearest", code=code, d_model=64)),
        ]
        for code in CODES
    ]
    return TEXTS.table("codes-compared", rows)


def task_chart(results: Results, task: str, mask: str) -> Chart:
    """Return the chart of the accuracy beyond the trained length.

    With a causal mask, the answer at a position does not depend on later positions, so the chart
    shows each position of the longest rows. In an encoder it does, so the chart shows the mean for
    each length of the rows.
    """
    causal = mask == "causal"

    def points(scheme: str) -> Points:
        number = "by_position" if causal else "average"
        rows = results.values("tasks", number, task=task, mask=mask, positions=scheme)
        return points_of_rows(count((BLOCK - 1) / 2, BLOCK) if causal else LENGTHS, rows)

    schemes = results.levels("tasks", "positions", task=task, mask=mask)
    return TEXTS.chart(
        f"{task}-{mask}",
        [*(Series(NAMES[s], points(s)) for s in schemes), mark(NAMES["trained to"], TRAINED)],
        log="" if causal else "x",
        y=SHARE_RIGHT,
        text=mask,
        part=NAMES[task],
    )


def language_chart(results: Results) -> Chart:
    """Return the chart of the loss at each position, in windows that are longer than the windows in
    training."""

    def points(scheme: str) -> Points:
        rows = language(results, scheme, "by_position") or []
        return points_of_rows(count(LANGUAGE_BLOCK / 2, LANGUAGE_BLOCK), rows)

    series = [Series(NAMES[s], points(s)) for s in results.levels("language", "positions")]
    trained = mark(NAMES["trained to"], LANGUAGE_LENGTH)
    return TEXTS.chart("language", [*series, trained], y=VALIDATION_LOSS)


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    codes = results.values("algebra", "codes", d_model=64)[0]
    margins = Series(alike("d = 64"), points_along(results, "margin", "nearest", "pairs"))
    drawn: list[Figure] = [
        TEXTS.heat_map(
            "codes",
            [alike(str(position)) for position in range(len(codes))],
            [str(dimension) for dimension in range(len(codes[0]))],
            codes,
        ),
        similarity_chart(results),
        TEXTS.chart("margin", [margins], log="xy"),
        code_table(results),
        *(task_chart(results, task, mask) for task in TASKS for mask in ("causal", "encoder")),
    ]
    return [*drawn, language_chart(results)] if results.conditions("language") else drawn
