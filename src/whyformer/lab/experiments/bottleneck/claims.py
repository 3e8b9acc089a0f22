"""The claims, and the measured effects that decide them."""

import numpy as np

from whyformer.lab.experiments.bottleneck.experiment import (
    ONE_WAY,
    RATES,
    TWICE_AS_WIDE,
    TWO_WAY,
    WATCHED,
    arm,
)
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results, Settings
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import above, below

TASKS = ("copy", "reverse")


def best(results: Results, number: str, where: Settings) -> list | None:
    """Return a number of an arm at its best learning rate, one value per seed; None if the arm was
    not trained."""
    return tuned(results, "lengths", number, by="error", **where)


def at_end(results: Results, where: Settings, end: int, number: str = "symbols") -> list | None:
    """Return the accuracy for the shortest (end 0) or the longest (end -1) sources."""
    rows = best(results, number, where)
    return rows and [row[end] for row in rows]


def drop(results: Results, attention: str, task: str) -> Estimate:
    """Return the accuracy for the shortest sources minus the accuracy for the longest sources."""
    return paired(*(at_end(results, arm(attention, task), end) for end in (-1, 0)))


def gain(results: Results, task: str) -> Estimate:
    """Return the accuracy gain of attention for the longest sources, paired by seed."""
    return paired(*(at_end(results, arm(a, task), -1) for a in ("none", "general")))


def width_gain(results: Results) -> Estimate:
    """Return the accuracy gain for the longest sources if the vector is twice as wide. Only full
    mode measures this gain."""
    arms = (arm("none", "copy", width=width) for width in (None, TWICE_AS_WIDE))
    return paired(*(at_end(results, one, -1) for one in arms))


def reversal_gain(results: Results, encoder: str) -> Estimate:
    """Return the gain of reversed sources without attention, averaged over all lengths."""
    return paired(*(best(results, "mean", arm("none", task, encoder)) for task in TASKS))


def reversal_gain_at_ends(results: Results, encoder: str) -> tuple[list[float], list[float]]:
    """Return two lists with one number per seed: the gain of reversed sources in the first quarter
    and in the last quarter of a row."""
    kept, reverse = (
        np.array(best(results, "places", arm("none", task, encoder))) for task in TASKS
    )
    added, quarter = reverse - kept, WATCHED // 4
    return added[:, :quarter].mean(1).tolist(), added[:, -quarter:].mean(1).tolist()


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    first, last = reversal_gain_at_ends(results, ONE_WAY)
    found = {
        "length": exactly(max(results.levels("lengths", "longest"))),
        "wider": width_gain(results),
        "turned_first": estimate(first),
        "turned_last": estimate(last),
    }
    for attention in ("none", "general"):
        for task in TASKS:
            where = arm(attention, task)
            found[f"drop_{attention}_{task}"] = drop(results, attention, task)
            for end, name in ((0, "shortest"), (-1, "longest")):
                found[f"{name}_{attention}_{task}"] = estimate(at_end(results, where, end))
                exact = at_end(results, where, end, "exact")
                found[f"exact_{name}_{attention}_{task}"] = estimate(exact)
        sizes = results.values("lengths", "parameters", rate=RATES[0], **arm(attention, "copy"))
        found[f"parameters_{attention}"] = exactly(sizes[0])
    for task in TASKS:
        found[f"gain_{task}"] = gain(results, task)
    for encoder in (ONE_WAY, TWO_WAY):
        found[f"turned_{encoder.replace('-', '_')}"] = reversal_gain(results, encoder)
    return found


