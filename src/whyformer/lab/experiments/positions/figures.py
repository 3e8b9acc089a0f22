"""The charts and tables of the page."""

import math
from functools import partial
from itertools import count

from whyformer.lab.experiments.positions.claims import language, shift_error
from whyformer.lab.experiments.positions.experiment import (
    BLOCK,
    CODES,
    LAGS,
    LANGUAGE_BLOCK,
    LANGUAGE_LENGTH,
    LONGEST,
    MASKS,
    TASKS,
    TRAINED,
    WIDTHS,
)
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import (
    SHARE_RIGHT,
    VALIDATION_LOSS,
    Axis,
    Chart,
    Figure,
    HeatMap,
    Points,
    Series,
    Table,
    mark,
    theory,
)
from whyformer.lab.method.curves import points_along, points_of_rows
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate, exactly

TRAINED_TO = Bilingual("trained up to here", "여기까지 학습")


def similarity_chart(results: Results) -> Chart:
    """Return the chart of the similarity as a function of the distance, with the formula."""

    def formula(d: int, lag: int) -> float:
        return sum(math.cos(lag * LONGEST ** (-2 * i / d)) for i in range(d // 2)) / (d / 2)

    series: list[Series] = []
    for d in (64, 512):
        row = results.values("algebra", "similarity", d_model=d)[0]
        points = [(lag, exactly(value)) for lag, value in zip(LAGS, row, strict=True)]
        series.append(Series(alike(f"d = {d}"), points))
        series.append(theory(alike(f"Σ cos(w_i k), d = {d}"), LAGS, partial(formula, d)))
    return Chart(
        "similarity",
        Bilingual("How alike two codes are", "두 인코딩은 얼마나 닮았나"),
        Axis(Bilingual("distance k of the positions", "위치 사이의 거리 k"), log=True),
        Axis(Bilingual("PE(p)·PE(p+k), 1 for the same position", "PE(p)·PE(p+k), 같은 위치면 1")),
        series,
        Bilingual(
            "Falls at first, then goes up and down: it is a measure of nearness only nearby.",
            "처음에는 줄다가 곧 오르내립니다. 가까운 곳에서만 거리의 척도가 됩니다.",
        ),
    )


def code_table(results: Results) -> Table:
    """Return the table of the properties of each code."""
    return Table(
        "codes-compared",
        Bilingual("What the codes can do", "인코딩마다 되는 일"),
        [
            Bilingual("code of a position", "위치 인코딩"),
            Bilingual("variance missed by a linear shift", "선형 이동이 놓친 분산"),
            Bilingual("the same on positions not fitted", "맞출 때 쓰지 않은 위치에서"),
            Bilingual("nearest distance over mean distance", "최소 거리 / 평균 거리"),
        ],
        [
            [
                NAMES[code],
                shift_error(results, code),
                shift_error(results, code, where="outside"),
                estimate(results.values("shift", "nearest", code=code, d_model=64)),
            ]
            for code in CODES
        ],
        Bilingual(
            "Two codes shift exactly. Of these two only sine and cosine keep their distances in "
            "proportion; (pos, 1) grows without bound.",
            "정확히 이동하는 인코딩은 둘입니다. 그중 사인·코사인만 거리의 균형을 지키고, (pos, 1)은 끝없이 "
            "커집니다.",
        ),
    )


def margin_chart(results: Results) -> Chart:
    """Return the chart of the smallest distance as a function of the number of frequencies."""
    return Chart(
        "margin",
        Bilingual("Distance of the two nearest codes", "가장 가까운 두 인코딩의 거리"),
        Axis(
            Bilingual("frequencies kept, the fastest first", "남긴 주파수의 수 (빠른 것부터)"),
            log=True,
        ),
        Axis(Bilingual("smallest distance among the positions", "위치들 사이 최소 거리"), log=True),
        [
            Series(alike("d = 64"), points_along(results, "margin", "nearest", "pairs")),
        ],
        Bilingual(
            "One frequency is already unique, but hardly; many frequencies buy the margin.",
            "주파수 하나로도 인코딩은 서로 다르지만 겨우 다릅니다. 여유는 주파수 여럿에서 나옵니다.",
        ),
    )


def task_chart(results: Results, task: str, mask: str) -> Chart:
    """Return the chart of the accuracy at each position."""

    def points(scheme: str) -> Points:
        rows = results.values("tasks", "by_position", task=task, mask=mask, positions=scheme)
        return points_of_rows(count((BLOCK - 1) / 2, BLOCK), rows)

    name = NAMES[f"{task}, {mask}"]
    return Chart(
        f"{task}-{mask}",
        Bilingual(f"Right answers by position: {name.en}", f"위치별 정답률: {name.ko}"),
        Axis(Bilingual("position", "위치")),
        SHARE_RIGHT,
        [
            *(
                Series(NAMES[scheme], points(scheme))
                for scheme in results.levels("tasks", "positions", task=task, mask=mask)
            ),
            mark(TRAINED_TO, TRAINED),
        ],
        Bilingual(
            "What is right of the vertical line was never seen in training.",
            "세로선의 오른쪽은 학습에서 본 적이 없는 위치입니다.",
        ),
    )


def language_chart(results: Results) -> Chart:
    """Return the chart of the loss at each position, in windows that are longer than the windows in
    training."""

    def points(scheme: str) -> Points:
        rows = language(results, scheme, "by_position") or []
        return points_of_rows(count(LANGUAGE_BLOCK / 2, LANGUAGE_BLOCK), rows)

    return Chart(
        "language",
        Bilingual("Characters: loss by position", "문자 언어 모델: 위치별 손실"),
        Axis(Bilingual("position", "위치")),
        VALIDATION_LOSS,
        [
            *(
                Series(NAMES[scheme], points(scheme))
                for scheme in results.levels("language", "positions")
            ),
            mark(TRAINED_TO, LANGUAGE_LENGTH),
        ],
        Bilingual(
            "Learned vectors beyond the line were never trained; sinusoids are computed there, but "
            "the model has not met them.",
            "세로선 너머에서 학습된 위치 벡터는 한 번도 학습되지 않았고, 사인파는 계산은 되지만 모델이 "
            "만난 적이 없습니다.",
        ),
    )


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    codes = results.values("algebra", "codes", d_model=64)[0]
    drawn: list[Figure] = [
        HeatMap(
            "codes",
            Bilingual("The code of each position", "위치마다의 인코딩"),
            [alike(str(position)) for position in range(len(codes))],
            [str(dimension) for dimension in range(len(codes[0]))],
            codes,
            Bilingual(
                "A row is a position, a column a dimension (d = 64), sine and cosine in turn: fast "
                "waves at the left, nearly constant ones at the right.",
                "행은 위치, 열은 차원(d = 64)이고 사인과 코사인이 번갈아 놓입니다. 왼쪽은 빠른 파동, "
                "오른쪽은 거의 변하지 않는 파동입니다.",
            ),
        ),
        similarity_chart(results),
        margin_chart(results),
        code_table(results),
        *(task_chart(results, task, mask) for task in TASKS for mask in MASKS),
    ]
    if results.conditions("language"):
        drawn.append(language_chart(results))
    return drawn


NAMES = {
    "none": Bilingual("no positions", "위치 정보 없음"),
    "sinusoidal": Bilingual("sinusoids", "사인·코사인"),
    "sine": Bilingual("sines only", "사인만"),
    "learned": Bilingual("learned", "학습된 위치"),
    "rotary": Bilingual("rotary", "회전(RoPE)"),
    "alibi": alike("ALiBi"),
    "relative": Bilingual("relative buckets (T5)", "상대 위치 구간(T5)"),
    "random": Bilingual("random vectors", "무작위 벡터"),
    "binary": Bilingual("binary counter", "이진수"),
    "line": alike("(pos, 1)"),
    "sine and cosine": Bilingual("error of the rotation", "회전의 오차"),
    "sines alone": Bilingual(
        "missed by the best map of sines alone", "사인만일 때 최선의 변환이 놓친 분산"
    ),
    "least kept": Bilingual("smallest ratio of distances", "거리 비의 최솟값"),
    "most kept": Bilingual("largest ratio of distances", "거리 비의 최댓값"),
    "encoder": Bilingual("encoder", "인코더"),
    "causal": Bilingual("causal model", "인과 모델"),
    "copy, causal": Bilingual("copy three back, causal", "세 칸 앞 베끼기, 인과 마스크"),
    "copy, encoder": Bilingual("copy three back, encoder", "세 칸 앞 베끼기, 인코더"),
    "modulo, causal": Bilingual("position mod 16, causal", "위치 mod 16, 인과 마스크"),
    "modulo, encoder": Bilingual("position mod 16, encoder", "위치 mod 16, 인코더"),
    "fresh": Bilingual("before training, exactly", "학습 전, 정확한 값"),
    "trained": Bilingual("position mod 16, trained", "위치 mod 16, 학습 후"),
    "language": Bilingual("language model of characters", "문자 언어 모델"),
    **{f"d = {d}": alike(f"d = {d}") for d in WIDTHS},
    **{f"d_k = {d_k}": alike(f"d_k = {d_k}") for d_k in (16, 64, 512)},
}
