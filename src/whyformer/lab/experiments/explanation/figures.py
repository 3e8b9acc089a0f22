"""The charts and tables of the page."""

from whyformer.charts.line_chart import LineStyle
from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.experiments.explanation.claims import share, values
from whyformer.lab.experiments.explanation.experiment import LAYERS
from whyformer.lab.experiments.explanation.tasks import LOOKUP
from whyformer.lab.method.charts import Figure, Series
from whyformer.lab.method.curves import points_along, points_of_rows
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import exactly
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("explanation")
NAMES = TEXTS.names


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    tasks = results.levels("training", "task")
    drawn: list[Figure] = [TEXTS.chart(task, _rankings(results, task), log="x") for task in tasks]
    deep = [
        Series(NAMES[task], points_of_rows(range(1, LAYERS[-1] + 1), rows))
        for task in tasks
        if (rows := values(results, "layers", task, LAYERS[-1]))
    ]
    if deep:
        drawn.append(TEXTS.chart("layers", deep))
    kept = [
        Series(_both(task, change), points_along(results, "training", change, "layers", task=task))
        for task in tasks
        for change in ("permuted", "uniform")
    ]
    return [*drawn, TEXTS.chart("kept", kept, log="x")]


def _rankings(results: Results, task: str) -> list[Series]:
    """Return the share of each ranking along the depth, and the share of a random token."""
    names = ["last", "rollout", "gradient"]
    if task == LOOKUP:
        names = ["cause", *names]
    found = [
        Series(
            NAMES["removal" if name == "cause" else name],
            points_along(results, "training", name, "layers", task=task),
        )
        for name in names
    ]
    chance = [
        (layers, exactly(share(results, "chance", task, layers).value))
        for layers in results.levels("training", "layers", task=task)
    ]
    return [*found, Series(NAMES["chance"], chance, LineStyle.THEORY)]


def _both(task: str, change: str) -> Bilingual:
    one, other = NAMES[task], NAMES[change]
    return Bilingual(f"{one.en}, {other.en}", f"{one.ko}, {other.ko}")