CLAIMS = (
    Claim(
        "falls",
        Bilingual("Without attention, quality falls with the length of the source.",
                  "어텐션이 없으면 원문이 길수록 품질이 떨어진다."),
        Bilingual("The share of correct symbols is more than 0.3 lower for the longest sources "
                  "than for sources of 5 symbols.",
                  "가장 긴 원문의 기호 정확도가 길이 5일 때보다 0.3 넘게 낮다."),
        Bilingual("Decrease: above 0.3. Contrary: below 0.05. Two-way encoder.",
                  "하락이 0.3 초과. 0.05 미만이면 반대. 양방향 인코더."),
        lambda results: {
            task: [above(drop(results, "none", task), 0.3, contrary=0.05)] for task in TASKS
        },
    ),
    Claim(
        "flat",
        Bilingual("Attention removes the bottleneck.", "어텐션이 병목을 없앤다."),
        Bilingual("With attention the accuracy hardly falls with length, and for the longest "
                  "sources it is more than 0.3 higher than without.",
                  "어텐션이 있으면 정확도가 길이에 따라 거의 떨어지지 않고, 가장 긴 원문에서 "
                  "없을 때보다 0.3 넘게 높다."),
        Bilingual("Decrease: at most 0.05 (contrary: above 0.2). Gain for the longest sources: "
                  "at least 0.3.",
                  "하락이 0.05 이하(0.2 초과면 반대). 가장 긴 원문에서 이득이 0.3 이상."),
        lambda results: {
            task: [
                below(drop(results, "general", task), 0.05, contrary=0.2, name="drop"),
                above(gain(results, task), 0.3, contrary=0.0, name="gain"),
            ]
            for task in TASKS
        },
    ),
    Claim(
        "wider",
        Bilingual("The vector is too small: a wider vector holds longer sources.",
                  "벡터가 작은 것이 문제이다. 넓히면 더 긴 원문도 담는다."),
        Bilingual("Without attention, a model that is twice as wide is more than 0.1 more "
                  "accurate for the longest sources after 800 updates.",
                  "어텐션 없이 너비를 두 배로 하고 800번 갱신하면 가장 긴 원문의 정확도가 0.1 넘게 "
                  "오른다."),
        Bilingual("Gain: at least 0.1. Contrary: below 0.", "이득이 0.1 이상. 0 미만이면 반대."),
        lambda results: {"copy": [above(width_gain(results), 0.1, contrary=0.0)]},
        Bilingual("The wording now says “after 800 updates”, because longer training was not "
                  "measured. The test is unchanged.",
                  "더 오래 학습하지 않았으므로 ‘800번 갱신한 뒤’라는 말을 더했습니다. 검사는 "
                  "그대로입니다."),
    ),
    Claim(
        "helps",
        Bilingual("Reversing the source helps.", "원문을 뒤집으면 도움이 된다."),
        Bilingual("Without attention, the accuracy over all lengths is higher if the source is "
                  "read in reverse.",
                  "어텐션이 없을 때 원문을 거꾸로 읽으면 전체 길이에서 정확도가 더 높다."),
        Bilingual("Gain: at least 0.02. Contrary: below -0.02.",
                  "이득이 0.02 이상. -0.02 미만이면 반대."),
        lambda results: {
            encoder: [above(reversal_gain(results, encoder), 0.02)]
            for encoder in (ONE_WAY, TWO_WAY)
        },
    ),
    Claim(
        "beginning",
        Bilingual("Reversing helps where the distances become short.",
                  "뒤집기는 거리가 짧아진 곳에서 도움이 된다."),
        Bilingual("The gain of reversing is larger in the first quarter of the target than in "
                  "the last quarter.",
                  "뒤집기의 이득은 출력의 첫 4분의 1에서 마지막 4분의 1에서보다 크다."),
        Bilingual("Difference of the two gains: at least 0.05. Contrary: below -0.05. Rows of "
                  "20, one-way encoder, no attention.",
                  "두 이득의 차이가 0.05 이상. -0.05 미만이면 반대. 길이 20, 단방향 인코더, 어텐션 "
                  "없음."),
        lambda results: {
            ONE_WAY: [above(paired(*reversal_gain_at_ends(results, ONE_WAY)[::-1]), 0.05)]
        },
    ),
)  # fmt: skip
