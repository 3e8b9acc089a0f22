"""The tests of the claims, and the numbers of the card."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from whyformer.lab.experiments.positions.experiment import (
    CODES,
    LAGS,
    LANGUAGE_BLOCK,
    LANGUAGE_LENGTH,
    MASKS,
    SCHEMES,
    SYMBOLS,
    TASKS,
    WIDTHS,
)
from whyformer.lab.method.arms import is_trained, tuned
from whyformer.lab.method.curves import lowest_of_parabola
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, exactly, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, near

LEARNED_ENOUGH = 0.9
"""If the accuracy within the trained length is lower than this, longer inputs are not evaluated."""


def algebra(results: Results, number: str, d_model: int) -> Estimate:
    """Return a number of part `algebra`, which measures the sinusoids."""
    return exactly(results.values("algebra", number, d_model=d_model)[0])


def shift_error(results: Results, code: str, d_model: int = 64, where: str = "inside") -> Estimate:
    """Return the share of the variance of the codes that the best linear shift does not explain."""
    return estimate(results.values("shift", where, code=code, d_model=d_model))


def accuracy(results: Results, number: str, task: str, mask: str, positions: str) -> Estimate:
    """Return an accuracy of the trained models, averaged over seeds."""
    where = {"task": task, "mask": mask, "positions": positions}
    if not is_trained(results, "tasks", **where):
        return NOT_MEASURED
    return estimate(results.values("tasks", number, **where))


def drop(
    results: Results, task: str, mask: str, positions: str, where: str = "outside"
) -> Estimate:
    """Return the accuracy within the trained length minus the accuracy beyond this length.

    Args: where: outside: up to twice the trained length; far: from twice to four times.
    Returns: NOT_MEASURED if the accuracy within this length is below `LEARNED_ENOUGH`.
    """
    arm = {"task": task, "mask": mask, "positions": positions}
    inside = results.values("tasks", "inside", **arm)
    if sum(inside) / len(inside) < LEARNED_ENOUGH:
        return NOT_MEASURED
    return paired(results.values("tasks", where, **arm), inside)


def language(results: Results, positions: str, number: str = "loss") -> list | None:
    """Return a number of the character model at its best learning rate, one value per seed; None if
    the model was not trained."""
    return tuned(results, "language", number, by="loss", positions=positions)


def language_far(results: Results, positions: str) -> list[float] | None:
    """Return the loss of the character model from twice to four times the trained length."""
    rows = language(results, positions, "by_position")
    first = 2 * LANGUAGE_LENGTH // LANGUAGE_BLOCK
    return rows and [float(np.mean(row[first:])) for row in rows]


def grid_gap(results: Results) -> Estimate:
    """Return the loss with learned positions minus the loss with sinusoids, each at the best
    learning rate of the grid."""
    return paired(language(results, "sinusoidal"), language(results, "learned"))


def learned_gap(results: Results) -> Estimate:
    """Return the loss with learned positions minus the loss with sinusoids, paired by seed. Each
    loss is the lowest point of a parabola through the logarithms of the learning rates."""

    def lowest(positions: str) -> list[float] | None:
        if not is_trained(results, "language", positions=positions):
            return None
        rates, rows = results.curves("language", "loss", "rate", positions=positions)
        return [lowest_of_parabola([math.log(rate) for rate in rates], row) for row in rows]

    return paired(lowest("sinusoidal"), lowest("learned"))


def both_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `both`."""
    return {
        f"d = {d}": [
            below(algebra(results, "rotation", d), 1e-9, contrary=1e-3, name="sine and cosine"),
            above(shift_error(results, "sine", d), 0.05, contrary=1e-9, name="sines alone"),
        ]
        for d in results.levels("shift", "d_model", code="sine")
    }


def unique_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `unique`."""
    return {
        f"d = {d}": [above(algebra(results, "nearest", d), 1.0, contrary=1e-3)]
        for d in results.levels("algebra", "d_model")
    }


def survival_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `survival`."""

    def kept(number: str, d_k: int) -> Estimate:
        return estimate(results.values("projection", number, d_k=d_k))

    return {
        f"d_k = {d_k}": [
            above(kept("least_kept", d_k), 0.5, contrary=0.05, name="least kept"),
            below(kept("most_kept", d_k), 2.0, contrary=20.0, name="most kept"),
        ]
        for d_k in results.levels("projection", "d_k")
    }


