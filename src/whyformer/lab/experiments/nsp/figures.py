"""The charts and tables of the page."""

from itertools import count

from whyformer.lab.experiments.nsp.data import LEFT_TO_RIGHT, PUBLISHED
from whyformer.lab.experiments.nsp.experiment import BLOCK, DESIGN, FORMATS, LOSSES, described, gain
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import Axis, Chart, Figure, Points, Series, Table
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [
        design_table(
            results,
            "hidden-tokens",
            "full_loss",
            Bilingual(
                "Loss of hidden tokens in the four arms, nats", "네 조건의 가려진 토큰 손실 (nat)"
            ),
            Bilingual(
                "Held-out text in full rows, each arm at its best rate. BERT stands at the upper "
                "left, RoBERTa at the lower right: they differ in a row and in a column.",
                "남겨 둔 글을 꽉 채운 행으로 읽은 결과이며, 조건마다 가장 좋은 학습률을 썼습니다. BERT는 왼쪽 "
                "위, RoBERTa는 오른쪽 아래입니다. 둘은 행도 열도 다릅니다.",
            ),
        ),
        design_table(
            results,
            "topics",
            "mean_error",
            Bilingual("Topics named wrongly by a linear probe, %", "선형 프로브가 틀린 주제 (%)"),
            Bilingual(
                "From the mean of a passage's vectors.",
                "글 한 토막의 벡터를 평균한 값으로 맞힙니다.",
            ),
        ),
        Chart(
            "learning",
            Bilingual("Hidden tokens while training", "학습 중 가려진 토큰의 손실"),
            Axis(Bilingual("updates", "갱신 횟수")),
            Axis(Bilingual("training loss, nats a hidden token", "학습 손실 (가려진 토큰당 nat)")),
            [Series(NAMES[arm], learning(results, arm)) for arm in results.levels("arms", "arm")],
            Bilingual(
                "At each arm's best rate. The left-to-right model predicts every token from those "
                "before it, another task: compare when it bends down, not where it ends.",
                "조건마다 가장 좋은 학습률에서 그렸습니다. 왼쪽에서 오른쪽으로 읽는 모델은 모든 토큰을 앞의 "
                "토큰만 보고 예측하는 다른 과제이므로 어디서 끝나는지는 비교하지 않습니다.",
            ),
        ),
    ]
    rates = results.levels("arms", "rate")
    if len(rates) > 1:
        drawn.append(
            Chart(
                "rates",
                Bilingual(
                    "Hidden tokens at every learning rate", "학습률마다 본 가려진 토큰의 손실"
                ),
                Axis(Bilingual("peak learning rate", "최고 학습률"), log=True),
                Axis(Bilingual("loss on held-out text, nats", "남겨 둔 글의 손실 (nat)")),
                series_for_each(
                    NAMES, (*DESIGN, PUBLISHED), results, "arms", "full_loss", "rate", by="arm"
                ),
                Bilingual(
                    "Compare each arm at its own lowest point.",
                    "조건마다 자신의 가장 낮은 점에서 비교합니다.",
                ),
            )
        )
    return drawn


def design_table(
    results: Results, name: str, number: str, title: Bilingual, caption: Bilingual
) -> Table:
    """Return a table of a number of the four arms, and of the gain from leaving out the
    next-sentence loss."""
    columns = [
        Bilingual("input", "입력"),
        Bilingual("with NSP", "NSP 있음"),
        Bilingual("without NSP", "NSP 없음"),
        Bilingual("gain by leaving it out", "NSP를 뺀 이득"),
    ]
    rows = [
        [
            NAMES[form],
            *(described(results, f"{form}, {loss}", number) for loss in LOSSES),
            gain(results, f"{form}, with", f"{form}, without", number),
        ]
        for form in FORMATS
    ]
    return Table(name, title, columns, rows, caption)


def learning(results: Results, arm: str) -> Points:
    """Return the training loss of an arm after each update, at its best learning rate."""
    judged = "mean_error" if arm == LEFT_TO_RIGHT else "full_loss"
    rows = [row for row in tuned(results, "arms", "curve", by=judged, arm=arm) or [] if row]
    return points_of_rows(count(BLOCK, BLOCK), rows)


PAIRS, FULL = Bilingual("pairs", "문장 쌍"), Bilingual("full rows", "꽉 채운 행")
NAMES = {
    "pairs": PAIRS,
    "full": FULL,
    "pairs, with": Bilingual("pairs, with NSP", "문장 쌍, NSP 있음"),
    "pairs, without": Bilingual("pairs, without NSP", "문장 쌍, NSP 없음"),
    "full, with": Bilingual("full rows, with NSP", "꽉 채운 행, NSP 있음"),
    "full, without": Bilingual("full rows, without NSP", "꽉 채운 행, NSP 없음"),
    PUBLISHED: Bilingual(
        "as published: both losses on the same pairs", "논문대로: 같은 쌍에 두 손실"
    ),
    LEFT_TO_RIGHT: Bilingual("left to right, full rows", "왼쪽에서 오른쪽, 꽉 채운 행"),
    "pairs, mean": Bilingual("pairs, mean vector", "문장 쌍, 평균 벡터"),
    "pairs, first": Bilingual("pairs, first token's vector", "문장 쌍, 첫 토큰의 벡터"),
    "full, mean": Bilingual("full rows, mean vector", "꽉 채운 행, 평균 벡터"),
    "full, first": Bilingual("full rows, first token's vector", "꽉 채운 행, 첫 토큰의 벡터"),
    "with, judged on pairs": Bilingual("with NSP, judged on pairs", "NSP 있음, 문장 쌍으로 평가"),
    "with, judged on full": Bilingual(
        "with NSP, judged on full rows", "NSP 있음, 꽉 채운 행으로 평가"
    ),
    "without, judged on pairs": Bilingual(
        "without NSP, judged on pairs", "NSP 없음, 문장 쌍으로 평가"
    ),
    "without, judged on full": Bilingual(
        "without NSP, judged on full rows", "NSP 없음, 꽉 채운 행으로 평가"
    ),
    "topics": Bilingual("topics", "주제"),
}
