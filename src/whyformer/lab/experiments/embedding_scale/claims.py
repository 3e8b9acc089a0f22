"""The claims, and the measured effects that decide them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from whyformer.lab.experiments.embedding_scale.experiment import (
    JUDGED_WIDTH,
    ONE,
    SMALL,
    SQRT,
    TIED,
    UNIT,
    UNTIED,
    deviation,
)
from whyformer.lab.method.arms import tuned, tuned_difference, tuned_estimate
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, log_slope, paired
from whyformer.lab.method.verdict import Test, above, below, near, within

TIES: dict[str, str] = {TIED: "tied", UNTIED: "untied"}
POSITIONS = {"sinusoidal": "with positions", "none": "without positions"}
ALIKE = 0.02
"""A difference of losses that is smaller than this, in nats per character, does not count. The
experiment `positions` has the same limit."""


def predicted_ratio(scale: str, init: str, d_model: int) -> float:
    """Return the predicted ratio of norms, token / position: (factor · deviation · √d) / √(d/2).

    >>> round(predicted_ratio("sqrt-d-model", "small", 512), 3)
    1.414
    """
    factor = math.sqrt(d_model) if scale == SQRT else 1.0
    return factor * deviation(init, d_model) * math.sqrt(2)


def ratio(results: Results, scale: str, init: str, d_model: int = JUDGED_WIDTH) -> Estimate:
    """Return the norm of token embeddings divided by the norm of position vectors."""
    where = {"scale": scale, "init": init, "d_model": d_model}
    return estimate(results.values("loudness", "ratio", **where))


def worst_error(results: Results, scale: str, init: str) -> Estimate:
    """Return the largest relative error of `predicted_ratio` over all widths. The measured ratios
    are means over seeds."""
    errors = []
    for d in results.levels("loudness", "d_model", scale=scale, init=init):
        predicted = predicted_ratio(scale, init, d)
        errors.append(abs(ratio(results, scale, init, d).value / predicted - 1))
    return exactly(max(errors))


def gains(results: Results, **arm: Any) -> list[float] | None:
    """Return, for each seed, the loss without the factor minus the loss with the factor. Each loss
    is that at the best learning rate of its arm."""
    without, factor = (
        tuned(results, "training", "loss", scale=scale, **arm) for scale in (ONE, SQRT)
    )
    if without is None or factor is None:
        return None
    return [a - b for a, b in zip(without, factor, strict=True)]


def gain(results: Results, **arm: Any) -> Estimate:
    """Return the mean of `gains`."""
    return estimate(gains(results, **arm))


def share_of_positions(results: Results, **arm: Any) -> Estimate:
    """Return the gain with positions minus the gain without positions, paired by seed."""
    alone = gains(results, positions="none", **arm)
    return paired(alone, gains(results, positions="sinusoidal", **arm))


def same_start(results: Results, positions: str) -> Estimate:
    """Return the loss difference of two arms that start as the same function.

    The result is the loss with embeddings from N(0, 1) and without the factor, minus the loss with
    embeddings from N(0, 1/d) and with the factor.
    """
    arms = {"scale": SQRT, "init": SMALL}, {"scale": ONE, "init": UNIT}
    common = {"positions": positions, "tying": UNTIED}
    return tuned_difference(results, "training", "loss", *arms, **common)


def arms(results: Results) -> list[tuple[str, str]]:
    """Return the trained pairs of tying and initialization."""
    return [
        (tying, init)
        for tying in results.levels("training", "tying")
        for init in results.levels("training", "init", tying=tying)
    ]


def comparable_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `comparable`."""
    return {
        init: [
            within(ratio(results, SQRT, init), 0.5, 2.0, margin=8.0, name="ratio with"),
            below(ratio(results, ONE, init), 0.5, contrary=10.0, name="ratio without"),
        ]
        for init in (SMALL, UNIT)
    }


def law_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `law`."""
    return {
        f"{init}, {scale}": [below(worst_error(results, scale, init), 0.05, contrary=0.5)]
        for init in (SMALL, UNIT)
        for scale in (ONE, SQRT)
    }


def training_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `training`."""
    return {
        f"{TIES[tying]}, {init}": [
            above(gain(results, positions="sinusoidal", tying=tying, init=init), ALIKE)
        ]
        for tying, init in arms(results)
    }


def reason_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `reason`. Only arms with the small initialization count."""
    return {
        TIES[tying]: [
            above(share_of_positions(results, tying=tying, init=SMALL), ALIKE, name="gain that goes"),
            near(gain(results, positions="none", tying=tying, init=SMALL), 0.0, ALIKE,
                 margin=math.inf, name="gain that stays"),
        ]
        for tying in results.levels("training", "tying", init=SMALL)
    }  # fmt: skip


def start_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `start`."""
    return {
        name: [near(same_start(results, positions), 0.0, ALIKE)]
        for positions, name in POSITIONS.items()
    }


