"""The claims, and the measured effects that decide them."""

from collections.abc import Mapping, Sequence

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
from whyformer.lab.method.verdict import Test, above, below


def best(results: Results, number: str, where: Settings) -> list | None:
    """Return a number of an arm at its best learning rate, one value per seed; None if the arm was
    not trained."""
    return tuned(results, "lengths", number, by="error", **where)


def longest(results: Results, where: Settings) -> list[float] | None:
    """Return the share of correct symbols for the longest sources, one value per seed."""
    rows = best(results, "symbols", where)
    return rows and [row[-1] for row in rows]


def at_end(results: Results, where: Settings, end: int, number: str = "symbols") -> Estimate:
    """Return the accuracy for the shortest (end 0) or the longest (end -1) sources."""
    rows = best(results, number, where)
    return estimate(rows and [row[end] for row in rows])


def drop(results: Results, attention: str, task: str) -> Estimate:
    """Return the accuracy for the shortest sources minus the accuracy for the longest sources."""
    rows = best(results, "symbols", arm(attention, task))
    return estimate(rows and [row[0] - row[-1] for row in rows])


def gain(results: Results, task: str) -> Estimate:
    """Return the accuracy gain of attention for the longest sources, paired by seed."""
    return paired(*(longest(results, arm(a, task)) for a in ("none", "general")))


def reversal_gain(results: Results, encoder: str) -> Estimate:
    """Return the gain of reversed sources without attention, averaged over all lengths."""
    arms = (arm("none", task, encoder) for task in ("copy", "reverse"))
    return paired(*(best(results, "mean", one) for one in arms))


def reversal_gain_at_ends(results: Results, encoder: str) -> tuple[list[float], list[float]]:
    """Return two lists with one number per seed: the gain of reversed sources in the first quarter
    and in the last quarter of a row."""
    kept, reverse = (
        np.array(best(results, "places", arm("none", task, encoder)))
        for task in ("copy", "reverse")
    )
    added, quarter = reverse - kept, WATCHED // 4
    return added[:, :quarter].mean(1).tolist(), added[:, -quarter:].mean(1).tolist()


def width_gain(results: Results) -> Estimate:
    """Return the accuracy gain for the longest sources if the vector is twice as wide. Only full
    mode measures this gain."""
    arms = (arm("none", "copy", width=width) for width in (None, TWICE_AS_WIDE))
    return paired(*(longest(results, one) for one in arms))


def distance_ratio(results: Results, number: str) -> Estimate:
    """Return the ratio of a distance with the reversed source to the distance with the source in
    order. Of all lengths, the ratio that is farthest from 1 is returned."""
    lengths = results.levels("distances", "length")
    ratios = [
        results.values("distances", number, task="reverse", length=n)[0]
        / results.values("distances", number, task="copy", length=n)[0]
        for n in lengths
    ]
    return exactly(max(ratios, key=lambda ratio: abs(ratio - 1)))


def falls_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `falls`."""
    return {
        task: [above(drop(results, "none", task), 0.3, contrary=0.05)]
        for task in ("copy", "reverse")
    }


def flat_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `flat`."""
    return {
        task: [
            below(drop(results, "general", task), 0.05, contrary=0.2, name="drop"),
            above(gain(results, task), 0.3, contrary=0.0, name="gain"),
        ]
        for task in ("copy", "reverse")
    }


def wider_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `wider`."""
    return {"copy": [above(width_gain(results), 0.1, contrary=0.0)]}


def nearer_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `nearer`."""
    return {
        number: [below(distance_ratio(results, number), 0.9, contrary=1.1)]
        for number in ("mean", "longest")
    }


def helps_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `helps`."""
    return {
        encoder: [above(reversal_gain(results, encoder), 0.02, contrary=-0.02)]
        for encoder in (ONE_WAY, TWO_WAY)
    }


def beginning_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `beginning`."""
    first, last = reversal_gain_at_ends(results, ONE_WAY)
    return {ONE_WAY: [above(paired(last, first), 0.05, contrary=-0.05)]}


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for attention in ("none", "general"):
        for task in ("copy", "reverse"):
            where = arm(attention, task)
            found[f"drop_{attention}_{task}"] = drop(results, attention, task)
            for end, name in ((0, "shortest"), (-1, "longest")):
                found[f"{name}_{attention}_{task}"] = at_end(results, where, end)
                found[f"exact_{name}_{attention}_{task}"] = at_end(results, where, end, "exact")
        sizes = results.values("lengths", "parameters", rate=RATES[0], **arm(attention, "copy"))
        found[f"parameters_{attention}"] = exactly(sizes[0])
    for task in ("copy", "reverse"):
        found[f"gain_{task}"] = gain(results, task)
    for encoder in (ONE_WAY, TWO_WAY):
        found[f"turned_{encoder.replace('-', '_')}"] = reversal_gain(results, encoder)
    first, last = reversal_gain_at_ends(results, ONE_WAY)
    found["turned_first"], found["turned_last"] = estimate(first), estimate(last)
    found["wider"] = width_gain(results)
    for number in ("mean", "shortest", "longest"):
        found[f"distance_{number}"] = distance_ratio(results, number)
    longest = max(results.levels("distances", "length"))
    found["length"] = exactly(longest)
    for task in ("copy", "reverse"):
        for number in ("mean", "shortest", "longest"):
            (steps,) = results.values("distances", number, task=task, length=longest)
            found[f"steps_{number}_{task}"] = exactly(steps)
    return found


