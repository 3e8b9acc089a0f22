"""The claims, and the measured effects that decide them."""

import numpy as np

from whyformer.lab.experiments.beam.experiment import (
    ALPHAS,
    COUNTED_WIDTHS,
    ENOUGH,
    FRAGMENTS,
    LONGEST,
    ROUNDING,
    SHORTEST,
    WIDTHS,
    translation_probabilities,
)
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import above, below

SOME_BLEU = 0.5
"""A difference that is smaller than this, in points of BLEU, does not count."""
SHORTER = 0.05


def trained_on(results: Results) -> list[str]:
    """Return the names of the training data."""
    return results.levels("search", "data")


def at(results: Results, name: str, data: str, alpha: float, width: int) -> list[float]:
    """Return a number of the search at one beam width, one value per seed."""
    place = WIDTHS.index(width)
    return [row[place] for row in results.values("search", f"{alpha}/{name}", data=data)]


def change(
    results: Results, name: str, data: str, alpha: float, widths: tuple[int, int]
) -> Estimate:
    """Return the difference of a number between two beam widths, second minus first, paired by
    seed."""
    return paired(*(at(results, name, data, alpha, width) for width in widths))


def counted(results: Results, name: str, alpha: float, width: int) -> Estimate:
    """Return a number of the enumerated models at one beam width."""
    place = COUNTED_WIDTHS.index(width)
    return estimate([row[place] for row in results.values("exact", f"{alpha}/{name}")])


def falls(results: Results, part: str, **where: object) -> Estimate:
    """Return the share of sources for which the next larger beam width finds a lower score,
    averaged over all widths."""
    seeds = zip(*(results.values(part, f"{alpha}/fall", **where) for alpha in ALPHAS), strict=True)
    return estimate([float(np.mean(rows)) for rows in seeds])


def gain_of_penalty(results: Results, data: str) -> Estimate:
    """Return BLEU with α = 0.6 minus BLEU with α = 0 at the widest beam, paired by seed."""
    return paired(*(at(results, "bleu", data, alpha, WIDTHS[-1]) for alpha in (0.0, 0.6)))


def expected_empty() -> float:
    """Return the share of sources whose most probable answer is empty, if text has fragments.

    For n symbols, the empty answer has the probability FRAGMENTS/2n, and the best complete answer
    has the probability (1 - FRAGMENTS) · 0.35ⁿ.
    """
    likeliest = translation_probabilities().max()
    lengths = range(SHORTEST, LONGEST + 1)
    empty = [FRAGMENTS / (2 * n) > (1 - FRAGMENTS) * likeliest**n for n in lengths]
    return sum(empty) / len(empty)


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "falls_counted": falls(results, "exact").percent,
        "missed_greedy": counted(results, "missed", 0.0, 1).percent,
        "missed_three": counted(results, "missed", 0.0, 3).percent,
        "regret_enough": counted(results, "regret", 0.0, ENOUGH),
        "empty_expected": exactly(100 * expected_empty()),
    }
    for data in trained_on(results):
        found[f"{data}_falls"] = falls(results, "search", data=data).percent
        found[f"{data}_greedy_to_four"] = change(results, "bleu", data, 0.0, (1, 4))
        found[f"{data}_four_to_widest_plain"] = change(results, "bleu", data, 0.0, (4, 64))
        found[f"{data}_log_probability"] = change(results, "log_probability", data, 0.0, (1, 64))
        for alpha, name in zip(ALPHAS, ("plain", "some", "full"), strict=True):
            for width in (1, 4, 64):
                bleu = at(results, "bleu", data, alpha, width)
                found[f"{data}_bleu_{width}_{name}"] = estimate(bleu)
        for name in ("length", "empty"):
            found[f"{data}_{name}_64"] = estimate(at(results, name, data, 0.0, 64)).percent
    return found


CLAIMS = texts_of("beam").claims(
    {
        "exact": lambda results: {
            f"α = {alpha:g}": [
                below(counted(results, "regret", alpha, ENOUGH), ROUNDING, contrary=0.01)
            ]
            for alpha in ALPHAS
        },
        "better": lambda results: {
            f"{data}, {widths[0]} → {widths[1]}, α = {alpha:g}": [
                above(change(results, "bleu", data, alpha, widths), SOME_BLEU)
            ]
            for data in trained_on(results)
            for widths, alpha in (((1, 4), 0.0), *(((4, 64), alpha) for alpha in ALPHAS))
        },
        "score": lambda results: {
            data: [above(change(results, "log_probability", data, 0.0, (1, 64)), 0.0)]
            for data in trained_on(results)
        },
        "length": lambda results: {
            data: [below(change(results, "length", data, 0.0, (1, 64)), -SHORTER, contrary=SHORTER)]
            for data in trained_on(results)
        },
        "penalty": lambda results: {
            data: [above(gain_of_penalty(results, data), SOME_BLEU)] for data in trained_on(results)
        },
    }
)