def identity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `identity`."""
    return {
        name: [below(estimate(results.values("identity", "gap", tying=tying)), 1e-9, contrary=1e-3)]
        for tying, name in TIES.items()
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for init in (SMALL, UNIT):
        for scale, name in ((ONE, "one"), (SQRT, "sqrt")):
            where = {"scale": scale, "init": init}
            found[f"ratio_{init}_{name}"] = ratio(results, scale, init)
            found[f"slope_{init}_{name}"] = log_slope(
                *results.curves("loudness", "ratio", "d_model", **where)
            )
            for number in ("token", "position", "logits"):
                found[f"{number}_{init}_{name}"] = estimate(
                    results.values("loudness", number, d_model=JUDGED_WIDTH, **where)
                )
    for tying, tied in TIES.items():
        found[f"identity_{tied}"] = estimate(results.values("identity", "gap", tying=tying))
        found[f"reason_{tied}"] = share_of_positions(results, tying=tying, init=SMALL)
        for init in (SMALL, UNIT):
            for positions in POSITIONS:
                arm = {"tying": tying, "init": init, "positions": positions}
                found[f"gain_{tied}_{init}_{positions}"] = gain(results, **arm)
                for scale, name in ((ONE, "one"), (SQRT, "sqrt")):
                    found[f"loss_{tied}_{init}_{positions}_{name}"] = tuned_estimate(
                        results, "training", "loss", scale=scale, **arm
                    )
    for positions in POSITIONS:
        found[f"same_start_{positions}"] = same_start(results, positions)
    return found


CLAIMS = (
    Claim(
        "law",
        Bilingual(
            "How loud tokens are beside positions follows from the factor and the start.",
            "위치에 비해 토큰이 얼마나 큰지는 √d_model과 초기화로 정해진다.",
        ),
        Bilingual(
            "The ratio of norms, token over position, is factor · deviation · √2 at every width.",
            "토큰과 위치의 노름 비는 모든 너비에서 인자 · 표준편차 · √2이다.",
        ),
        Bilingual(
            "Means within 5 % of the formula at every width, for each factor and start.",
            "모든 너비에서 평균이 식의 5 % 이내, 인자와 초기화마다.",
        ),
        law_tests,
    ),
    Claim(
        "comparable",
        Bilingual(
            "√d_model makes tokens and positions equally loud.",
            "√d_model을 곱하면 토큰과 위치의 크기가 비슷해진다.",
        ),
        Bilingual(
            "At d_model = 512 neither is more than twice as loud with the factor, and without "
            "it tokens are less than half as loud.",
            "d_model = 512에서 인자가 있으면 어느 쪽도 2배를 넘지 않고, 없으면 토큰이 절반보다 작다.",
        ),
        Bilingual(
            "Ratio between 1/2 and 2 with the factor and below 1/2 without; a ratio above 10 "
            "is the contrary. Asked of each start on its own.",
            "비가 인자와 함께 1/2과 2 사이, 인자 없이 1/2 미만. 10보다 크면 반대이다. 초기화마다 "
            "따로 묻는다.",
        ),
        comparable_tests,
    ),
    Claim(
        "training",
        Bilingual(
            "A model learns better with the factor.",
            "√d_model을 곱하면 모델의 학습 성능이 좋아진다.",
        ),
        Bilingual(
            "With positions, each arm at its own best learning rate, the loss without the "
            "factor is higher by more than 0.02 nat a character.",
            "위치 정보가 있고 각자 가장 좋은 학습률에서, 인자가 없는 쪽의 손실이 문자당 0.02 nat 넘게 "
            "더 크다.",
        ),
        Bilingual(
            "The interval of the paired difference (without - with) lies above 0.02 nat; "
            "refuted below -0.02.",
            "짝지은 차이(없음 - 있음)의 구간이 0.02 nat보다 위에 있다. -0.02보다 아래면 반박된다.",
        ),
        training_tests,
    ),
    Claim(
        "reason",
        Bilingual(
            "The factor helps because positions would drown the tokens.",
            "√d_model이 도움이 되는 것은, 곱하지 않으면 위치가 토큰을 덮어 버리기 때문이다.",
        ),
        Bilingual(
            "The gain that the factor brings at N(0, 1/d) goes away when the positions do.",
            "N(0, 1/d)에서 인자가 주는 이득은 위치 정보를 없애면 함께 사라진다.",
        ),
        Bilingual(
            "The gain with positions exceeds the one without by more than 0.02 nat, and the one "
            "without lies within ±0.02 nat; refuted when it exceeds the one with positions by "
            "0.02.",
            "위치가 있을 때의 이득이 없을 때보다 0.02 nat 넘게 크고, 없을 때의 이득은 ±0.02 nat 안에 "
            "있다. 없을 때의 이득이 0.02 넘게 더 크면 반박된다.",
        ),
        reason_tests,
    ),
    Claim(
        "start",
        Bilingual(
            "It is only a matter of how large embeddings start.",
            "임베딩을 얼마나 크게 시작하느냐의 문제일 뿐이다.",
        ),
        Bilingual(
            "Two untied models that start as the same function, N(0, 1/d) with the factor and "
            "N(0, 1) without, end with the same loss.",
            "같은 함수로 시작하는 두 모델(인자를 곱한 N(0, 1/d)와 인자 없는 N(0, 1), 출력 행렬 분리)은 "
            "같은 손실로 끝난다.",
        ),
        Bilingual(
            "Each at its own best rate, the whole interval of the difference within ±0.02 nat.",
            "각자 가장 좋은 학습률에서 차이의 구간 전체가 ±0.02 nat 안에 있다.",
        ),
        start_tests,
    ),
    Claim(
        "identity",
        Bilingual(
            "The factor is only a matter of how the embedding starts and how fast it learns.",
            "√d_model을 곱하는 것은 임베딩의 초깃값과 학습 속도를 바꾸는 것과 같다.",
        ),
        Bilingual(
            "A model without the factor whose embedding starts √d as large and, under Adam, "
            "learns √d as fast takes exactly the course of the model with it.",
            "임베딩을 √d배 크게 시작하고 Adam에서 √d배 빨리 배우게 한, 인자 없는 모델은 인자가 있는 "
            "모델과 정확히 같은 길을 간다.",
        ),
        Bilingual(
            "Largest difference of the losses over 30 float64 updates below 1e-9; asked of tied "
            "and of untied output matrices.",
            "float64로 30번 갱신하는 동안 손실 차이의 최댓값이 1e-9 미만. 출력 행렬을 공유할 때와 "
            "분리할 때 각각 묻는다.",
        ),
        identity_tests,
    ),
)