def given_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `given`."""
    return {
        f"d_k = {d_k}": [
            above(
                estimate(results.values("projection", "offset_share", d_k=d_k)), 0.5, contrary=0.1
            )
        ]
        for d_k in results.levels("projection", "d_k")
    }


def order_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `order`."""

    def change(mask: str) -> Estimate:
        return estimate(results.values("order", "change", mask=mask, positions="none"))

    chance = 1 / SYMBOLS
    encoder = accuracy(results, "inside", "modulo", "encoder", "none")
    causal = accuracy(results, "inside", "modulo", "causal", "none")
    return {
        "fresh": [
            below(change("encoder"), 1e-9, contrary=1e-3, name="encoder"),
            above(change("causal"), 1e-3, contrary=1e-9, name="causal"),
        ],
        "trained": [
            near(encoder, chance, 0.02, margin=0.1, name="encoder"),
            above(causal, chance + 0.05, contrary=chance, name="causal"),
        ],
    }


def extrapolation(positions: str) -> Callable[[Results], Mapping[str, Sequence[Test]]]:
    """Return the tests of the claims `extrapolation` and `offsets`."""

    def tests(results: Results) -> Mapping[str, Sequence[Test]]:
        losses = {
            f"{task}, {mask}, {where}": drop(results, task, mask, positions, where)
            for task in TASKS
            for mask in results.levels("tasks", "mask", task=task, positions=positions)
            for where in ("outside", "far")
        }
        if is_trained(results, "language", positions=positions):
            inside = language(results, positions)
            beyond = language(results, positions, "beyond")
            losses["language, outside"] = paired(inside, beyond)
            losses["language, far"] = paired(inside, language_far(results, positions))
        return {name: [below(lost, 0.05, contrary=0.5)] for name, lost in losses.items()}

    return tests


def learned_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `learned`."""
    return {"language": [near(learned_gap(results), 0.0, 0.02)]}


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for d in WIDTHS:
        for name in ("nearest", "longest_wavelength", "first_rise"):
            found[f"{name}_{d}"] = algebra(results, name, d)
        found[f"rises_{d}"] = algebra(results, "rises", d).percent
    for name in ("rotation", "norm", "toeplitz"):
        found[name] = algebra(results, name, 512)
    kept = results.values("algebra", "similarity", d_model=512)[0]
    for lag in (1, 10, 100, 1000):
        found[f"similarity_{lag}"] = exactly(kept[LAGS.index(lag)])
    for pairs in (1, 32):
        found[f"nearest_of_{pairs}"] = estimate(results.values("margin", "nearest", pairs=pairs))
    for code in CODES:
        found[f"shift_{code}"] = shift_error(results, code)
        found[f"shift_outside_{code}"] = shift_error(results, code, where="outside")
        found[f"margin_{code}"] = estimate(
            results.values("shift", "nearest", code=code, d_model=64)
        )
    for d_k in (16, 64, 512):
        for name in ("least_kept", "most_kept"):
            found[f"{name}_{d_k}"] = estimate(results.values("projection", name, d_k=d_k))
        share = estimate(results.values("projection", "offset_share", d_k=d_k))
        found[f"offset_share_{d_k}"] = share.percent
    for mask in MASKS:
        found[f"shuffled_{mask}"] = estimate(
            results.values("order", "change", mask=mask, positions="none")
        )
    for task in TASKS:
        for mask in MASKS:
            for scheme in SCHEMES:
                for where in ("inside", "outside", "far"):
                    found[f"{task}_{mask}_{scheme}_{where}"] = accuracy(
                        results, where, task, mask, scheme
                    )
    found["learned_gap"] = learned_gap(results)
    found["learned_gap_grid"] = grid_gap(results)
    for scheme in ("sinusoidal", "learned", "none", "rotary", "alibi"):
        found[f"language_{scheme}"] = estimate(language(results, scheme))
        found[f"language_{scheme}_beyond"] = estimate(language(results, scheme, "beyond"))
        found[f"language_{scheme}_far"] = estimate(language_far(results, scheme))
    return found


CLAIMS = texts_of("positions").claims(
    {
        "both": both_tests,
        "unique": unique_tests,
        "survival": survival_tests,
        "given": given_tests,
        "extrapolation": extrapolation("sinusoidal"),
        "offsets": extrapolation("rotary"),
        "order": order_tests,
        "learned": learned_tests,
    }
)
