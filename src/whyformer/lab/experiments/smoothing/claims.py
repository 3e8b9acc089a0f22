"""The claims, and the measured effects that decide them."""

import math

from whyformer.lab.experiments.smoothing.experiment import (
    EPSILONS,
    JUDGED,
    PLENTY,
    SCARCE,
    log_odds_bound,
)
from whyformer.lab.method.arms import best_rate, is_trained, tuned
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import above, below

TEXTS = (PLENTY, SCARCE)
LOSS_OF_PERFECT = -math.log(1 - JUDGED)
"""The most that a perfect model loses by smoothing, in nats."""
SHARES = {"right": "accuracy", "confidence": "confidence", "beyond": "beyond"}
"""Numbers that are shown in percent, at the learning rate with the lowest loss."""


def best(results: Results, number: str, text: str, epsilon: float) -> list | None:
    """Return a number of an arm at the learning rate with the lowest loss, one value per seed; None
    if the arm was not trained."""
    return tuned(results, "training", number, by="nll", text=text, epsilon=epsilon)


def best_accuracy(results: Results, text: str, epsilon: float) -> list | None:
    """Return the accuracy of an arm at the learning rate with the highest accuracy."""
    arm = {"text": text, "epsilon": epsilon}
    if not is_trained(results, "training", **arm):
        return None
    rate = best_rate(results, "training", "accuracy", pick=lambda share: -share, **arm)
    return results.values("training", "accuracy", rate=rate, **arm)


def gain(results: Results, number: str, text: str, epsilon: float = JUDGED) -> Estimate:
    """Return a number with smoothing minus the same number without smoothing, paired by seed."""
    return paired(*(best(results, number, text, e) for e in (0.0, epsilon)))


def accuracy_gain(results: Results, text: str, epsilon: float = JUDGED) -> Estimate:
    """Return the best accuracy with smoothing minus the best accuracy without smoothing."""
    return paired(*(best_accuracy(results, text, e) for e in (0.0, epsilon)))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "bound": exactly(log_odds_bound(JUDGED, 103)),
        "most": exactly(LOSS_OF_PERFECT),
    }
    for text in TEXTS:
        for epsilon in EPSILONS:
            end = f"{text}_{round(100 * epsilon)}"
            found[f"nll_{end}"] = estimate(best(results, "nll", text, epsilon))
            found[f"error_{end}"] = estimate(best(results, "error", text, epsilon))
            for name, number in SHARES.items():
                found[f"{name}_{end}"] = estimate(best(results, number, text, epsilon)).percent
            found[f"accuracy_{end}"] = estimate(best_accuracy(results, text, epsilon)).percent
        found[f"gain_nll_{text}"] = gain(results, "nll", text)
        found[f"gain_nll_{text}_20"] = gain(results, "nll", text, 0.2)
        found[f"gain_error_{text}"] = gain(results, "error", text)
        found[f"gain_right_{text}"] = gain(results, "accuracy", text).percent
        found[f"gain_accuracy_{text}"] = accuracy_gain(results, text).percent
        found[f"gain_accuracy_{text}_20"] = accuracy_gain(results, text, 0.2).percent
    return found


CLAIMS = (
    Claim(
        "perplexity",
        Bilingual("Label smoothing hurts perplexity.", "레이블 스무딩은 퍼플렉시티를 해친다."),
        Bilingual("A model trained with ε = 0.1 has a higher loss on held-out text, without "
                  "smoothing.",
                  "ε = 0.1로 학습한 모델은 처음 보는 글에서 (스무딩 없이 잰) 손실이 더 크다."),
        Bilingual("Increase of the loss: above 0.01 nat. Contrary: below -0.01.",
                  "손실의 증가가 0.01 nat 초과. -0.01 미만이면 반대."),
        lambda results: {text: [above(gain(results, "nll", text), 0.01)] for text in TEXTS},
    ),
    Claim(
        "price",
        Bilingual("The loss rises by at most what a perfect model would lose.",
                  "손실의 증가는 완벽한 모델이 잃을 값을 넘지 않는다."),
        Bilingual("With ε = 0.1 the loss rises by at most -ln(1-ε).",
                  "ε = 0.1일 때 손실의 증가는 -ln(1-ε) 이하이다."),
        Bilingual("Increase of the loss: at most -ln 0.9. Contrary: more than twice as much.",
                  "손실의 증가가 -ln 0.9 이하. 그 두 배를 넘으면 반대."),
        lambda results: {
            text: [below(gain(results, "nll", text), LOSS_OF_PERFECT, contrary=2 * LOSS_OF_PERFECT)]
            for text in TEXTS
        },
    ),
    Claim(
        "accuracy",
        Bilingual("Label smoothing improves accuracy.", "레이블 스무딩은 정확도를 높인다."),
        Bilingual("A model trained with ε = 0.1 predicts the next character correctly more "
                  "often.",
                  "ε = 0.1로 학습한 모델은 다음 문자를 더 자주 맞힌다."),
        Bilingual("Gain of accuracy: above 0.1 percentage points. Contrary: below -0.1.",
                  "정확도의 이득이 0.1퍼센트포인트 초과. -0.1 미만이면 반대."),
        lambda results: {text: [above(accuracy_gain(results, text), 0.001)] for text in TEXTS},
        Bilingual("The first edition compared accuracies at the learning rate with the lowest "
                  "loss. Now each ε uses the learning rate with the highest accuracy.",
                  "초판은 손실이 가장 작은 학습률에서 정확도를 비교했습니다. 지금은 ε마다 "
                  "정확도가 가장 높은 학습률을 씁니다."),
    ),
    Claim(
        "calibration",
        Bilingual("Label smoothing improves calibration.",
                  "레이블 스무딩은 캘리브레이션을 개선한다."),
        Bilingual("A model trained with ε = 0.1 has a lower expected calibration error (ECE).",
                  "ε = 0.1로 학습한 모델은 캘리브레이션 오차(ECE)가 더 작다."),
        Bilingual("Decrease of the ECE: above 0.005. Contrary: an increase above 0.005.",
                  "ECE의 감소가 0.005 초과. 0.005 넘게 늘면 반대."),
        lambda results: {
            text: [above(gain(results, "error", text).map(lambda v: -v), 0.005)] for text in TEXTS
        },
    ),
)  # fmt: skip
