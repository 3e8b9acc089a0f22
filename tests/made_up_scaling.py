"""Results of question 1 as the theory would have them, for tests to change and to show."""

import math
from collections.abc import Callable, Mapping

from whyformer.lab.experiments.scaling import EXPERIMENT, experiment
from whyformer.lab.method.experiment import Cell, Mode, Results

SEEDS = 5
Change = Callable[[Mapping, int, dict], dict]
"""From settings, seed and ideal numbers to other numbers."""


def ideal(part: str, settings: Mapping, seed: int) -> dict:
    """Return what the theory would have measured, with a little spread over seeds."""
    little = 1 + 0.002 * (seed - 2)
    if part == "identity":
        return {"gap": 0.0 if settings["rate_too"] else 0.1}
    if part == "training":
        worse = {"none": 0.2, "inverse": 0.1, "cosine": 0.0, "folded": 0.05}
        rates = experiment.RATES[settings["optimizer"]]
        tuning = 0.3 * abs(rates.index(settings["rate"]) - 1)
        return {"loss": 2.0 + 0.01 * seed + tuning + worse.get(settings["arm"], 0.0) * little}
    d, numbers = settings["d_k"], {}
    for scale, power in (("none", 0.5), ("inverse-sqrt", 0.0), ("inverse", -0.5)):
        wide = scale == "none"
        numbers |= {
            f"{scale}/std": d**power * little,
            f"{scale}/entropy": 0.1 if wide else 0.9,
            f"{scale}/largest": 0.9 if wide else 0.1,
            f"{scale}/jacobian_median": 0.18 * little * (math.exp(-d / 100) if wide else 1),
            f"{scale}/jacobian_rms": 0.2,
            f"{scale}/gradient_median": 0.2 * little * ((5 if d < 300 else 0.2) if wide else 1),
            f"{scale}/gradient_rms": 0.2 * little * (20 if wide else 1),
        }
    return numbers


def made(mode: Mode = Mode.FULL, change: Change = lambda s, seed, n: n) -> Results:
    return Results(
        mode,
        [
            Cell(part.name, s, seed, change(s, seed, ideal(part.name, s, seed)))
            for part in EXPERIMENT.parts
            for s in part.conditions(mode)
            for seed in range(SEEDS)
        ],
    )
