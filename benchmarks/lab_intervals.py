"""Simulate the coverage of the laboratory's intervals, and write it for the page on the method.

    python benchmarks/lab_intervals.py

The file `src/whyformer/lab/changes/coverage.json` gets, for 2,000 simulations per row:

- the share of 95 % intervals that contain the true value, for 2 to 20 seeds, three distributions of
  the values and three statistics, beside the percentile bootstrap of the first edition;
- the share of simulated laboratories in which at least one of all intervals misses its true value,
  without and with the correction. A simulated laboratory has as many tests with as many seeds as
  the published results.
"""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np

from whyformer.foundation.files import write_text
from whyformer.lab.method.intervals import (
    CORRECTED_ALPHA,
    PLAIN_ALPHA,
    mean_interval,
    median_interval,
)
from whyformer.lab.method.questions import QUESTIONS, experiment_named
from whyformer.lab.method.record import result_of
from whyformer.lab.method.statistics import Spread

SIMULATIONS = 2000
SEEDS = (2, 3, 5, 10, 20)
RESAMPLES = 2000
OUT = Path(__file__).parents[1] / "src" / "whyformer" / "lab" / "changes" / "coverage.json"
DRAWS = {
    "normal": (lambda rng, size: rng.normal(size=size), {"mean": 0.0, "median": 0.0}),
    "log-normal": (
        lambda rng, size: rng.lognormal(size=size),
        {"mean": math.exp(0.5), "median": 1.0},
    ),
    "heavy-tailed": (
        lambda rng, size: rng.standard_t(3, size=size),
        {"mean": 0.0, "median": 0.0},
    ),
}
"""For each distribution: a function that draws values, and the true mean and median. The
heavy-tailed distribution is Student's t with 3 degrees of freedom."""


def bootstrap(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean: the interval of the first edition."""
    picks = rng.integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(1), [2.5, 97.5])
    return float(low), float(high)


def coverage() -> list[dict]:
    """Return the covered share for each statistic, distribution and number of seeds."""
    rows = []
    for name, (draw, truth) in DRAWS.items():
        for statistic in ("mean", "geometric mean", "median", "bootstrap"):
            if statistic == "geometric mean" and name != "log-normal":
                continue
            found = []
            for seeds in SEEDS:
                rng = np.random.default_rng(seeds)
                covered = bounded = 0
                for values in draw(rng, (SIMULATIONS, seeds)):
                    if statistic == "bootstrap":
                        target, (low, high) = truth["mean"], bootstrap(values, rng)
                    elif statistic == "median":
                        target = truth["median"]
                        low, high = median_interval(values.tolist(), PLAIN_ALPHA)
                    elif statistic == "geometric mean":
                        target, (low, high) = (
                            0.0,
                            mean_interval(np.log(values).tolist(), PLAIN_ALPHA),
                        )
                    else:
                        target, (low, high) = (
                            truth["mean"],
                            mean_interval(values.tolist(), PLAIN_ALPHA),
                        )
                    covered += low <= target <= high
                    bounded += math.isfinite(low)
                found.append(round(covered / SIMULATIONS, 4) if bounded else None)
            rows.append({"statistic": statistic, "values": name, "covered": found})
    return rows


def family() -> dict:
    """Return the share of simulated laboratories with at least one interval that misses."""
    tests = Counter()
    for name in QUESTIONS:
        record = result_of(name)
        if record is None:
            continue
        for claim in experiment_named(name).claims:
            for found in claim.tests(record.results).values():
                tests.update(t.effect.seeds for t in found if t.effect.spread is Spread.STUDENT)
    rows = []
    for name, (draw, truth) in DRAWS.items():
        rng = np.random.default_rng(1)
        wrong = Counter()
        for _ in range(SIMULATIONS):
            missed = dict.fromkeys((PLAIN_ALPHA, CORRECTED_ALPHA), 0)
            for seeds, count in tests.items():
                for values in draw(rng, (count, seeds)).tolist():
                    low, high = mean_interval(values, PLAIN_ALPHA)
                    if low <= truth["mean"] <= high:
                        continue
                    missed[PLAIN_ALPHA] += 1
                    low, high = mean_interval(values, CORRECTED_ALPHA)
                    missed[CORRECTED_ALPHA] += not low <= truth["mean"] <= high
            for alpha, count in missed.items():
                wrong[alpha] += count > 0
        rows.append(
            {
                "values": name,
                "plain": round(wrong[PLAIN_ALPHA] / SIMULATIONS, 4),
                "corrected": round(wrong[CORRECTED_ALPHA] / SIMULATIONS, 4),
            }
        )
    return {"tests": {str(seeds): count for seeds, count in sorted(tests.items())}, "rows": rows}


def main() -> None:
    """Simulate, print and write the tables."""
    found = {
        "simulations": SIMULATIONS,
        "seeds": list(SEEDS),
        "coverage": coverage(),
        "family": family(),
    }
    text = json.dumps(found, ensure_ascii=False, indent=1)
    print(text)
    write_text(OUT, text + "\n")


if __name__ == "__main__":
    main()
