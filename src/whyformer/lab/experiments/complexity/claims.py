"""The tests of the claims, and the numbers of the card."""

from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.complexity.effects import (
    JUDGED_WIDTH,
    calls_exponent,
    constant,
    crossing,
    crossing_of_counts,
    depth_exponent,
    depth_slope,
    exponent,
    path_error,
    ratio_where_equal,
    share,
    slowest_where_shorter,
    straightness,
    worst_gap,
)
from whyformer.lab.experiments.complexity.experiment import (
    CELLS,
    CONSTANT,
    COUNTED,
    DECODED,
    DEPTH_LENGTHS,
    JUDGED_TIMES,
    PATH_LENGTHS,
    RATIOS,
    REACHING,
    WIDTHS,
)
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, exactly
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, near, within

TWINS = ("attention", "fused")
"""The two implementations of attention that are timed: explicit and fused."""


CONSTANTS = {
    "attention": 2.0, "restricted": 2.0, "convolution": 1.0, "rnn": 2.0, "gru": 6.0, "lstm": 8.0,
}  # fmt: skip
"""For each kind of layer, the number of multiply-adds divided by the entry of Table 1.

Attention computes QKᵀ and the weighted sum; a recurrent cell computes W x and U h for each gate.
"""


def count_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `counts`."""
    return {
        kind: [near(constant(results, kind), CONSTANTS[kind], 0.0, margin=0.5)] for kind in COUNTED
    }


def dominance_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `dominance`."""
    return {
        f"n = {ratio} d": [above(share(results, d, ratio), 0.5, contrary=0.25) for d in WIDTHS]
        for ratio in RATIOS
    }


def depth_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `depth`."""
    flat = {
        kind: [near(depth_slope(results, kind), 0.0, 1e-9, margin=0.5)] for kind in CONSTANT[:3]
    }
    linear = {
        kind: [
            above(straightness(results, kind), 0.999, contrary=0.9),
            above(depth_slope(results, kind), 1.0, contrary=0.1),
        ]
        for kind in CELLS
    }
    return flat | linear


def sequential_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `sequential`."""
    found = {
        "training": depth_exponent(results, "gpt"),
        "generation, keys and values kept": calls_exponent(results, "gpt", True),
        "generation, nothing kept": calls_exponent(results, "gpt", False),
    }
    return {name: [near(one, 0.0, 0.05, margin=0.45)] for name, one in found.items()}


def recurrence_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `recurrence`.

    The scan stands for the linear recurrence if the loop and the scan give the same result.
    """
    linear = "scan" if worst_gap(results).high < 1e-9 else "loop"
    programs = {**{kind: kind for kind in CELLS}, "linear": linear}
    return {
        name: [above(depth_exponent(results, program), 0.8, contrary=0.5)]
        for name, program in programs.items()
    }


def path_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `paths`."""
    return {kind: [below(path_error(results, kind), 1e-9, contrary=0.5)] for kind in REACHING}


def exponent_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `exponents`."""
    return {
        kind: [within(exponent(results, kind), low, high)]
        for kind, (low, high) in JUDGED_TIMES.items()
    }


def shorter_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `shorter`."""
    return {
        f"{twin}, d = {d}": [
            below(slowest_where_shorter(results, twin, d), 1.0, contrary=1.0, strict=True)
        ]
        for twin in TWINS
        for d in WIDTHS
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    longest, decoded = DEPTH_LENGTHS[-1], DECODED[-1]

    def deep(kind: str) -> Estimate:
        return exactly(results.values("depth", "depth", kind=kind, n=longest)[0])

    def layers(kind: str) -> Estimate:
        return exactly(results.values("path", "layers", kind=kind, n=PATH_LENGTHS[-1])[0])

    def generated(number: str, kind: str, cached: bool) -> float:
        return results.values("decoding", number, kind=kind, cached=cached, n=decoded)[0]

    found = {f"constant_{kind}": constant(results, kind) for kind in COUNTED}
    found |= {
        f"depth_{kind.replace(' ', '_')}": deep(kind) for kind in results.levels("depth", "kind")
    }
    found |= {f"slope_{kind}": depth_slope(results, kind) for kind in CELLS}
    found |= {f"layers_{kind}": layers(kind) for kind in REACHING}
    found |= {f"exponent_{kind}": exponent(results, kind) for kind in JUDGED_TIMES}
    found |= {
        f"slowest_{twin}_{d}": slowest_where_shorter(results, twin, d)
        for twin in TWINS
        for d in WIDTHS
    }
    found |= {f"time_ratio_{d}": ratio_where_equal(results, d) for d in WIDTHS}
    found |= {f"crossing_{twin}_{d}": crossing(results, twin, d) for twin in TWINS for d in WIDTHS}
    return found | {
        "share_equal": share(results, JUDGED_WIDTH, 1),
        "share_double": share(results, JUDGED_WIDTH, 2),
        "share_longest": share(results, JUDGED_WIDTH, RATIOS[-1]),
        "counts_meet_rnn": crossing_of_counts(results, "rnn"),
        "counts_meet_projections": crossing_of_counts(results, "projections"),
        "counts_meet_rest": crossing_of_counts(results, "rest"),
        "straight_rnn": straightness(results, "rnn"),
        "updates_rnn": exactly(
            results.values("path", "updates", kind="rnn", n=PATH_LENGTHS[-1])[0]
        ),
        "calls_kept": exactly(generated("calls", "gpt", True)),
        "calls_nothing": exactly(generated("calls", "gpt", False)),
        "calls_rnn": exactly(generated("calls", "rnn model", True)),
        "work_saved": exactly(
            generated("operations", "gpt", False) / generated("operations", "gpt", True)
        ),
        "exponent_scan": depth_exponent(results, "scan"),
        "twins_gap": worst_gap(results),
    }


CLAIMS = texts_of("complexity").claims(
    {
        "counts": count_tests,
        "dominance": dominance_tests,
        "depth": depth_tests,
        "sequential": sequential_tests,
        "recurrence": recurrence_tests,
        "paths": path_tests,
        "exponents": exponent_tests,
        "shorter": shorter_tests,
    }
)
