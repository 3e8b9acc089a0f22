"""The claims, and the measured effects that decide them."""

import numpy as np

from whyformer.lab.experiments.bottleneck.experiment import (
    ONE_WAY,
    RATES,
    TWICE_AS_WIDE,
    TWO_WAY,
    WATCHED,
    arm,
)
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.experiment import Results, Settings
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import above, below

TASKS = ("copy", "reverse")


def best(results: Results, number: str, where: Settings) -> list | None:
    """Return a number of an arm at its best learning rate, one value per seed; None if the arm was
    not trained."""
    return tuned(results, "lengths", number, by="error", **where)


def at_end(results: Results, where: Settings, end: int, number: str = "symbols") -> list | None:
    """Return the accuracy for the shortest (end 0) or the longest (end -1) sources."""
    rows = best(results, number, where)
    return rows and [row[end] for row in rows]


def drop(results: Results, attention: str, task: str) -> Estimate:
    """Return the accuracy for the shortest sources minus the accuracy for the longest sources."""
    return paired(*(at_end(results, arm(attention, task), end) for end in (-1, 0)))


def gain(results: Results, task: str) -> Estimate:
    """Return the accuracy gain of attention for the longest sources, paired by seed."""
    return paired(*(at_end(results, arm(a, task), -1) for a in ("none", "general")))


def width_gain(results: Results) -> Estimate:
    """Return the accuracy gain for the longest sources if the vector is twice as wide. Only full
    mode measures this gain."""
    arms = (arm("none", "copy", width=width) for width in (None, TWICE_AS_WIDE))
    return paired(*(at_end(results, one, -1) for one in arms))


def reversal_gain(results: Results, encoder: str) -> Estimate:
    """Return the gain of reversed sources without attention, averaged over all lengths."""
    return paired(*(best(results, "mean", arm("none", task, encoder)) for task in TASKS))


def reversal_gain_at_ends(results: Results, encoder: str) -> tuple[list[float], list[float]]:
    """Return two lists with one number per seed: the gain of reversed sources in the first quarter
    and in the last quarter of a row."""
    kept, reverse = (
        np.array(best(results, "places", arm("none", task, encoder))) for task in TASKS
    )
    added, quarter = reverse - kept, WATCHED // 4
    return added[:, :quarter].mean(1).tolist(), added[:, -quarter:].mean(1).tolist()


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    first, last = reversal_gain_at_ends(results, ONE_WAY)
    found = {
        "length": exactly(max(results.levels("lengths", "longest"))),
        "wider": width_gain(results),
        "turned_first": estimate(first),
        "turned_last": estimate(last),
    }
    for attention in ("none", "general"):
        for task in TASKS:
            where = arm(attention, task)
            found[f"drop_{attention}_{task}"] = drop(results, attention, task)
            for end, name in ((0, "shortest"), (-1, "longest")):
                found[f"{name}_{attention}_{task}"] = estimate(at_end(results, where, end))
                exact = at_end(results, where, end, "exact")
                found[f"exact_{name}_{attention}_{task}"] = estimate(exact)
        sizes = results.values("lengths", "parameters", rate=RATES[0], **arm(attention, "copy"))
        found[f"parameters_{attention}"] = exactly(sizes[0])
    for task in TASKS:
        found[f"gain_{task}"] = gain(results, task)
    for encoder in (ONE_WAY, TWO_WAY):
        found[f"turned_{encoder.replace('-', '_')}"] = reversal_gain(results, encoder)
    return found


CLAIMS = texts_of("bottleneck").claims(
    {
        "falls": lambda results: {
            task: [above(drop(results, "none", task), 0.3, contrary=0.05)] for task in TASKS
        },
        "flat": lambda results: {
            task: [
                below(drop(results, "general", task), 0.05, contrary=0.2, name="drop"),
                above(gain(results, task), 0.3, contrary=0.0, name="gain"),
            ]
            for task in TASKS
        },
        "wider": lambda results: {"copy": [above(width_gain(results), 0.1, contrary=0.0)]},
        "helps": lambda results: {
            encoder: [above(reversal_gain(results, encoder), 0.02)]
            for encoder in (ONE_WAY, TWO_WAY)
        },
        "beginning": lambda results: {
            ONE_WAY: [above(paired(*reversal_gain_at_ends(results, ONE_WAY)[::-1]), 0.05)]
        },
    }
)
