"""The claims, and the measured effects that decide them."""

import math
from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.scaling.experiment import (
    KEYS,
    NONE,
    SQRT,
    gap,
    length_slope,
    ratio,
    std_slope,
)
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly
from whyformer.lab.method.verdict import Test, above, below, near

MORE_THAN_ONE = math.nextafter(1.0, 2.0)
"""The smallest number above 1. A ratio must be at least this number, because a ratio of exactly 1
means that there is no effect."""


def worst_variance(results: Results, law: str) -> Estimate:
    """Return the largest |Var/d_k - 1| over all widths, with Var averaged over seeds."""
    errors = []
    for d_k in results.levels("scores", "d_k", n=KEYS, law=law):
        stds = results.values("scores", f"{NONE}/std", d_k=d_k, n=KEYS, law=law)
        errors.append(abs(sum(s * s for s in stds) / len(stds) / d_k - 1))
    return exactly(max(errors))


def saturation_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `saturation`."""
    return {
        law: [
            below(worst_variance(results, law), 0.05, contrary=0.5, name="variance"),
            near(std_slope(results, NONE, law), 0.5, 0.02, name="slope unscaled"),
            near(std_slope(results, SQRT, law), 0.0, 0.02, name="slope scaled"),
            below(ratio(results, "jacobian_median", law), 0.1, contrary=1.0, name="Jacobian"),
        ]
        for law in ("normal", "rademacher")
    }


def explosion_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `explosion`."""
    return {
        kind: [above(ratio(results, f"gradient_{kind}", "normal"), MORE_THAN_ONE, contrary=0.5)]
        for kind in ("rms", "median")
    }


def training_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `training`."""
    return {
        f"{heads} heads": [above(gap(results, "none", heads=heads, optimizer="adam"), 0.0)]
        for heads in results.levels("training", "heads", optimizer="adam")
    }


def linear_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `d_k`."""
    return {
        optimizer: [above(gap(results, "inverse", heads=1, optimizer=optimizer), 0.0)]
        for optimizer in results.levels("training", "optimizer", arm="inverse")
    }


def identity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `identity`."""
    return {
        optimizer: [
            below(
                estimate(results.values("identity", "gap", optimizer=optimizer, rate_too=True)),
                1e-9,
                contrary=1e-3,
            )
        ]
        for optimizer in ("adam", "sgd")
    }


def length_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `length`."""
    return {"d_k = 64": [above(length_slope(results), 0.02)]}


CLAIMS = (
    Claim(
        "saturation",
        Bilingual(
            "Without √d_k the softmax saturates and its gradient vanishes.",
            "√d_k가 없으면 소프트맥스가 포화되어 기울기가 사라진다.",
        ),
        Bilingual(
            "Scores of independent unit-variance components have variance d_k; the median "
            "norm of the softmax Jacobian then dies as d_k grows, and 1/√d_k keeps both "
            "independent of d_k.",
            "분산 1인 독립 성분의 점수는 분산이 d_k이다. 그래서 d_k가 커지면 소프트맥스 "
            "야코비안 노름의 중앙값이 사라지고, 1/√d_k는 둘 다 d_k와 무관하게 만든다.",
        ),
        Bilingual(
            "For normal and ±1 components: variance within 5 % of d_k at every width; exponent "
            "of the deviation 0.50 ± 0.02 without and 0 ± 0.02 with the factor; at d_k = 512 "
            "the median Jacobian without is below 1/10 of that with.",
            "정규분포와 ±1 성분 모두에서: 모든 너비에서 분산이 d_k의 5 % 이내, 표준편차의 지수가 "
            "인자 없이 0.50 ± 0.02, 인자와 함께 0 ± 0.02, d_k = 512에서 야코비안 중앙값이 인자가 "
            "있을 때의 1/10 미만.",
        ),
        saturation_tests,
    ),
    Claim(
        "explosion",
        Bilingual(
            "Without √d_k the gradient explodes (the students' first guess).",
            "√d_k가 없으면 기울기가 폭발한다 (학생들의 첫 추측).",
        ),
        Bilingual(
            "At d_k = 512 the gradient to a query is larger without the factor.",
            "d_k = 512에서 질의의 기울기는 인자가 없을 때 더 크다.",
        ),
        Bilingual(
            "The ratio of the gradient's norms without and with the factor is above 1: asked of "
            "the root mean square and of the median, each on its own.",
            "인자가 없을 때와 있을 때의 기울기 노름의 비가 1보다 크다: 제곱평균제곱근과 중앙값 각각에 대해.",
        ),
        explosion_tests,
    ),
    Claim(
        "training",
        Bilingual(
            "A model without the factor learns worse.",
            "√d_k로 나누지 않으면 모델의 학습 성능이 떨어진다.",
        ),
        Bilingual(
            "After training, each arm at its own best learning rate, the loss without the "
            "factor is higher than with it.",
            "각자 가장 좋은 학습률로 학습한 뒤, 인자가 없는 쪽의 손실이 더 크다.",
        ),
        Bilingual(
            "The interval of the paired difference of losses (none - 1/√d_k) lies above 0.",
            "짝지은 손실 차이(인자 없음 - 1/√d_k)의 구간이 0보다 위에 있다.",
        ),
        training_tests,
    ),
    Claim(
        "d_k",
        Bilingual("Dividing by d_k itself would be wrong.", "d_k 자체로 나누면 틀린다."),
        Bilingual(
            "After training with tuned rates the loss with 1/d_k is higher than with 1/√d_k.",
            "학습률을 맞춘 뒤 1/d_k의 손실이 1/√d_k보다 크다.",
        ),
        Bilingual(
            "The interval of the paired difference (1/d_k - 1/√d_k) lies above 0.",
            "짝지은 차이(1/d_k - 1/√d_k)의 구간이 0보다 위에 있다.",
        ),
        linear_tests,
    ),
    Claim(
        "identity",
        Bilingual(
            "The factor is only a matter of how W_Q starts and how fast it learns.",
            "√d_k로 나누는 것은 W_Q의 초깃값과 학습 속도를 바꾸는 것과 같다.",
        ),
        Bilingual(
            "An unscaled model whose W_Q starts smaller by √d_k and learns slower (by √d_k "
            "under Adam, by d_k under SGD) takes exactly the course of the scaled one.",
            "W_Q를 √d_k만큼 작게 시작하고 (Adam에서는 √d_k배, SGD에서는 d_k배) 천천히 배우게 한, "
            "인자 없는 모델은 인자가 있는 모델과 정확히 같은 길을 간다.",
        ),
        Bilingual(
            "Largest difference of the losses over 30 float64 updates below 1e-9.",
            "float64로 30번 갱신하는 동안 손실 차이의 최댓값이 1e-9 미만.",
        ),
        identity_tests,
    ),
    Claim(
        "length",
        Bilingual(
            "d_k grows with the length of the sequence.",
            "d_k는 시퀀스 길이에 따라 커진다.",
        ),
        Bilingual(
            "The scores' deviation grows with the number of keys n at fixed d_k.",
            "d_k가 같아도 키의 수 n이 커지면 점수의 표준편차가 커진다.",
        ),
        Bilingual("Its exponent over n is above 0.02.", "n에 대한 지수가 0.02보다 크다."),
        length_tests,
    ),
)
