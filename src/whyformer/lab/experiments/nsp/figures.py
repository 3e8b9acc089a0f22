"""The charts and tables of the page."""

from itertools import count

from whyformer.lab.experiments.nsp.claims import gain, of_arm
from whyformer.lab.experiments.nsp.data import PUBLISHED
from whyformer.lab.experiments.nsp.experiment import BLOCK, DESIGN, FORMATS, LOSSES
from whyformer.lab.method.charts import PEAK_RATE, Figure, Points, Series, Table
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("nsp")
NAMES = TEXTS.names


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    arms = results.levels("arms", "arm")
    drawn: list[Figure] = [
        design_table(results, "hidden-tokens", "full_loss"),
        design_table(results, "topics", "mean_error"),
        TEXTS.chart("learning", [Series(NAMES[arm], learning(results, arm)) for arm in arms]),
    ]
    if len(results.levels("arms", "rate")) > 1:
        masked = (*DESIGN, PUBLISHED)
        losses = series_for_each(NAMES, masked, results, "arms", "full_loss", "rate", by="arm")
        drawn.append(TEXTS.chart("rates", losses, x=PEAK_RATE))
    return drawn


def design_table(results: Results, name: str, number: str) -> Table:
    """Return a table of a number of the four arms, and of the gain from leaving out the
    next-sentence loss."""
    rows = [
        [
            NAMES[form],
            *(estimate(of_arm(results, f"{form}, {loss}", number)) for loss in LOSSES),
            gain(results, f"{form}, with", f"{form}, without", number),
        ]
        for form in FORMATS
    ]
    return TEXTS.table(name, rows)


def learning(results: Results, arm: str) -> Points:
    """Return the training loss of an arm after each update."""
    rows = [row for row in of_arm(results, arm, "curve") or [] if row]
    return points_of_rows(count(BLOCK, BLOCK), rows)
