"""The charts and tables of the page."""

import math

from whyformer.lab.experiments.smoothing.claims import TEXTS, best, best_accuracy
from whyformer.lab.experiments.smoothing.experiment import EPSILONS, JUDGED, PLENTY, SCARCE
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import PEAK_RATE, SHARE_RIGHT, Axis, Chart, Figure, Series, theory
from whyformer.lab.method.curves import points_along
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    kinds = (
        ("nll", Axis(Bilingual("loss without smoothing, nats", "스무딩 없이 잰 손실 (nat)")),
         Bilingual("Loss on held-out text", "처음 보는 글에서 잰 손실"),
         Bilingual("Trained with ε, evaluated without. With plenty of text the loss rises. With "
                   "little text it falls.",
                   "ε로 학습하고 스무딩 없이 쟀습니다. 글이 많으면 손실이 늘고, 적으면 줄어듭니다.")),
        ("accuracy", SHARE_RIGHT, Bilingual("Accuracy", "정확도"),
         Bilingual("How often the most probable character is correct, at the learning rate with "
                   "the highest accuracy.",
                   "확률이 가장 높은 문자가 정답인 비율입니다. 정확도가 가장 높은 학습률을 썼습니다.")),
        ("error", Axis(Bilingual("calibration error (ECE)", "캘리브레이션 오차 (ECE)")),
         Bilingual("Calibration error", "캘리브레이션 오차"),
         Bilingual("The mean difference between confidence and accuracy.",
                   "확신과 정확도의 평균적인 차이입니다.")),
    )  # fmt: skip
    drawn: list[Figure] = []
    for number, axis, title, caption in kinds:
        series = []
        for text in TEXTS:
            found = [
                (e, best_accuracy(results, text, e) if number == "accuracy"
                    else best(results, number, text, e)) for e in EPSILONS
            ]  # fmt: skip
            points = [(e, estimate(values)) for e, values in found if values is not None]
            series.append(Series(NAMES[text], points))
        x = Axis(Bilingual("smoothing ε", "스무딩 ε"))
        drawn.append(Chart(number, title, x, axis, series, caption))
    rates = Chart(
        "rates",
        Bilingual("Accuracy at every learning rate, little text", "학습률마다 잰 정확도, 적은 글"),
        PEAK_RATE,
        SHARE_RIGHT,
        [
            Series(
                NAMES[f"epsilon {e:g}"],
                points_along(results, "training", "accuracy", "rate", text=SCARCE, epsilon=e),
            )
            for e in EPSILONS
        ],
        Bilingual(
            "Without smoothing the best learning rate is lower than with smoothing. Compare the "
            "highest points of the curves.",
            "스무딩이 없을 때의 가장 좋은 학습률은 있을 때보다 낮습니다. 각 곡선의 가장 높은 점끼리 "
            "비교하세요.",
        ),
    )
    return [*drawn, rates, *(reliability_chart(results, text) for text in TEXTS)]


def reliability_chart(results: Results, text: str) -> Chart:
    """Draw the accuracy of predictions as a function of their confidence."""
    series = [
        theory(Bilingual("calibrated", "완벽한 캘리브레이션"), (0.0, 1.0), lambda share: share)
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
        Axis(Bilingual("confidence", "확신")),
        SHARE_RIGHT,
        series,
        Bilingual(
            "Below the line the model is overconfident: it is correct less often than it says. "
            "Above the line it is underconfident.",
            "선 아래는 과신입니다. 모델이 말하는 것보다 덜 맞힙니다. 선 위는 확신이 부족한 경우입니다.",
        ),
    )


NAMES = {
    PLENTY: Bilingual("plenty of text", "글이 넉넉할 때"),
    SCARCE: Bilingual("little text, read many times", "적은 글을 여러 번 읽을 때"),
    "epsilon 0": Bilingual("no smoothing", "스무딩 없음"),
    **{f"epsilon {e:g}": Bilingual(f"ε = {e:g}", f"ε = {e:g}") for e in EPSILONS[1:]},
}
