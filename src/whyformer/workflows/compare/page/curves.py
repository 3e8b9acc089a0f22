"""The part of the page with the learning curves of all seeds of each arm."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from whyformer.charts.line_chart import Line, LineChart, Point, line_chart
from whyformer.charts.scale import Axis
from whyformer.foundation.bilingual import Language
from whyformer.workflows.compare.page.words import WORDS, say


def curves(found: Mapping[str, Any], language: Language) -> str:
    """Return the charts: the metric and the losses. Args: found: see `page.Found`.

    The horizontal axis is the update, or the time if the budget is a time.
    """
    metric = found["trained"][found["base"]][0]["metric"]
    charts = [("curve", WORDS["validation_of"].in_(language).format(metric=metric))]
    if metric != "loss":
        charts.append(("loss", WORDS["validation_loss"].in_(language)))
    charts.append(("training", WORDS["training_loss"].in_(language)))
    drawn = "".join(
        f"<figure>{_chart(found, kind, name, language)}</figure>" for kind, name in charts
    )
    lead = f"{say('curves_lead', language)} {say('hover', language)}"
    return f'<p class="soft">{lead}</p><div class=grid>{drawn}</div>'


def _chart(found: Mapping[str, Any], kind: str, name: str, language: Language) -> str:
    timed = found["budget"]["unit"] == "minutes"
    lines = []
    for arm, trainings in found["trained"].items():
        for one in trainings:
            seed = WORDS["seed_of"].in_(language).format(arm=arm, seed=one["seed"])
            points = [
                Point(_minutes(one["minutes"], step) if timed else step, value)
                for step, value in one[kind]
            ]
            lines.append(Line(seed, points, group=arm))
    x = WORDS["minute" if timed else "update"].in_(language)
    chart = LineChart(Axis(x), Axis(name), lines, name)
    return line_chart(chart, empty=WORDS["no_points"].in_(language))


def _minutes(clock: Sequence[Sequence[float]], step: float) -> float:
    """Return the time of an update, from the times of some updates."""
    place = bisect_right([one[0] for one in clock], step)
    (before, start), (after, end) = (
        clock[place - 1] if place else (0.0, 0.0),
        clock[min(place, len(clock) - 1)],
    )
    return start if after <= before else start + (end - start) * (step - before) / (after - before)
