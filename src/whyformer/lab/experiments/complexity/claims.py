"""The claims, and the measured effects that decide them."""

import math
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
    logarithm_error,
    path_error,
    ratio_where_equal,
    share,
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
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, exactly
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


def logarithm_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `logarithm`."""
    return {
        kind: [below(logarithm_error(results, kind), 1e-9, contrary=0.5)]
        for kind in ("convolution", "dilated")
    }


def exponent_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `exponents`."""
    return {
        kind: [within(exponent(results, kind), low, high)]
        for kind, (low, high) in JUDGED_TIMES.items()
    }


def crossing_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `crossing`. The claim is refuted if attention is slower well before n = d."""
    return {
        f"{twin}, d = {d}": [Test(crossing(results, twin, d), 0.5, 2.0, (0.5, math.inf))]
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


CLAIMS = (
    Claim(
        "counts",
        Bilingual(
            "Per layer, self-attention costs n²d, recurrence nd², convolution knd², restricted "
            "attention rnd.",
            "층 하나의 비용은 셀프 어텐션 n²d, 순환 nd², 합성곱 knd², 제한된 어텐션 rnd이다.",
        ),
        Bilingual(
            "The multiply-adds that mix positions, counted while the layer runs, are the same "
            "whole multiple of the formula at every length and width: 2 for attention and for "
            "restricted attention, 1 for convolution, 2, 6 and 8 for tanh, GRU and LSTM cells.",
            "층이 계산하는 동안 센, 위치를 섞는 곱셈-덧셈 횟수는 모든 길이와 너비에서 공식의 같은 정수배이다: "
            "어텐션과 제한된 어텐션 2배, 합성곱 1배, tanh·GRU·LSTM 셀은 2, 6, 8배.",
        ),
        Bilingual(
            "Exact equality at n = 16, 64, 256, 1024 and d = 64, 256.",
            "n = 16, 64, 256, 1024, d = 64, 256에서 정확히 같을 것.",
        ),
        count_tests,
    ),
    Claim(
        "dominance",
        Bilingual(
            "The cost of a Transformer layer is the n²d of its attention.",
            "트랜스포머 층의 비용은 어텐션의 n²d이다.",
        ),
        Bilingual(
            "More than half of an encoder layer's multiply-adds (d_ff = 4d) are QKᵀ and the "
            "weighted sum.",
            "인코더 층(d_ff = 4d)의 곱셈-덧셈 가운데 절반 넘게가 QKᵀ와 가중합이다.",
        ),
        Bilingual(
            "Share above 1/2 for both widths, asked at n = d, 2d, 4d, 8d and 16d. Below 1/4 "
            "counts as the contrary.",
            "n = d, 2d, 4d, 8d, 16d 각각에서 두 너비 모두 비율이 1/2 초과. 1/4 미만이면 반대로 본다.",
        ),
        dominance_tests,
    ),
    Claim(
        "depth",
        Bilingual(
            "Attention and convolution need O(1) sequential operations, recurrence O(n).",
            "순차 연산은 어텐션과 합성곱이 O(1), 순환이 O(n)이다.",
        ),
        Bilingual(
            "The longest chain of dependent operations in a layer's graph has the same length "
            "for every n for attention, restricted attention and convolution, and grows by the "
            "same number of operations with every position for tanh, GRU and LSTM cells.",
            "층의 계산 그래프에서 가장 긴 연산 사슬은 어텐션, 제한된 어텐션, 합성곱에서는 n과 무관하고, "
            "tanh·GRU·LSTM 셀에서는 위치 하나마다 같은 수만큼 길어진다.",
        ),
        Bilingual(
            "n = 8 to 256: slope 0 for the former; R² above 0.999 and at least one operation a "
            "position for the latter.",
            "n = 8 ~ 256: 앞의 셋은 기울기 0, 뒤의 셋은 R² 0.999 초과이고 위치마다 연산 하나 이상.",
        ),
        depth_tests,
    ),
    Claim(
        "sequential",
        Bilingual(
            "A Transformer computes all positions at once: O(1) sequential operations.",
            "트랜스포머는 모든 위치를 한꺼번에 계산한다: 순차 연산 O(1).",
        ),
        Bilingual(
            "The number of operations that must wait for one another does not grow with the "
            "number of tokens.",
            "서로를 기다려야 하는 연산의 수는 토큰 수에 따라 늘지 않는다.",
        ),
        Bilingual(
            "Exponent over n within 0 ± 0.05: of the graph of a GPT's training loss, and of "
            "the dependent calls by which the same GPT generates n tokens. Above 1/2 counts as "
            "the contrary.",
            "n에 대한 지수가 0 ± 0.05: GPT의 학습 손실 그래프의 깊이와, 같은 GPT가 토큰 n개를 생성하는 "
            "동안 차례로 해야 하는 호출 수. 1/2을 넘으면 반대로 본다.",
        ),
        sequential_tests,
    ),
    Claim(
        "recurrence",
        Bilingual("A recurrence is sequential: O(n).", "순환은 순차적이다: O(n)."),
        Bilingual(
            "The longest chain of the shallowest program known to the toolkit grows nearly in "
            "proportion to n.",
            "툴킷이 아는 가장 얕은 계산법에서도 가장 긴 사슬은 거의 n에 비례해 자란다.",
        ),
        Bilingual(
            "Exponent of depth over n = 8 to 256 above 0.8; below 0.5 counts as the contrary. "
            "For the linear recurrence the scan counts, provided that it agrees with the loop "
            "within 1e-9 in float64.",
            "n = 8 ~ 256에서 깊이의 지수가 0.8 초과, 0.5 미만이면 반대로 본다. 선형 순환은 스캔이 반복문과 "
            "float64에서 1e-9 이내로 같을 때 스캔의 깊이로 본다.",
        ),
        recurrence_tests,
    ),
    Claim(
        "paths",
        Bilingual(
            "Any two positions are one layer apart in attention, n/r in restricted attention, "
            "n/k or log_k n in convolutions, n steps in recurrence.",
            "두 위치 사이의 거리는 어텐션 1층, 제한된 어텐션 n/r, 합성곱 n/k 또는 log_k n, 순환 n단계이다.",
        ),
        Bilingual(
            "The fewest layers after which the last output has a gradient to the first input "
            "are 1, ⌈(n-1)/(r-1)⌉, ⌈(n-1)/(k-1)⌉ and ⌈log_k n⌉; a recurrent layer updates its "
            "state n times.",
            "마지막 출력이 첫 입력에 대해 기울기를 갖게 되는 최소 층 수는 1, ⌈(n-1)/(r-1)⌉, ⌈(n-1)/(k-1)⌉, "
            "⌈log_k n⌉이고, 순환층은 상태를 n번 갱신한다.",
        ),
        Bilingual(
            "Exact equality at n = 16, 27, 64 and 256 with k = 3 and r = 8.",
            "k = 3, r = 8일 때 n = 16, 27, 64, 256에서 정확히 같을 것.",
        ),
        path_tests,
    ),
    Claim(
        "logarithm",
        Bilingual(
            "Convolutions connect any two positions in log_k n layers.",
            "합성곱은 log_k n층이면 어떤 두 위치든 잇는다.",
        ),
        Bilingual(
            "The fewest layers that connect the first position with the last are ⌈log_k n⌉.",
            "첫 위치와 마지막 위치를 잇는 최소 층 수는 ⌈log_k n⌉이다.",
        ),
        Bilingual(
            "Exact equality at n = 16, 27, 64 and 256; half as many again counts as the contrary.",
            "n = 16, 27, 64, 256에서 정확히 같을 것. 1.5배를 넘으면 반대로 본다.",
        ),
        logarithm_tests,
    ),
    Claim(
        "exponents",
        Bilingual(
            "Computing time grows as Table 1 says: with n² for attention, with n for the rest.",
            "계산 시간은 Table 1대로 자란다: 어텐션은 n², 나머지는 n.",
        ),
        Bilingual(
            "On one CPU thread the exponent of time over n is near 2 for attention and near 1 "
            "for restricted attention, convolution and recurrence.",
            "CPU 스레드 하나에서 시간의 n에 대한 지수는 어텐션이 2, 제한된 어텐션·합성곱·순환이 1에 가깝다.",
        ),
        Bilingual(
            "Median local exponent over n = 256 to 2048 (quick: 1024) at d = 256 within 1.8 to "
            "2.4, and within 0.85 to 1.2.",
            "d = 256, n = 256 ~ 2048 (빠른 실행은 1024까지)에서 이웃한 점 사이 지수의 중앙값이 각각 "
            "1.8 ~ 2.4, 0.85 ~ 1.2.",
        ),
        exponent_tests,
    ),
    Claim(
        "crossing",
        Bilingual(
            "Self-attention is faster than recurrence when n is smaller than d, and slower when "
            "it is larger.",
            "셀프 어텐션은 n이 d보다 작을 때 순환보다 빠르고, 크면 느리다.",
        ),
        Bilingual(
            "The times of attention and of a recurrence of the same width cross where their "
            "multiply-adds do, at n = d.",
            "같은 너비의 어텐션과 순환은 곱셈-덧셈 횟수가 같아지는 n = d에서 시간도 같아진다.",
        ),
        Bilingual(
            "The crossing lies within n = d/2 to 2d, for the explicit and the fused attention "
            "at d = 64 and 256. A crossing below d/2 counts as the contrary.",
            "풀어 쓴 어텐션과 융합 어텐션, d = 64와 256에서 만나는 곳이 n = d/2 ~ 2d. d/2보다 앞이면 "
            "반대로 본다.",
        ),
        crossing_tests,
    ),
)
