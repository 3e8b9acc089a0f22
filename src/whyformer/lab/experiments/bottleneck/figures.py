"""The charts and tables of the page."""

import math
from itertools import count

import numpy as np

from whyformer.lab.experiments.bottleneck.claims import TASKS, best
from whyformer.lab.experiments.bottleneck.experiment import (
    ONE_WAY,
    SHORTEST,
    TWICE_AS_WIDE,
    TWO_WAY,
    WATCHED,
    arm,
)
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import SHARE_RIGHT, Axis, Chart, Figure, Points, Series, theory
from whyformer.lab.method.curves import points_of_rows
from whyformer.lab.method.experiment import Results, Settings


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    length = Axis(Bilingual("symbols in the source", "원문의 기호 수"))
    lengths = range(SHORTEST, max(results.levels("lengths", "longest")) + 1, 5)

    def over_lengths(number: str, where: Settings) -> Points:
        return points_of_rows(lengths, best(results, number, where) or [])

    def shown(number: str) -> list[Series]:
        return [
            Series(Bilingual(f"{NAMES[a].en}, {NAMES[task].en}", f"{NAMES[a].ko}, {NAMES[task].ko}"),
                   over_lengths(number, arm(a, task)))
            for a in ("none", "general") for task in TASKS
        ]  # fmt: skip

    wide = arm("none", "copy", width=TWICE_AS_WIDE)
    name = Bilingual("no attention, copy, twice as wide", "어텐션 없음, 복사, 너비 두 배")
    wider = [Series(name, over_lengths("symbols", wide))] if best(results, "mean", wide) else []
    accuracy = float(np.mean(best(results, "mean", arm("general", "copy")) or math.nan))
    independent = theory(
        Bilingual("theory: independent symbols", "이론: 기호마다 독립일 때"),
        lengths,
        lambda n: accuracy**n,
    )
    return [
        Chart(
            "symbols",
            Bilingual("Correct symbols by length of the source", "원문 길이에 따른 기호 정확도"),
            length,
            SHARE_RIGHT,
            [*shown("symbols"), *wider],
            Bilingual("Without attention the accuracy falls with length. With attention it "
                      "hardly falls. A vector that is twice as wide changes nothing here.",
                      "어텐션이 없으면 길이에 따라 정확도가 떨어지고, 있으면 거의 떨어지지 않습니다. "
                      "벡터를 두 배로 넓혀도 달라지지 않았습니다."),
        ),
        Chart(
            "exact",
            Bilingual("Rows without an error", "오류가 없는 줄"),
            length,
            Axis(Bilingual("share of exact rows", "모두 맞은 줄의 비율")),
            [*shown("exact"), independent],
            Bilingual("This share falls with length even if no symbol becomes harder: n "
                      "independent symbols are all correct with probability pⁿ.",
                      "기호가 더 어려워지지 않아도 이 비율은 길이에 따라 떨어집니다. 독립인 기호 "
                      "n개가 모두 맞을 확률은 pⁿ입니다."),
        ),
        Chart(
            "places",
            Bilingual(f"Where reversing helps: rows of {WATCHED}, no attention, one-way encoder",
                      f"뒤집기가 돕는 곳: 길이 {WATCHED}, 어텐션 없음, 단방향 인코더"),
            Axis(Bilingual("position in the target", "출력에서의 위치")),
            SHARE_RIGHT,
            [
                Series(NAMES[task], points_of_rows(count(1), rows))
                for task in TASKS
                for rows in [best(results, "places", arm("none", task, ONE_WAY)) or []]
            ],
            Bilingual("If the source is reversed, the first symbol to write is the last symbol "
                      "that was read.",
                      "원문을 뒤집으면 가장 먼저 쓸 기호가 가장 나중에 읽은 기호가 됩니다."),
        ),
    ]  # fmt: skip


NAMES = {
    "none": Bilingual("no attention", "어텐션 없음"),
    "general": Bilingual("attention", "어텐션 있음"),
    "copy": Bilingual("copy", "복사"),
    "reverse": Bilingual("reversed source", "뒤집은 원문"),
    ONE_WAY: Bilingual("one-way encoder", "단방향 인코더"),
    TWO_WAY: Bilingual("two-way encoder", "양방향 인코더"),
    "drop": Bilingual("decrease with length, with attention", "어텐션이 있을 때 길이에 따른 하락"),
    "gain": Bilingual("gain of attention", "어텐션의 이득"),
}
