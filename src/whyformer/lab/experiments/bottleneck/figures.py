"""The charts and tables of the page."""

import math
from itertools import count

import numpy as np

from whyformer.lab.experiments.bottleneck.claims import best
from whyformer.lab.experiments.bottleneck.experiment import (
    ONE_WAY,
    TWICE_AS_WIDE,
    TWO_WAY,
    WATCHED,
    arm,
)
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import Axis, Chart, Figure, Points, Series, Table, theory
from whyformer.lab.method.curves import points_of_rows
from whyformer.lab.method.experiment import Results, Settings
from whyformer.lab.method.statistics import exactly


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    length = Axis(Bilingual("symbols in the source", "원문의 기호 수"))
    right = Axis(Bilingual("share of right symbols", "기호 정답률"))
    lengths = results.levels("distances", "length")

    def over_lengths(number: str, where: Settings) -> Points:
        return points_of_rows(lengths, best(results, number, where) or [])

    def shown(number: str) -> list[Series]:
        return [
            Series(
                Bilingual(
                    f"{NAMES[attention].en}, {NAMES[task].en}",
                    f"{NAMES[attention].ko}, {NAMES[task].ko}",
                ),
                over_lengths(number, arm(attention, task)),
            )
            for attention in ("none", "general")
            for task in ("copy", "reverse")
        ]

    symbols_right = shown("symbols")
    if TWICE_AS_WIDE in results.levels("lengths", "width"):
        wide = arm("none", "copy", width=TWICE_AS_WIDE)
        symbols_right.append(
            Series(
                Bilingual("no attention, copy, twice as wide", "어텐션 없음, 복사, 너비 두 배"),
                over_lengths("symbols", wide),
            )
        )
    mean_right = float(np.mean(best(results, "mean", arm("general", "copy")) or math.nan))
    compound = theory(
        Bilingual("theory: each symbol right on its own", "이론: 기호마다 따로 맞을 때"),
        lengths,
        lambda n: mean_right**n,
    )
    return [
        Chart(
            "symbols",
            Bilingual("Right symbols by the length of the source", "원문 길이에 따른 기호 정답률"),
            length,
            right,
            symbols_right,
            Bilingual(
                "One vector has to hold the whole source: the longer, the less of it. Attention "
                "looks each symbol up and falls little.",
                "벡터 하나에 원문 전체를 담아야 하므로, 길수록 담기는 몫이 줄어듭니다. 어텐션은 "
                "기호를 하나씩 찾아보므로 조금만 떨어집니다.",
            ),
        ),
        Chart(
            "exact",
            Bilingual("Rows without any mistake", "한 군데도 틀리지 않은 줄"),
            length,
            Axis(Bilingual("share of exact rows", "완전히 맞은 줄의 비율")),
            [*shown("exact"), compound],
            Bilingual(
                "This falls with length even where no symbol becomes harder: n symbols are all "
                "right with probability pⁿ.",
                "기호 하나하나가 더 어려워지지 않아도 이 값은 길이에 따라 떨어집니다. n개가 모두 맞을 "
                "확률은 pⁿ이기 때문입니다.",
            ),
        ),
        Chart(
            "places",
            Bilingual(
                f"Where reversing helps: rows of {WATCHED}, no attention, one-way encoder",
                f"뒤집기가 돕는 곳: 길이 {WATCHED}, 어텐션 없음, 단방향 인코더",
            ),
            Axis(Bilingual("place in the target", "출력에서의 위치")),
            right,
            [
                Series(NAMES[task], points_of_rows(count(1), rows))
                for task in ("copy", "reverse")
                for rows in [best(results, "places", arm("none", task, ONE_WAY)) or []]
            ],
            Bilingual(
                "With the source reversed the first symbols to be written are the last that were "
                "read.",
                "원문을 뒤집으면 가장 먼저 써야 할 기호가 가장 나중에 읽은 기호가 됩니다.",
            ),
        ),
        distance_table(results),
    ]


def distance_table(results: Results) -> Table:
    """List the distances for both orders of the source."""
    longest = max(results.levels("distances", "length"))
    return Table(
        "distances",
        Bilingual(
            f"Steps from reading a symbol to writing it, {longest} symbols",
            f"기호를 읽고 나서 쓸 때까지의 걸음 수, 기호 {longest}개",
        ),
        [
            Bilingual("source", "원문"),
            Bilingual("shortest", "최소"),
            Bilingual("mean", "평균"),
            Bilingual("longest", "최대"),
        ],
        [
            [
                NAMES[task],
                *(
                    exactly(results.values("distances", number, task=task, length=longest)[0])
                    for number in ("shortest", "mean", "longest")
                ),
            ]
            for task in ("copy", "reverse")
        ],
        Bilingual(
            "Reversing makes the first symbols near and the last ones far; the mean stays.",
            "뒤집으면 처음 기호는 가까워지고 마지막 기호는 멀어집니다. 평균은 그대로입니다.",
        ),
    )


NAMES = {
    "none": Bilingual("no attention", "어텐션 없음"),
    "general": Bilingual("attention", "어텐션 있음"),
    "copy": Bilingual("copy", "복사"),
    "reverse": Bilingual("reverse (source reversed)", "뒤집기 (원문을 거꾸로)"),
    ONE_WAY: Bilingual("encoder reads one way", "단방향 인코더"),
    TWO_WAY: Bilingual("encoder reads both ways", "양방향 인코더"),
    "mean": Bilingual("mean distance", "평균 거리"),
    "longest": Bilingual("longest distance", "최대 거리"),
    "drop": Bilingual("what attention loses with length", "길이에 따라 어텐션이 잃는 정확도"),
    "gain": Bilingual("attention over one vector", "벡터 하나보다 나은 정도"),
}
