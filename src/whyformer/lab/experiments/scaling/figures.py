"""The charts and tables of the page."""

from whyformer.lab.experiments.scaling.experiment import DRAWN, KEYS, NONE, SQRT
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import (
    PEAK_RATE,
    VALIDATION_LOSS,
    Axis,
    Chart,
    Points,
    Series,
    theory,
)
from whyformer.lab.method.curves import points_along, series_for_each
from whyformer.lab.method.experiment import Results


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    widths = results.levels("scores", "d_k", n=KEYS, law="normal")
    d_k = Axis(Bilingual("width of a head, d_k", "헤드의 너비 d_k"), log=True)

    def over_widths(number: str) -> Points:
        return points_along(results, "scores", number, "d_k", n=KEYS, law="normal")

    drawn = [
        Chart(
            "score-std",
            Bilingual("How large the scores are", "점수의 크기"),
            d_k,
            Axis(Bilingual("standard deviation of q·k", "q·k의 표준편차"), log=True),
            [
                *(Series(NAMES[scale], over_widths(f"{scale}/std")) for scale in DRAWN),
                *(
                    theory(
                        Bilingual(f"theory: {name}", f"이론: {name}"),
                        widths,
                        lambda d, power=power: d**power,
                    )
                    for name, power in (("√d_k", 0.5), ("1", 0.0), ("1/√d_k", -0.5))
                ),
            ],
            Bilingual(
                "Only 1/√d_k makes the scores' size independent of the width.",
                "1/√d_k만이 점수의 크기를 너비와 무관하게 만듭니다.",
            ),
        ),
        Chart(
            "gradient",
            Bilingual(
                "Gradient to a query: typical row and mean square",
                "질의의 기울기: 보통 행과 평균제곱",
            ),
            d_k,
            Axis(Bilingual("norm of dL/dq", "dL/dq의 노름"), log=True),
            [
                Series(
                    Bilingual(f"{NAMES[scale].en}, {en}", f"{NAMES[scale].ko}, {ko}"),
                    over_widths(f"{scale}/gradient_{kind}"),
                )
                for scale in (NONE, SQRT)
                for kind, en, ko in (
                    ("rms", "root mean square", "제곱평균제곱근"),
                    ("median", "median", "중앙값"),
                )
            ],
            Bilingual(
                "Without the factor the median and the root mean square part company: most rows "
                "receive nothing, a few receive very much.",
                "인자가 없으면 중앙값과 제곱평균제곱근이 서로 반대로 갑니다. 대부분의 행은 거의 "
                "기울기를 받지 못하고, 몇몇 행이 아주 큰 기울기를 받습니다.",
            ),
        ),
        Chart(
            "largest",
            Bilingual("The largest softmax weight of a row", "한 행에서 가장 큰 소프트맥스 가중치"),
            d_k,
            Axis(Bilingual("mean of max p", "max p의 평균")),
            [Series(NAMES[scale], over_widths(f"{scale}/largest")) for scale in DRAWN],
            Bilingual(
                "Near 1 a row looks at one key only; near 1/64 it looks at all alike.",
                "1에 가까우면 한 키만 보고, 1/64에 가까우면 모든 키를 똑같이 봅니다.",
            ),
        ),
    ]
    where = {"heads": 1, "optimizer": "adam"}
    if len(results.levels("training", "rate", **where)) > 1:
        arms = results.levels("training", "arm", **where)
        series = series_for_each(
            NAMES, arms, results, "training", "loss", "rate", by="arm", **where
        )
        drawn.append(
            Chart(
                "rates",
                Bilingual("After training, at every learning rate", "학습 뒤, 학습률마다"),
                PEAK_RATE,
                VALIDATION_LOSS,
                series,
                Bilingual(
                    "One head of width 128. Compare each arm at its own lowest point.",
                    "너비 128인 헤드 하나. 각 방식은 자신의 가장 낮은 점에서 비교합니다.",
                ),
            )
        )
    return drawn


NAMES = {
    "none": Bilingual("no factor", "인자 없음"),
    "inverse-sqrt": alike("1/√d_k"),
    "inverse": alike("1/d_k"),
    "cosine": Bilingual("unit-length q and k", "길이 1로 맞춘 q와 k"),
    "folded": Bilingual(
        "no factor, W_Q starts 1/√d_k as large", "인자 없음, W_Q를 1/√d_k배로 시작"
    ),
    "normal": Bilingual("normal components", "정규분포 성분"),
    "rademacher": Bilingual("components ±1", "±1 성분"),
    "rms": Bilingual("root mean square", "제곱평균제곱근"),
    "median": Bilingual("typical row (median)", "보통 행 (중앙값)"),
    "1 heads": Bilingual("1 head (d_k = 128)", "헤드 1개 (d_k = 128)"),
    "8 heads": Bilingual("8 heads (d_k = 16)", "헤드 8개 (d_k = 16)"),
    "adam": alike("Adam"),
    "sgd": alike("SGD"),
    "d_k = 64": alike("d_k = 64"),
    "variance": Bilingual("largest |Var/d_k − 1|", "|Var/d_k − 1|의 최댓값"),
    "slope unscaled": Bilingual("exponent without the factor", "인자가 없을 때의 지수"),
    "slope scaled": Bilingual("exponent with the factor", "인자가 있을 때의 지수"),
    "Jacobian": Bilingual("median Jacobian, without / with", "야코비안 중앙값의 비 (없음/있음)"),
}
