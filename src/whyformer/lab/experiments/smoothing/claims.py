"""The claims, and the measured effects that decide them."""

import math
from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.smoothing.experiment import (
    EPSILONS,
    JUDGED,
    PLENTY,
    SCARCE,
    TABLED,
    log_odds_bound,
)
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import Test, above, below


def best(results: Results, number: str, text: str, epsilon: float) -> list | None:
    """Return a number of an arm at its best learning rate, one value per seed; None if the arm was
    not trained."""
    return tuned(results, "training", number, by="nll", text=text, epsilon=epsilon)


def gain(results: Results, number: str, text: str, epsilon: float = JUDGED) -> Estimate:
    """Return a number with smoothing minus the same number without smoothing, paired by seed."""
    return paired(*(best(results, number, text, e) for e in (0.0, epsilon)))


def bound_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `bound`."""
    return {
        f"epsilon {epsilon:g}": [
            below(
                estimate(results.values("table", number, epsilon=epsilon)),
                1e-6,
                contrary=1e-3,
                name=number,
            )
            for number in ("gap", "odds_gap")
        ]
        for epsilon in TABLED
    }


def perplexity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `perplexity`."""
    return {text: [above(gain(results, "nll", text), 0.01)] for text in (PLENTY, SCARCE)}


def price_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `price`."""
    most = -math.log(1 - JUDGED)
    return {
        text: [below(gain(results, "nll", text), most, contrary=2 * most)]
        for text in (PLENTY, SCARCE)
    }


def accuracy_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `accuracy`."""
    return {text: [above(gain(results, "accuracy", text), 0.001)] for text in (PLENTY, SCARCE)}


def calibration_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `calibration`."""
    return {
        text: [above(gain(results, "error", text).map(lambda v: -v), 0.005)]
        for text in (PLENTY, SCARCE)
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "table_gap": estimate(results.values("table", "gap", epsilon=JUDGED)),
        "table_odds": estimate(results.values("table", "odds", epsilon=JUDGED)),
        "bound": exactly(log_odds_bound(JUDGED, 103)),
        "most": exactly(-math.log(1 - JUDGED)),
    }
    for text in (PLENTY, SCARCE):
        for number in ("nll", "accuracy", "confidence", "error", "beyond"):
            for epsilon in EPSILONS:
                name = f"{number}_{text}_{round(100 * epsilon)}"
                found[name] = estimate(best(results, number, text, epsilon))
            found[f"gain_{number}_{text}"] = gain(results, number, text)
        found[f"gain_nll_{text}_20"] = gain(results, "nll", text, 0.2)
    return found


CLAIMS = (
    Claim(
        "bound",
        Bilingual(
            "Label smoothing limits how sure a model may become.",
            "레이블 스무딩은 모델이 가질 수 있는 확신을 제한한다.",
        ),
        Bilingual(
            "The optimum of the smoothed loss is (1-ε) q + ε/V, so the log-odds of the label "
            "against another class are at most ln((1-ε+ε/V) / (ε/V)).",
            "스무딩한 손실의 최적은 (1-ε) q + ε/V이고, 따라서 정답과 다른 클래스의 로그 오즈는 최대 "
            "ln((1-ε+ε/V) / (ε/V))이다.",
        ),
        Bilingual(
            "For ε = 0.05, 0.1, 0.2: a free table of logits, fitted in float64, differs from "
            "the formula by less than 1e-6 in every probability and in the log-odds.",
            "ε = 0.05, 0.1, 0.2에서: float64로 맞춘 로짓 표가 모든 확률과 로그 오즈에서 공식과 1e-6 "
            "미만으로 다르다.",
        ),
        bound_tests,
    ),
    Claim(
        "perplexity",
        Bilingual("Label smoothing hurts perplexity.", "레이블 스무딩은 퍼플렉시티를 해친다."),
        Bilingual(
            "Trained with ε = 0.1, a model has a higher plain loss on unseen text.",
            "ε = 0.1로 학습하면 처음 보는 글에서 스무딩 없는 손실이 더 크다.",
        ),
        Bilingual(
            "With plenty and with little text: the paired difference, each at its own best "
            "rate, is above 0.01 nat; below -0.01 is the contrary.",
            "글이 넉넉할 때와 적을 때 각각: 각자 가장 좋은 학습률에서 짝지은 차이가 0.01 nat보다 "
            "크다. -0.01보다 작으면 반대이다.",
        ),
        perplexity_tests,
    ),
    Claim(
        "price",
        Bilingual(
            "The perplexity that is lost stays within the price of modesty.",
            "잃는 퍼플렉시티는 스무딩의 이론적 상한을 넘지 않는다.",
        ),
        Bilingual(
            "The loss rises by no more than -ln(1-ε), which a perfect model would pay.",
            "손실은 완벽한 모델이 치를 값인 -ln(1-ε)보다 더 오르지 않는다.",
        ),
        Bilingual(
            "With plenty and with little text: the paired difference for ε = 0.1 is below "
            "-ln 0.9; above twice that is the contrary.",
            "글이 넉넉할 때와 적을 때 각각: ε = 0.1의 짝지은 차이가 -ln 0.9 미만. 그 두 배를 넘으면 "
            "반대이다.",
        ),
        price_tests,
    ),
    Claim(
        "accuracy",
        Bilingual("Label smoothing improves accuracy.", "레이블 스무딩은 정확도를 높인다."),
        Bilingual(
            "Trained with ε = 0.1, a model guesses the next character right more often.",
            "ε = 0.1로 학습하면 다음 문자를 더 자주 맞힌다.",
        ),
        Bilingual(
            "With plenty and with little text: the paired difference is above 0.1 percentage "
            "points; below -0.1 is the contrary.",
            "글이 넉넉할 때와 적을 때 각각: 짝지은 차이가 0.1퍼센트포인트보다 크다. -0.1보다 작으면 "
            "반대이다.",
        ),
        accuracy_tests,
    ),
    Claim(
        "calibration",
        Bilingual(
            "Label smoothing makes a model's confidence honest.",
            "레이블 스무딩은 모델의 확신을 정직하게 만든다.",
        ),
        Bilingual(
            "Trained with ε = 0.1, a model has a smaller calibration error.",
            "ε = 0.1로 학습하면 보정 오차가 작아진다.",
        ),
        Bilingual(
            "With plenty and with little text: the expected calibration error falls by more "
            "than 0.005; a rise of more than that is the contrary.",
            "글이 넉넉할 때와 적을 때 각각: 보정 오차(ECE)가 0.005 넘게 줄어든다. 그보다 늘면 "
            "반대이다.",
        ),
        calibration_tests,
    ),
)
