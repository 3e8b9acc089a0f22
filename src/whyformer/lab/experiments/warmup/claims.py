"""The tests of the claims, and the numbers of the card."""

import math
from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.warmup.effects import (
    LEAST_GAIN,
    best,
    depth_slope,
    difference,
    final_diversity,
    full_gain,
    growth,
    rescue,
    steeper,
    steps,
    usable_rates,
    width_slope,
)
from whyformer.lab.experiments.warmup.experiment import (
    ADAM,
    ARMS,
    BOTH,
    CAUSAL,
    DEEP,
    JUDGED,
    LIGHT,
    MATRICES,
    POST,
    PRE,
    SGD,
    SGD_ARMS,
    STEPPED,
    TABLED,
    TRAINED_DEPTH,
    loss,
    trained,
)
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, log_slope, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, near, of_ratio

RESCUE = 0.5
"""An arm rescues training if its gain is more than this share of the gain of full warm-up."""


def start_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `start`."""
    return {
        f"{wiring}, {view}": [
            near(depth_slope(results, wiring, view, kind), exponent, 0.1, name=kind)
            for kind in ("rms", "median")
        ]
        for wiring, exponent in ((POST, 0.0), (PRE, -0.5))
        for view in (BOTH, CAUSAL)
    }


def growth_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `growth`."""
    least = math.log(1.1)
    return {matrix: [of_ratio(above(growth(results, matrix), least))] for matrix in MATRICES}


def warmup_gain(results: Results, wiring: str) -> Estimate:
    """Return the gain of warm-up in nats, each arm at its own best learning rate."""
    return paired(best(results, f"{wiring}-all"), best(results, wiring))


def needed_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `needed`."""
    found = {"best rate": [above(warmup_gain(results, "post"), 0.05)]}
    for rate in results.levels("training", "rate", arm="post", optimizer=ADAM):
        saved = difference(results, "failed", "post-all", "post", rate=rate)
        beside = trained(results, "failed", "pre", rate=rate)
        found[f"rate {rate:g}"] = [
            above(saved, 0.5, name="saved", strict=True),
            below(estimate(beside), 0.5, contrary=0.5, name="beside", strict=True),
        ]
    return found


def range_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `range`."""
    return {
        wiring: [
            above(
                paired(usable_rates(results, a), usable_rates(results, f"{a}-all")),
                0.5,
                strict=True,
            )
        ]
        for wiring, a in ((str(POST), "post"), (str(PRE), "pre"))
    }


def superfluous_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `superfluous`."""
    return {str(PRE): [below(warmup_gain(results, "pre"), 0.05, contrary=0.1)]}


def size_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `size`. Where warm-up gains little, its reason cannot be asked."""
    return {
        str(o): [above(rescue(results, "clip", o), RESCUE, name="clip")]
        for o in (ADAM, SGD)
        if not full_gain(results, o) < LEAST_GAIN
    }


def mechanism_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `mechanism`."""
    return {
        optimizer: [
            *tests,
            above(rescue(results, "top", optimizer), RESCUE, name="top"),
            below(rescue(results, "bottom", optimizer), RESCUE, contrary=1.0, name="bottom"),
        ]
        for optimizer, tests in size_tests(results).items()
    }


def branch_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `branch`."""
    return {
        arm: [above(difference(results, "judged", arm, "post-all"), 0.0, contrary=-0.1)]
        for arm in LIGHT
    }


def sensitivity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `sensitivity`."""
    grows = above(log_slope(*steps(results, "post")), 0.1, name="grows")
    return {
        arm: [grows, above(steeper(results, arm), 0.1, name="steeper")]
        for arm in STEPPED
        if arm != "post"
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "slope_post": depth_slope(results, POST),
        "slope_pre": depth_slope(results, PRE),
        "slope_deepnorm": depth_slope(results, DEEP),
        "slope_post_causal": depth_slope(results, POST, CAUSAL),
        "slope_pre_causal": depth_slope(results, PRE, CAUSAL),
        "width_post": width_slope(results, POST),
        "width_pre": width_slope(results, PRE),
        "diversity_post": final_diversity(results, POST),
        "diversity_pre": final_diversity(results, PRE),
        "best_gain_post": warmup_gain(results, "post"),
        "best_gain_pre": warmup_gain(results, "pre"),
        "unigram": exactly(results.cells[-1].numbers["unigram"]),
    }
    for matrix in MATRICES:
        found[f"growth_{matrix}"] = growth(results, matrix).map(math.exp)
    for matrix in ("W_2", "W_Q"):
        found[f"growth_pre_{matrix}"] = growth(results, matrix, PRE).map(math.exp)
        found[f"growth_causal_{matrix}"] = growth(results, matrix, view=CAUSAL).map(math.exp)
    for arm in ARMS:
        key = arm.replace("-", "_")
        found[f"loss_{key}"] = loss(results, arm)
        found[f"share_{key}"] = rescue(results, arm)
    for arm in (*SGD_ARMS, "top", "bottom"):
        found[f"sgd_loss_{arm.replace('-', '_')}"] = loss(results, arm, SGD)
    for arm in SGD_ARMS:
        found[f"sgd_best_{arm.replace('-', '_')}"] = estimate(best(results, arm, SGD))
    for arm in TABLED:
        found[f"usable_{arm.replace('-', '_')}"] = estimate(usable_rates(results, arm))
    for arm in STEPPED:
        whole = {"arm": arm, "rate": JUDGED[ADAM], "layers": TRAINED_DEPTH}
        found[f"step_slope_{arm}"] = log_slope(*steps(results, arm))
        found[f"step_{arm}"] = estimate(results.values("sensitivity", "change", **whole))
    return found


CLAIMS = texts_of("warmup").claims(
    {
        "start": start_tests,
        "growth": growth_tests,
        "needed": needed_tests,
        "range": range_tests,
        "superfluous": superfluous_tests,
        "size": size_tests,
        "mechanism": mechanism_tests,
        "branch": branch_tests,
        "sensitivity": sensitivity_tests,
    }
)
