"""The charts and tables of the page."""

from collections.abc import Mapping
from itertools import count

from whyformer.data.corruption import RATE
from whyformer.lab.experiments.masking.claims import error, of_arm, recipes
from whyformer.lab.experiments.masking.data import BERTS, BLOCK, CAUSAL, LENGTH, ROWS
from whyformer.lab.experiments.masking.experiment import TUNED_EVERY
from whyformer.lab.method.charts import PEAK_RATE, Chart, Series
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("masking")
NAMES = TEXTS.names


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    tasks = [*CAUSAL, *recipes(results)]
    thousands = {task: CAUSAL.get(task, RATE) * ROWS * LENGTH / 1000 for task in tasks}
    drawn = [
        TEXTS.chart("updates", learning(results, dict.fromkeys(tasks, 1.0))),
        TEXTS.chart("predictions", learning(results, thousands), log="x"),
    ]
    if error(results, BERTS, "tuned"):
        found = [(t, of_arm(results, t, "tuned") or []) for t in results.levels("masked", "task")]
        tuning = [
            Series(NAMES[task], points_of_rows(count(TUNED_EVERY, TUNED_EVERY), rows))
            for task, rows in found
        ]
        drawn.append(TEXTS.chart("tuning", tuning))
    if len(results.levels("masked", "rate", task=BERTS)) > 1:
        probes = series_for_each(
            NAMES, recipes(results), results, "masked", "probe", "rate", by="task"
        )
        drawn.append(TEXTS.chart("rates", probes, x=PEAK_RATE))
    return drawn


def learning(results: Results, units: Mapping[str, float]) -> list[Series]:
    """Return the training loss of each task. Args: units: the length of an update on the x-axis."""
    found = []
    for task, unit in units.items():
        rows = [row for row in of_arm(results, task, "curve") or [] if row]
        found.append(Series(NAMES[task], points_of_rows(count(BLOCK * unit, BLOCK * unit), rows)))
    return found
