"""The claims, and the measured effects that decide them."""

from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.heads.experiment import (
    FIXED,
    FIXED_HEADS,
    HEADS,
    MIDDLE,
    SHARES,
    SPLIT,
)
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, paired
from whyformer.lab.method.verdict import Test, above, below

MISSED = 0.02
"""A head counts as missed if its removal raises the loss by more than this, in nats per
character."""
AFFORDABLE = 0.05
"""The largest acceptable rise of the loss when half of the heads are removed, in nats per
character."""


def best(results: Results, heads: int, family: str = SPLIT, number: str = "loss") -> list | None:
    """Return a number of an arm at its best learning rate, one value per seed; None if the arm was
    not trained."""
    family = SPLIT if heads == MIDDLE else family
    return tuned(results, "training", number, by="loss", family=family, heads=heads)


def worse(results: Results, heads: int, family: str = SPLIT) -> Estimate:
    """Return the loss with ``heads`` heads minus the loss with eight heads. Each loss is that at
    the best learning rate of its arm."""
    return paired(best(results, MIDDLE), best(results, heads, family))


def missed(results: Results, heads: int) -> Estimate:
    """Return the share of heads whose removal alone raises the loss by more than `MISSED`."""
    rows = best(results, heads, number="alone")
    return estimate(rows and [sum(one > MISSED for one in row) / len(row) for row in rows])


def rise(results: Results, heads: int, share: float = 0.5) -> Estimate:
    """Return the rise of the loss when a share of all heads is removed. The heads whose removal
    raises the loss least are removed first."""
    rows = best(results, heads, number="rise")
    return estimate(rows and [row[SHARES.index(share)] for row in rows])


def several_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `several`."""
    return {family: [above(worse(results, 1, family), MISSED)] for family in (SPLIT, FIXED)}


def too_many_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `too_many`."""
    ends = ((SPLIT, HEADS[-1]), (FIXED, FIXED_HEADS[-1]))
    return {family: [above(worse(results, most, family), MISSED)] for family, most in ends}


def u_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `u`."""
    ends = {"one head": 1, "most heads": HEADS[-1]}
    return {
        SPLIT: [
            above(worse(results, heads), 0.0, contrary=-MISSED, name=name)
            for name, heads in ends.items()
        ]
    }


def pruned(results: Results) -> list[int]:
    """Return the numbers of heads of the pruned models."""
    return [h for h in results.levels("training", "heads", family=SPLIT) if h > 1]


def alone_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `alone`."""
    return {
        f"{heads} heads": [above(missed(results, heads), 0.5, contrary=0.25, strict=True)]
        for heads in pruned(results)
    }


def half_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `half`."""
    return {
        f"{heads} heads": [below(rise(results, heads), AFFORDABLE, contrary=0.2)]
        for heads in pruned(results)
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {}
    for heads in HEADS:
        found[f"loss_{heads}"] = estimate(best(results, heads))
        if heads != MIDDLE:
            found[f"worse_{heads}"] = worse(results, heads)
        if heads > 1:
            found[f"missed_{heads}"] = missed(results, heads)
            found[f"half_{heads}"] = rise(results, heads)
            found[f"all_{heads}"] = rise(results, heads, 1.0)
    for heads in FIXED_HEADS:
        found[f"fixed_{heads}"] = worse(results, heads, FIXED)
    return found


CLAIMS = (
    Claim(
        "several",
        Bilingual("Several heads are better than one.", "헤드는 여러 개가 하나보다 낫다."),
        Bilingual(
            "At as many weights, each at its best rate, eight heads learn better than one.",
            "가중치 수가 같을 때, 각자 가장 좋은 학습률에서 헤드 여덟이 하나보다 잘 배운다.",
        ),
        Bilingual(
            "The paired difference of losses (one - eight) is above 0.02 nat; below -0.02 is "
            "the contrary. With d_k = d_model / h, and with d_k = 16 for every h.",
            "짝지은 손실 차이(하나 - 여덟)가 0.02 nat보다 크다. -0.02보다 작으면 반대이다. "
            "d_k = d_model / h일 때와 항상 d_k = 16일 때 각각.",
        ),
        several_tests,
    ),
    Claim(
        "too_many",
        Bilingual("Too many heads are worse again.", "헤드가 너무 많으면 다시 나빠진다."),
        Bilingual(
            "The most heads learn worse than eight: thirty-two with d_k = d_model / h, sixteen "
            "with d_k = 16.",
            "헤드가 가장 많은 모델은 여덟 개인 모델보다 손실이 크다. d_k = d_model / h일 때 서른두 개, "
            "d_k = 16일 때 열여섯 개.",
        ),
        Bilingual(
            "The paired difference of losses (most - eight) is above 0.02 nat; below -0.02 is "
            "the contrary.",
            "짝지은 손실 차이(최다 - 여덟)가 0.02 nat보다 크다. -0.02보다 작으면 반대이다.",
        ),
        too_many_tests,
    ),
    Claim(
        "u",
        Bilingual(
            "There is a best number of heads in the middle.",
            "가장 좋은 헤드 수는 중간에 있다.",
        ),
        Bilingual(
            "The loss over the number of heads is U-shaped: both ends lie above eight heads.",
            "헤드 수에 따른 손실은 U자이다. 양 끝이 모두 헤드 여덟보다 높다.",
        ),
        Bilingual(
            "Both differences, one - eight and thirty-two - eight, have intervals above 0; below "
            "-0.02 is the contrary.",
            "두 차이(하나 - 여덟, 서른둘 - 여덟)의 구간이 모두 0보다 위. -0.02보다 작으면 반대이다.",
        ),
        u_tests,
    ),
    Claim(
        "alone",
        Bilingual(
            "Every head that was trained is needed.",
            "학습한 헤드는 모두 필요하다.",
        ),
        Bilingual(
            "After training most heads are missed when they alone are removed.",
            "학습 뒤 대부분의 헤드는 하나만 빼도 아쉽다.",
        ),
        Bilingual(
            "Each number of heads on its own: more than half of the heads cost above 0.02 nat; "
            "less than a quarter is the contrary.",
            "헤드 수마다 따로: 0.02 nat 넘게 손해를 주는 헤드가 절반을 넘는다. 사분의 일 미만이면 "
            "반대이다.",
        ),
        alone_tests,
    ),
    Claim(
        "half",
        Bilingual(
            "Half of the heads can go after training.",
            "학습이 끝나면 헤드의 절반은 없어도 된다.",
        ),
        Bilingual(
            "Without half of all heads, least missed first, a trained model is hardly worse.",
            "손해가 작은 것부터 절반을 빼도 학습된 모델은 거의 나빠지지 않는다.",
        ),
        Bilingual(
            "Each number of heads on its own: the loss rises by less than 0.05 nat; by more "
            "than 0.2 is the contrary.",
            "헤드 수마다 따로: 손실의 증가가 0.05 nat 미만. 0.2를 넘으면 반대이다.",
        ),
        half_tests,
    ),
)
