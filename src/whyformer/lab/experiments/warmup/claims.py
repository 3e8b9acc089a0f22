"""The claims, and the measured effects that decide them."""

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
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, log_slope, paired
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


def needed_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `needed`."""
    found = {}
    for rate in results.levels("training", "rate", arm="post", optimizer=ADAM):
        saved = difference(results, "failed", "post-all", "post", rate=rate)
        beside = trained(results, "failed", "pre", rate=rate)
        assert beside is not None
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
    gain = paired(best(results, "pre-all"), best(results, "pre"))
    return {str(PRE): [below(gain, 0.05, contrary=0.1)]}


def size_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `size`."""
    return {str(o): [above(rescue(results, "clip", o), RESCUE, name="clip")] for o in (ADAM, SGD)}


def mechanism_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `mechanism`."""
    return {
        optimizer: [
            *tests,
            above(rescue(results, "top", optimizer), RESCUE, name="top"),
            below(rescue(results, "bottom", optimizer), RESCUE, contrary=1.0, name="bottom"),
        ]
        for optimizer, tests in size_tests(results).items()
        if not full_gain(results, optimizer) < LEAST_GAIN  # only if full warm-up has a clear gain
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
        "best_gain_post": paired(best(results, "post-all"), best(results, "post")),
        "best_gain_pre": paired(best(results, "pre-all"), best(results, "pre")),
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
        key = arm.replace("-", "_")
        found[f"sgd_loss_{key}"] = loss(results, arm, SGD)
        found[f"sgd_share_{key}"] = rescue(results, arm, SGD)
    for arm in TABLED:
        key = arm.replace("-", "_")
        found[f"usable_{key}"] = estimate(usable_rates(results, arm))
        found[f"best_{key}"] = estimate(best(results, arm))
    for arm in STEPPED:
        whole = {"arm": arm, "rate": JUDGED[ADAM], "layers": TRAINED_DEPTH}
        found[f"step_slope_{arm}"] = log_slope(*steps(results, arm))
        found[f"step_{arm}"] = estimate(results.values("sensitivity", "change", **whole))
    return found


CLAIMS = (
    Claim(
        "start",
        Bilingual(
            "In Post-LN the gradients near the output are large at the start, in Pre-LN they "
            "are not.",
            "시작할 때 Post-LN은 출력 쪽 기울기가 크고 Pre-LN은 그렇지 않다.",
        ),
        Bilingual(
            "At the start the gradient of the last W_2 does not depend on the depth L in "
            "Post-LN and falls like L^-1/2 in Pre-LN.",
            "시작할 때 마지막 W_2의 기울기는 Post-LN에서는 깊이 L과 무관하고 Pre-LN에서는 "
            "L^-1/2로 줄어든다.",
        ),
        Bilingual(
            "Exponent over L from 2 to 24: 0 ± 0.1 and -0.5 ± 0.1, the whole interval, root "
            "mean square and median over positions, in an encoder and in a causal model.",
            "L = 2에서 24까지의 지수 구간 전체가 0 ± 0.1, -0.5 ± 0.1 안. 위치에 대한 "
            "제곱평균제곱근과 중앙값, 인코더와 인과적 모델 모두에서.",
        ),
        start_tests,
    ),
    Claim(
        "growth",
        Bilingual(
            "In Post-LN the gradients grow towards the output.",
            "Post-LN에서는 출력에 가까울수록 기울기가 커진다.",
        ),
        Bilingual(
            "At the start of a Post-LN of 12 layers a matrix has a larger gradient in the last "
            "layer than in the first.",
            "12층 Post-LN의 시작 시점에 한 행렬의 기울기는 첫 층보다 마지막 층에서 더 크다.",
        ),
        Bilingual(
            "Each matrix on its own: the ratio last/first is above 1.1; below 1/1.1 is the "
            "contrary.",
            "행렬마다 따로: 마지막/첫 층의 비가 1.1보다 크다. 1/1.1보다 작으면 반대이다.",
        ),
        growth_tests,
    ),
    Claim(
        "needed",
        Bilingual("Post-LN needs warm-up.", "Post-LN에는 워밍업이 필요하다."),
        Bilingual(
            "At a learning rate Post-LN fails without warm-up and not with it, while Pre-LN "
            "does not fail without.",
            "어떤 학습률에서 Post-LN은 워밍업이 없으면 실패하고 있으면 실패하지 않으며, Pre-LN은 "
            "없어도 실패하지 않는다.",
        ),
        Bilingual(
            "Each rate on its own: warm-up saves more than half of the seeds, and less than "
            "half of the seeds of Pre-LN fail without it; failed: within 0.05 nat of the "
            "entropy of the characters, or broken down.",
            "학습률마다 따로: 워밍업이 시드의 절반 넘게 살리고, Pre-LN은 워밍업 없이 실패하는 시드가 "
            "절반 미만이다. 실패: 손실이 문자 엔트로피에서 0.05 nat 이내이거나 학습이 깨진 것.",
        ),
        needed_tests,
    ),
    Claim(
        "range",
        Bilingual(
            "Warm-up makes training tolerant of the learning rate.",
            "워밍업은 학습률에 덜 민감하게 만든다.",
        ),
        Bilingual(
            "With warm-up more of the learning rates of the grid end within 0.1 nat of the best.",
            "워밍업이 있으면 최선에서 0.1 nat 이내에 드는 학습률이 격자에서 더 많다.",
        ),
        Bilingual(
            "Each wiring on its own: more than half a grid step wider (a step is a factor of "
            "about three).",
            "배치 방식마다 따로: 격자 반 칸 넘게 넓어진다 (한 칸은 약 세 배).",
        ),
        range_tests,
    ),
    Claim(
        "superfluous",
        Bilingual("Pre-LN makes warm-up superfluous.", "Pre-LN이면 워밍업은 필요 없다."),
        Bilingual(
            "At its best rate Pre-LN with warm-up is no better than without.",
            "가장 좋은 학습률에서 Pre-LN은 워밍업이 있어도 나아지지 않는다.",
        ),
        Bilingual(
            "The paired gain is below 0.05 nat; above 0.1 is the contrary.",
            "짝지은 이득이 0.05 nat 미만. 0.1을 넘으면 반대이다.",
        ),
        superfluous_tests,
    ),
    Claim(
        "size",
        Bilingual(
            "Post-LN fails without warm-up because its gradients are too large.",
            "워밍업이 없으면 Post-LN이 실패하는 것은 기울기가 너무 커서이다.",
        ),
        Bilingual(
            "Where Post-LN fails, clipping the gradients rescues it.",
            "Post-LN이 실패하는 곳에서 기울기를 자르면 살아난다.",
        ),
        Bilingual(
            "Each optimizer on its own: clipping regains more than half of what warm-up of "
            "all parameters regains, and more than 0.1 nat.",
            "옵티마이저마다 따로: 클리핑이 전체 워밍업이 회복하는 양의 절반, 그리고 0.1 nat를 "
            "넘게 회복한다.",
        ),
        size_tests,
    ),
    Claim(
        "mechanism",
        Bilingual(
            "It fails because the gradients near the output are large.",
            "출력 근처의 기울기가 커서 실패한다.",
        ),
        Bilingual(
            "Clipping rescues, warm-up of the upper half alone rescues, and of the lower half "
            "alone does not.",
            "클리핑이 살리고, 위쪽 절반에만 워밍업을 적용해도 살아나며, 아래쪽 절반에만 적용하면 "
            "살아나지 않는다.",
        ),
        Bilingual(
            "Each optimizer under which warm-up regains at least 0.2 nat, on its own: the "
            "shares of that rescue are above 1/2 for clipping and the upper half, and below "
            "1/2 for the lower half.",
            "워밍업이 0.2 nat 이상 회복하는 옵티마이저마다 따로: 그 회복량에 대한 몫이 클리핑과 "
            "위쪽 절반은 1/2 초과, 아래쪽 절반은 1/2 미만.",
        ),
        mechanism_tests,
    ),
    Claim(
        "branch",
        Bilingual(
            "What warm-up tames is the weight of the residual branch.",
            "워밍업이 다스리는 것은 잔차 가지의 무게이다.",
        ),
        Bilingual(
            "Under Adam, a Post-LN whose residual branch weighs less does without warm-up at "
            "least as well as the ordinary one with it.",
            "Adam에서 잔차 가지를 가볍게 한 Post-LN은 워밍업 없이도, 워밍업을 한 보통의 Post-LN만큼 "
            "또는 그보다 잘 배운다.",
        ),
        Bilingual(
            "Smaller start, α, and both (DeepNorm), each on its own: the paired difference of "
            "losses (Post-LN with warm-up - this arm without) lies above 0; below -0.1 is the "
            "contrary.",
            "작은 초깃값, α, 둘 다(DeepNorm) 각각: 짝지은 손실 차이(워밍업한 Post-LN - 워밍업 없는 이 "
            "방식)가 0보다 위. -0.1 아래면 반대이다.",
        ),
        branch_tests,
    ),
    Claim(
        "sensitivity",
        Bilingual(
            "Post-LN amplifies every update, and more so with every layer.",
            "Post-LN은 갱신을 증폭하고, 층이 많을수록 더하다.",
        ),
        Bilingual(
            "The relative change of the output after one small step of Adam grows with the "
            "depth of Post-LN, and more steeply than in the gentler arms.",
            "Adam의 작은 한 걸음 뒤 출력의 상대적 변화는 Post-LN의 깊이에 따라 커지고, 온건한 "
            "방식들보다 더 가파르게 커진다.",
        ),
        Bilingual(
            "Each other arm on its own: Post-LN's exponent over the depth is above 0.1 and "
            "exceeds the other's by more than 0.1.",
            "다른 방식마다 따로: Post-LN의 깊이에 대한 지수가 0.1보다 크고, 상대의 지수보다 0.1 "
            "넘게 크다.",
        ),
        sensitivity_tests,
    ),
)
