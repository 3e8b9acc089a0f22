"""The charts and tables of the page."""

from itertools import count

from whyformer.lab.experiments.nsp.claims import KINDS, gain, of_arm
from whyformer.lab.experiments.nsp.data import LEFT_TO_RIGHT, PUBLISHED
from whyformer.lab.experiments.nsp.experiment import BLOCK, DESIGN, FORMATS, LOSSES
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import PEAK_RATE, Axis, Chart, Figure, Points, Series, Table
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [
        design_table(
            results,
            "hidden-tokens",
            "full_loss",
            Bilingual("Masked-token loss of the four arms, nats",
                      "네 조건의 가려진 토큰 손실 (nat)"),
            Bilingual("Held-out text in full rows. BERT is at the upper left and RoBERTa at the "
                      "lower right: they differ in two things.",
                      "처음 보는 글을 꽉 채운 행으로 읽었습니다. BERT는 왼쪽 위, RoBERTa는 "
                      "오른쪽 아래이며, 둘은 두 가지가 다릅니다."),
        ),
        design_table(
            results,
            "topics",
            "mean_error",
            Bilingual("Error of the topic probe, %", "주제 프로브의 오류 (%)"),
            Bilingual("A linear probe reads the mean vector of a passage. Compare with the "
                      "error before training: training does not improve it.",
                      "선형 프로브가 글의 평균 벡터를 읽습니다. 학습 전의 오류와 비교하면 "
                      "학습으로 나아지지 않았습니다."),
        ),
        Chart(
            "learning",
            Bilingual("Loss during training", "학습 중의 손실"),
            Axis(Bilingual("updates", "갱신 횟수")),
            Axis(Bilingual("training loss, nats per prediction", "학습 손실 (예측당 nat)")),
            [Series(NAMES[arm], learning(results, arm)) for arm in results.levels("arms", "arm")],
            Bilingual("All curves still fall at the end. The left-to-right model has a "
                      "different task, so do not compare its loss with the others.",
                      "모든 곡선이 끝까지 내려가고 있습니다. 왼쪽에서 오른쪽으로 읽는 모델은 "
                      "과제가 다르므로 손실을 다른 모델과 비교하지 마세요."),
        ),
    ]  # fmt: skip
    if len(results.levels("arms", "rate")) > 1:
        arms = (*DESIGN, PUBLISHED)
        drawn.append(
            Chart(
                "rates",
                Bilingual("Masked-token loss by learning rate", "학습률에 따른 가려진 토큰의 손실"),
                PEAK_RATE,
                Axis(Bilingual("loss on held-out text, nats", "처음 보는 글의 손실 (nat)")),
                series_for_each(NAMES, arms, results, "arms", "full_loss", "rate", by="arm"),
                Bilingual("The middle learning rate is the best one for all of these arms.",
                          "이 조건들에서는 모두 가운데 학습률이 가장 좋습니다."),
            )
        )  # fmt: skip
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
        Bilingual("improvement without NSP", "NSP를 뺀 이득"),
    ]
    rows = [
        [
            NAMES[form],
            *(estimate(of_arm(results, f"{form}, {loss}", number)) for loss in LOSSES),
            gain(results, f"{form}, with", f"{form}, without", number),
        ]
        for form in FORMATS
    ]
    return Table(name, title, columns, rows, caption)


def learning(results: Results, arm: str) -> Points:
    """Return the training loss of an arm after each update."""
    return points_of_rows(
        count(BLOCK, BLOCK), [row for row in of_arm(results, arm, "curve") or [] if row]
    )


def joined(one: str, other: str) -> Bilingual:
    """Return two names, separated by a comma."""
    return Bilingual(f"{_ONE[one].en}, {_ONE[other].en}", f"{_ONE[one].ko}, {_ONE[other].ko}")


_ONE = {
    "pairs": Bilingual("pairs", "문장 쌍"),
    "full": Bilingual("full rows", "꽉 채운 행"),
    "with": Bilingual("with NSP", "NSP 있음"),
    "without": Bilingual("without NSP", "NSP 없음"),
    "mean": Bilingual("mean vector", "평균 벡터"),
    "first": Bilingual("first token's vector", "첫 토큰의 벡터"),
    "judged on pairs": Bilingual("evaluated on pairs", "문장 쌍으로 평가"),
    "judged on full": Bilingual("evaluated on full rows", "꽉 채운 행으로 평가"),
}
NAMES = {
    **{form: _ONE[form] for form in FORMATS},
    **{f"{form}, {other}": joined(form, other) for form in FORMATS for other in (*LOSSES, *KINDS)},
    **{
        f"{loss}, judged on {form}": joined(loss, f"judged on {form}")
        for loss in LOSSES
        for form in FORMATS
    },
    PUBLISHED: Bilingual("as published: both losses on the same pairs",
                         "논문대로: 같은 쌍에 두 손실"),
    LEFT_TO_RIGHT: Bilingual("left to right, full rows", "왼쪽에서 오른쪽, 꽉 채운 행"),
    "topics": Bilingual("topics", "주제"),
    "learned": Bilingual("probe after training against before", "학습 뒤와 학습 전의 프로브"),
    "effect": Bilingual("effect", "효과"),
}  # fmt: skip
