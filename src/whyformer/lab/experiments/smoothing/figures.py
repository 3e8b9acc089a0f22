"""The charts and tables of the page."""

import math

from whyformer.lab.experiments.smoothing.claims import best
from whyformer.lab.experiments.smoothing.experiment import EPSILONS, JUDGED, PLENTY, SCARCE, TABLED
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import Axis, Chart, Figure, Series, theory
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    kinds = (
        ("nll", Bilingual("loss without smoothing, nats", "스무딩을 뺀 손실 (nat)"),
         Bilingual("The loss that smoothing costs or saves", "스무딩이 치르거나 아끼는 손실"),
         Bilingual("Trained with ε, judged without. With plenty of text it costs, with little it saves.",
              "ε로 학습하고 스무딩 없이 쟀습니다. 글이 많으면 손해, 적으면 이득입니다.")),
        ("accuracy", Bilingual("share of right guesses", "맞힌 비율"),
         Bilingual("Accuracy", "정확도"),
         Bilingual("How often the likeliest character is the right one.",
              "가장 그럴듯하다고 한 문자가 정답인 비율입니다.")),
        ("error", Bilingual("calibration error (ECE)", "보정 오차 (ECE)"),
         Bilingual("Calibration error", "보정 오차"),
         Bilingual("How far confidence and accuracy are apart.",
              "확신과 정확도가 얼마나 어긋나는지입니다.")),
    )  # fmt: skip
    drawn: list[Figure] = []
    for number, axis, title, caption in kinds:
        series = []
        for text in (PLENTY, SCARCE):
            found = [(e, best(results, number, text, e)) for e in EPSILONS]
            points = [(e, estimate(values)) for e, values in found if values is not None]
            series.append(Series(NAMES[text], points))
        drawn.append(
            Chart(
                number,
                title,
                Axis(Bilingual("smoothing ε", "스무딩 ε")),
                Axis(axis),
                series,
                caption,
            )
        )
    return [*drawn, *(reliability_chart(results, text) for text in (PLENTY, SCARCE))]


def reliability_chart(results: Results, text: str) -> Chart:
    """Draw the accuracy of predictions as a function of their confidence."""
    series = [
        theory(Bilingual("calibrated", "완벽한 보정"), (0.0, 1.0), lambda confidence: confidence)
    ]
    for epsilon in (0.0, JUDGED):
        places, shares = (best(results, n, text, epsilon) or [] for n in ("places", "shares"))
        points = [
            (sum(x) / len(x), estimate(y))
            for x, y in zip(zip(*places, strict=True), zip(*shares, strict=True), strict=True)
            if all(map(math.isfinite, x))
        ]
        series.append(Series(NAMES[f"epsilon {epsilon:g}"], points))
    return Chart(
        f"reliability-{text}",
        Bilingual(f"Confidence and accuracy, {NAMES[text].en}", f"확신과 정확도, {NAMES[text].ko}"),
        Axis(Bilingual("confidence of the guess", "추측의 확신")),
        Axis(Bilingual("share of right guesses", "맞힌 비율")),
        series,
        Bilingual(
            "Above the line the model is too modest, below it too sure.",
            "선 위는 지나치게 겸손한 것이고, 아래는 지나치게 확신하는 것입니다.",
        ),
    )


NAMES = {
    PLENTY: Bilingual("plenty of text", "글이 넉넉할 때"),
    SCARCE: Bilingual("little text, read many times", "적은 글을 여러 번 읽을 때"),
    **{
        f"epsilon {e:g}": Bilingual(
            f"ε = {e:g}" if e else "no smoothing", f"ε = {e:g}" if e else "스무딩 없음"
        )
        for e in (0.0, *TABLED)
    },
    "gap": Bilingual("largest difference of a probability", "확률 차이의 최댓값"),
    "odds_gap": Bilingual("difference of the log-odds", "로그 오즈의 차이"),
}
