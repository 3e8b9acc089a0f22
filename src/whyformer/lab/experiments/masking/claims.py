"""The claims, and the measured effects that decide them."""

import math

from whyformer.data.corruption import RATE
from whyformer.lab.experiments.masking.data import BERTS, CAUSAL, RECIPES
from whyformer.lab.method.arms import at_lowest_training_loss
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, paired
from whyformer.lab.method.verdict import above, near, of_ratio

SOME = 1.0
"""A difference between errors that is smaller than this, in percentage points, does not count."""
SHORT = {"80-10-10": "berts", "100-0-0": "mask", "0-0-100": "random", "none": "none",
         "causal": "causal", "causal-15": "causal_some"}  # fmt: skip
"""The names of the arms in the placeholders of the cards."""


def recipes(results: Results) -> list[str]:
    """Return the recipes that were used for training, BERT's recipe first."""
    return [task for task in results.levels("masked", "task") if task in RECIPES]


def of_arm(results: Results, task: str, number: str) -> list | None:
    """Return a number of an arm, one value per seed; None if it was not measured."""
    part = "causal" if task in CAUSAL else "masked"
    return at_lowest_training_loss(results, part, number, task=task)


def error(results: Results, task: str, number: str) -> list | None:
    """Return the error of the probe, or the last error of fine-tuning; None if not measured."""
    found = of_arm(results, task, number)
    if number == "probe" or found is None:
        return found
    return [row[-1] for row in found] if all(found) else None


def gap(results: Results, task: str, number: str) -> Estimate:
    """Return an error of a recipe minus the same error of BERT's recipe, paired by seed."""
    return paired(error(results, BERTS, number), error(results, task, number))


def log_delay(results: Results, task: str) -> Estimate:
    """Return ln(updates that a task needs / updates that the causal model needs)."""
    rows = [of_arm(results, arm, "updates") for arm in ("causal", task)]
    return paired(*(row and [math.log(updates) for updates in row] for row in rows))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for task, name in SHORT.items():
        if task not in CAUSAL:
            for number in ("probe", "tuned"):
                found[f"{number}_{name}"] = estimate(error(results, task, number))
        if task in RECIPES:
            found[f"copied_{name}"] = estimate(of_arm(results, task, "copied"))
            for number in ("probe", "tuned"):
                found[f"{number}_gap_{name}"] = gap(results, task, number)
        if task != "none":
            found[f"updates_{name}"] = estimate(of_arm(results, task, "updates"))
            found[f"delay_{name}"] = log_delay(results, task).map(math.exp)
            found[f"thrift_{name}"] = found[f"delay_{name}"].map(lambda ratio: RATE * ratio)
    return found


ONE_RATE = Bilingual("Each arm now has one learning rate, chosen by its training loss. In the first "
                     "edition it was chosen by the error that is judged.",
                     "지금은 조건마다 학습률 하나를 학습 손실로 고릅니다. 초판에서는 판정할 오류로 "
                     "골랐습니다.")  # fmt: skip
CLAIMS = (
    Claim(
        "features",
        Bilingual("80/10/10 is needed, because [MASK] never occurs when the model is used.",
                  "모델을 쓸 때는 [MASK]가 나오지 않으므로 80/10/10이 필요하다."),
        Bilingual("A linear probe on the frozen states of visible letters predicts the word better "
                  "after 80/10/10 than after another recipe.",
                  "가중치를 고정했을 때, 보이는 글자의 상태 벡터로 단어를 맞히는 선형 프로브는 다른 "
                  "방식보다 80/10/10에서 더 정확하다."),
        Bilingual("Error of the other recipe minus error of 80/10/10: at least 1 point. Contrary: "
                  "below -1.",
                  "다른 방식의 오류에서 80/10/10의 오류를 뺀 값이 1포인트 이상. -1 미만이면 반대."),
        lambda results: {
            task: [above(gap(results, task, "probe"), SOME)] for task in recipes(results)[1:]
        },
        ONE_RATE,
    ),
    Claim(
        "tuning",
        Bilingual("After fine-tuning, the recipe hardly matters.",
                  "미세 조정을 하고 나면 방식은 거의 상관없다."),
        Bilingual("After fine-tuning all weights, the errors of the recipes differ by less than 1 "
                  "point.",
                  "모든 가중치를 미세 조정하면, 방식에 따른 오류의 차이가 1포인트 미만이다."),
        Bilingual("Difference of the errors: between -1 and 1 points.",
                  "오류의 차이가 -1포인트와 1포인트 사이."),
        lambda results: {
            task: [near(gap(results, task, "tuned"), 0.0, SOME, margin=SOME)]
            for task in recipes(results)[1:]
        },
        ONE_RATE,
    ),
    Claim(
        "signal",
        Bilingual("A masked model learns more slowly, because it predicts only 15 % of the tokens.",
                  "마스크 모델은 토큰의 15 %만 예측하므로 더 느리게 배운다."),
        Bilingual("With the loss at 15 % of the positions, a model needs more updates than a "
                  "left-to-right model with the loss at every position, until its loss is 0.5 nats "
                  "below the entropy of single characters.",
                  "손실을 15 % 위치에서만 재면, 손실이 단일 문자의 엔트로피보다 0.5 nat 아래로 "
                  "내려갈 때까지 모든 위치에서 잴 때보다 갱신이 더 많이 필요하다."),
        Bilingual("Ratio of the numbers of updates: above 1. Contrary: below 1.",
                  "갱신 횟수의 비가 1 초과. 1 미만이면 반대."),
        lambda results: {
            task: [of_ratio(above(log_delay(results, task), 0.0))]
            for task in ("causal-15", *recipes(results))
        },
        Bilingual("Each arm now has one learning rate, chosen by its training loss. In the first "
                  "edition it was the rate with the fewest updates. The numbers are the same.",
                  "지금은 조건마다 학습률 하나를 학습 손실로 고릅니다. 초판에서는 갱신 횟수가 가장 "
                  "적은 학습률이었습니다. 숫자는 같습니다."),
    ),
)  # fmt: skip