CLAIMS = (
    Claim(
        "falls",
        Bilingual(
            "Without attention quality falls with the length of the source.",
            "어텐션이 없으면 원문이 길수록 품질이 떨어진다.",
        ),
        Bilingual(
            "The share of right symbols is lower at the longest sources than at sources of 5 "
            "by more than 0.3.",
            "가장 긴 원문의 기호 정답률이 길이 5일 때보다 0.3 넘게 낮다.",
        ),
        Bilingual(
            "Drop above 0.3; below 0.05 refutes. Two-way encoder, each arm at its best rate; "
            "asked of copying and of reversing.",
            "하락이 0.3 초과, 0.05 미만이면 반박. 양방향 인코더, 각자 가장 좋은 학습률. 복사와 "
            "뒤집기에 각각 묻는다.",
        ),
        falls_tests,
    ),
    Claim(
        "flat",
        Bilingual(
            "Attention removes the bottleneck.",
            "어텐션이 병목을 없앤다.",
        ),
        Bilingual(
            "With attention the share of right symbols hardly depends on the length, and at the "
            "longest sources it is higher than without by more than 0.3.",
            "어텐션이 있으면 기호 정답률이 길이에 거의 의존하지 않고, 가장 긴 원문에서 어텐션이 "
            "없을 때보다 0.3 넘게 높다.",
        ),
        Bilingual(
            "Drop from the shortest to the longest below 0.05 (above 0.2 refutes), and paired "
            "gain at the longest above 0.3.",
            "최단에서 최장까지의 하락이 0.05 미만(0.2 초과면 반박)이고, 최장에서 짝지은 이득이 0.3 "
            "초과.",
        ),
        flat_tests,
    ),
    Claim(
        "wider",
        Bilingual(
            "The vector is just too small: a wider one holds longer sources.",
            "벡터가 작을 뿐이다. 넓히면 더 긴 원문도 담는다.",
        ),
        Bilingual(
            "Without attention a model twice as wide gets more symbols right at the longest "
            "sources, by more than 0.1.",
            "어텐션 없이 너비를 두 배로 하면 가장 긴 원문의 기호 정답률이 0.1 넘게 오른다.",
        ),
        Bilingual(
            "Paired gain above 0.1; below 0 refutes.",
            "짝지은 이득이 0.1 초과, 0 미만이면 반박.",
        ),
        wider_tests,
    ),
    Claim(
        "nearer",
        Bilingual(
            "Reversing the source brings source and target closer together.",
            "원문을 뒤집으면 원문과 출력이 서로 가까워진다.",
        ),
        Bilingual(
            "The mean and the longest distance between a symbol's place in the source and its "
            "place in the target shrink by a tenth.",
            "기호가 원문에 있는 자리와 출력에 놓일 자리 사이의 평균 거리와 최대 거리가 10% 이상 줄어든다.",
        ),
        Bilingual(
            "Ratio reversed / in order below 0.9, above 1.1 refutes; asked of the mean and of "
            "the longest, counted on the rows themselves.",
            "뒤집은 것 / 그대로의 비가 0.9 미만, 1.1 초과면 반박. 실제 줄에서 센 평균과 최대에 각각 "
            "묻는다.",
        ),
        nearer_tests,
    ),
    Claim(
        "helps",
        Bilingual(
            "Reversing the source helps.",
            "원문을 뒤집으면 도움이 된다.",
        ),
        Bilingual(
            "Without attention more symbols are right, over all lengths, when the source is "
            "read in reverse.",
            "어텐션이 없을 때, 원문을 거꾸로 읽으면 전체 길이에 걸쳐 기호 정답률이 더 높다.",
        ),
        Bilingual(
            "Paired gain in the mean over all lengths above 0.02, below -0.02 refutes; asked of "
            "an encoder that reads one way and of one that reads both ways.",
            "모든 길이의 평균에서 짝지은 이득이 0.02 초과, -0.02 미만이면 반박. 단방향 인코더와 양방향 "
            "인코더에 각각 묻는다.",
        ),
        helps_tests,
    ),
    Claim(
        "beginning",
        Bilingual(
            "Reversing helps where the distances became short.",
            "뒤집기는 거리가 짧아진 곳에서 돕는다.",
        ),
        Bilingual(
            "What reversing adds is more in the first quarter of the target than in the last.",
            "뒤집기로 얻는 것이 출력의 첫 4분의 1에서 마지막 4분의 1에서보다 크다.",
        ),
        Bilingual(
            "Paired difference of the two gains above 0.05, below -0.05 refutes; rows of 20, "
            "one-way encoder, no attention.",
            "두 이득의 짝지은 차이가 0.05 초과, -0.05 미만이면 반박. 길이 20, 단방향 인코더, 어텐션 "
            "없음.",
        ),
        beginning_tests,
    ),
)
