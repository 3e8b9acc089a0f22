"""The tests of the claims, and the numbers of the card."""

from collections.abc import Mapping, Sequence
from typing import Any

from whyformer.lab.experiments.scaling.experiment import KEYS, LINEAR, NONE, SQRT, WIDTHS
from whyformer.lab.method.arms import tuned_difference, tuned_estimate
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, log_slope
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, near

LAWS = ("normal", "rademacher")
RATIOS = ("jacobian_median", "gradient_median", "gradient_rms")
D_MODEL = 128
"""The width of the trained models: the width of a head is this width divided by the heads."""


def ratio(results: Results, number: str, d_k: int, law: str = "normal") -> Estimate:
    """Return a number of unscaled scores divided by the same number of scaled scores, paired by
    seed."""
    where = {"d_k": d_k, "n": KEYS, "law": law}
    pairs = zip(
        results.values("scores", f"{NONE}/{number}", **where),
        results.values("scores", f"{SQRT}/{number}", **where),
        strict=True,
    )
    return estimate([a / b for a, b in pairs])


def std_slope(results: Results, scale: str, law: str = "normal") -> Estimate:
    """Return the exponent p with which the standard deviation of the scores grows: as d_k^p."""
    return log_slope(*results.curves("scores", f"{scale}/std", "d_k", n=KEYS, law=law))


def length_slope(results: Results) -> Estimate:
    """Return the exponent p with which the standard deviation of unscaled scores grows with n keys:
    as n^p."""
    return log_slope(*results.curves("scores", f"{NONE}/std", "n", d_k=64, law="normal"))


def worst_variance(results: Results, law: str) -> Estimate:
    """Return the largest |Var/d_k - 1| over all widths, with Var averaged over seeds."""
    errors = []
    for d_k in results.levels("scores", "d_k", n=KEYS, law=law):
        stds = results.values("scores", f"{NONE}/std", d_k=d_k, n=KEYS, law=law)
        errors.append(abs(sum(s * s for s in stds) / len(stds) / d_k - 1))
    return exactly(max(errors))


def gap(results: Results, arm: str, heads: int = 1, optimizer: str = "adam") -> Estimate:
    """Return the loss of an arm minus the loss of the arm with 1/√d_k, each at its own best
    learning rate."""
    arms: tuple[dict[str, Any], ...] = {"arm": SQRT}, {"arm": arm}
    return tuned_difference(results, "training", "loss", *arms, heads=heads, optimizer=optimizer)


def variance_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `variance`."""
    return {
        law: [
            below(worst_variance(results, law), 0.05, contrary=0.5, name="variance"),
            near(std_slope(results, NONE, law), 0.5, 0.02, name="slope unscaled"),
            near(std_slope(results, SQRT, law), 0.0, 0.02, name="slope scaled"),
        ]
        for law in LAWS
    }


def saturation_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `saturation`."""
    return {
        f"d_k = {d}": [
            below(ratio(results, "jacobian_median", d, law), 0.1, contrary=1.0, name=law)
            for law in LAWS
        ]
        for d in WIDTHS
    }


def vanishing_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `vanishing`."""
    return {
        f"d_k = {d}": [below(ratio(results, "gradient_median", d), 1.0, contrary=1.0, strict=True)]
        for d in WIDTHS
    }


def explosion_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `explosion`."""
    return {
        f"d_k = {d}": [
            above(ratio(results, f"gradient_{kind}", d), 1.0, contrary=1.0, strict=True, name=kind)
            for kind in ("rms", "median")
        ]
        for d in WIDTHS
    }


def training_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `training`."""
    return {
        f"d_k = {D_MODEL // heads}": [above(gap(results, "none", heads), 0.0)]
        for heads in results.levels("training", "heads", optimizer="adam")
    }


def linear_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `d_k`."""
    return {
        f"d_k = {D_MODEL // heads}, {optimizer}": [
            above(gap(results, LINEAR, heads, optimizer), 0.0)
        ]
        for optimizer in results.levels("training", "optimizer", arm=LINEAR)
        for heads in results.levels("training", "heads", arm=LINEAR, optimizer=optimizer)
    }


def identity_gap(results: Results, optimizer: str, *, rate_too: bool) -> Estimate:
    """Return the largest difference between the losses of a model and its twin."""
    where = {"optimizer": optimizer, "rate_too": rate_too}
    return estimate(results.values("identity", "gap", **where))


def identity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `identity`."""
    return {
        optimizer: [below(identity_gap(results, optimizer, rate_too=True), 1e-9, contrary=1e-3)]
        for optimizer in ("adam", "sgd")
    }


def length_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `length`."""
    return {"d_k = 64": [above(length_slope(results), 0.02)]}


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "slope_none": std_slope(results, NONE),
        "slope_sqrt": std_slope(results, SQRT),
        "slope_linear": std_slope(results, LINEAR),
        "slope_length": length_slope(results),
        "gap_none_narrow": gap(results, "none", heads=8),
        "gap_inverse_narrow": gap(results, LINEAR, heads=8),
        "gap_inverse_sgd": gap(results, LINEAR, optimizer="sgd"),
    }
    for arm in ("none", "inverse", "cosine", "folded"):
        found[f"gap_{arm}"] = gap(results, arm)
    for arm, name in ((SQRT, "sqrt"), (NONE, "none"), (LINEAR, "inverse")):
        where = {"arm": arm, "heads": 1, "optimizer": "adam"}
        found[f"loss_{name}"] = tuned_estimate(results, "training", "loss", **where)
    for d in WIDTHS:
        found |= {f"{number}_{d}": ratio(results, number, d) for number in RATIOS}
    for scale, name in ((NONE, "none"), (SQRT, "sqrt")):
        for number in ("entropy", "largest"):
            where = {"d_k": 512, "n": KEYS, "law": "normal"}
            found[f"{number}_{name}"] = estimate(
                results.values("scores", f"{scale}/{number}", **where)
            )
    for optimizer in ("adam", "sgd"):
        found[f"exact_{optimizer}"] = identity_gap(results, optimizer, rate_too=True)
        found[f"start_only_{optimizer}"] = identity_gap(results, optimizer, rate_too=False)
    return found


CLAIMS = texts_of("scaling").claims(
    {
        "variance": variance_tests,
        "saturation": saturation_tests,
        "vanishing": vanishing_tests,
        "explosion": explosion_tests,
        "training": training_tests,
        "d_k": linear_tests,
        "identity": identity_tests,
        "length": length_tests,
    }
)
