"""The claims, and the measured effects that decide them."""

import math
from collections.abc import Mapping, Sequence

from whyformer.data.corruption import RATE
from whyformer.lab.experiments.masking.data import (
    BERTS,
    RECIPES,
    counted,
    expected_shares,
    gap,
    log_prediction_ratio,
    log_update_ratio,
    text_property,
)
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.verdict import Test, above, near, of_ratio

ALIKE = math.log(1.25)
SOME = 1.0
"""A difference between errors that is smaller than this, in percentage points, does not count."""


def recipes(results: Results) -> list[str]:
    """Return the recipes that were used for training."""
    return [task for task in results.levels("masked", "task") if task in RECIPES]


def others(results: Results) -> list[str]:
    """Return the trained recipes except BERT's."""
    return [task for task in recipes(results) if task != BERTS]


def share_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `shares`."""
    return {
        recipe: [
            near(counted(results, recipe, "chosen", "tokens"), RATE, 0.002, name="chosen"),
            near(counted(results, recipe, "hidden", "chosen"), expected[0], 0.005, name="hidden"),
            near(counted(results, recipe, "same", "chosen"), expected[1], 0.005, name="same"),
            near(counted(results, recipe, "touched", "tokens"), 0.0, 0.0001, name="others touched"),
        ]
        for recipe in results.levels("shares", "recipe")
        for expected in [expected_shares(recipe, text_property(results, "vocabulary"))]
    }


def hidden_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `hidden`."""
    effect = counted(results, BERTS, "hidden", "tokens")
    return {BERTS: [near(effect, RATE, 0.005)]}


def feature_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `features`."""
    return {task: [above(gap(results, task, "probe"), SOME)] for task in others(results)}


def tuning_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `tuning`."""
    return {
        task: [near(gap(results, task, "tuned"), 0.0, SOME, margin=SOME)]
        for task in others(results)
    }


def signal_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `signal`."""
    tasks = ["causal-15", *recipes(results)]
    return {task: [of_ratio(above(log_update_ratio(results, task), 0.0))] for task in tasks}


def prediction_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `predictions`."""
    tasks = ["causal-15", *recipes(results)]
    return {
        task: [of_ratio(near(log_prediction_ratio(results, task), 0.0, ALIKE))] for task in tasks
    }


CLAIMS = (
    Claim(
        "shares",
        Bilingual(
            "BERT chooses 15 % of the tokens: 80 % become [MASK], 10 % a random one, 10 % stay.",
            "BERT는 토큰의 15 %를 골라 80 %는 [MASK]로, 10 %는 무작위 토큰으로 바꾸고 10 %는 "
            "그대로 둔다.",
        ),
        Bilingual(
            "So does this toolkit, for this and two other recipes; a random token is the right "
            "one as often as chance has it.",
            "이 도구도 이 방식과 다른 두 방식에서 그렇게 한다. 무작위 토큰이 우연히 원래 토큰과 같은 "
            "경우까지 이론대로 나온다.",
        ),
        Bilingual(
            "Exact binomial intervals within 0.2 points of 15 % and within 0.5 points of the "
            "expected shares; no other token touched.",
            "정확한 이항 구간이 15 %에서 0.2포인트, 예상 비율에서 0.5포인트 이내. 다른 토큰은 그대로.",
        ),
        share_tests,
    ),
    Claim(
        "hidden",
        Bilingual(
            "BERT hides 15 % of the tokens behind [MASK].",
            "BERT는 토큰의 15 %를 [MASK]로 가린다.",
        ),
        Bilingual(
            "Of all tokens of the text 15 % are read as [MASK].",
            "글의 모든 토큰 가운데 15 %가 [MASK]로 읽힌다.",
        ),
        Bilingual(
            "The exact binomial interval of the share lies within 0.5 points of 15 %.",
            "비율의 정확한 이항 구간이 15 %에서 0.5포인트 이내.",
        ),
        hidden_tests,
    ),
    Claim(
        "features",
        Bilingual(
            "80/10/10 is needed, for [MASK] never occurs where the model is used.",
            "모델을 쓸 때는 [MASK]가 나오지 않으므로 80/10/10이 필요하다.",
        ),
        Bilingual(
            "Frozen states of visible letters name the word better after 80/10/10 than after "
            "another recipe, each at its own best learning rate.",
            "가중치를 고정했을 때, 보이는 글자의 상태 벡터로 단어를 알아맞히는 선형 프로브는 다른 "
            "방식보다 80/10/10으로 학습한 모델에서 더 정확하다. 학습률은 각자 가장 좋은 값이다.",
        ),
        Bilingual(
            "The interval of the paired difference of errors (the other - 80/10/10) lies above "
            "1 point.",
            "짝지은 오류 차이(다른 방식 - 80/10/10)의 구간이 1포인트보다 위에 있다.",
        ),
        feature_tests,
    ),
    Claim(
        "tuning",
        Bilingual(
            "After fine-tuning the recipe hardly matters.",
            "미세 조정을 하고 나면 방식은 거의 상관없다.",
        ),
        Bilingual(
            "When all weights have learned the same task, the errors of the recipes differ by "
            "less than 1 point.",
            "모든 가중치가 같은 과제를 배우고 나면 방식에 따른 오류의 차이는 1포인트 미만이다.",
        ),
        Bilingual(
            "The interval of the paired difference lies between -1 and 1 points.",
            "짝지은 차이의 구간이 -1포인트와 1포인트 사이에 있다.",
        ),
        tuning_tests,
    ),
    Claim(
        "signal",
        Bilingual(
            "A masked model learns more slowly, for it predicts only 15 % of the tokens.",
            "마스크 모델은 토큰의 15 %만 예측하므로 더 느리게 배운다.",
        ),
        Bilingual(
            "With the loss at 15 % of the positions (masked, or left to right) a model needs "
            "more updates than left to right with the loss at every position, until it is half "
            "a nat below the entropy of single characters.",
            "손실을 15 % 위치에서만 재면 (마스크든, 왼쪽에서 오른쪽이든) 모든 위치에서 잴 때보다 "
            "단일 문자의 엔트로피보다 0.5 nat 아래로 내려가는 데 갱신이 더 많이 필요하다.",
        ),
        Bilingual(
            "The interval of the paired ratio of updates lies above 1.",
            "짝지은 갱신 횟수 비의 구간이 1보다 위에 있다.",
        ),
        signal_tests,
    ),
    Claim(
        "predictions",
        Bilingual(
            "With 15 % of the predictions learning takes 1/0.15, nearly seven times as long.",
            "예측이 15 %뿐이면 배우는 데 1/0.15, 거의 일곱 배가 걸린다.",
        ),
        Bilingual(
            "What counts is the number of predictions: the tasks need equally many of them to "
            "the same level.",
            "중요한 것은 예측의 수이다. 같은 수준에 이르기까지 필요한 예측의 수는 과제가 달라도 같다.",
        ),
        Bilingual(
            "The interval of the ratio of predictions lies between 1/1.25 and 1.25.",
            "예측 수의 비의 구간이 1/1.25과 1.25 사이에 있다.",
        ),
        prediction_tests,
    ),
)
