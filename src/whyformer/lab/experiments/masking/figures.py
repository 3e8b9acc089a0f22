"""The charts and tables of the page."""

from itertools import count

from whyformer.data.corruption import RATE
from whyformer.lab.experiments.masking.claims import recipes
from whyformer.lab.experiments.masking.data import (
    BERTS,
    BLOCK,
    CAUSAL,
    LENGTH,
    ROWS,
    measured,
    text_property,
)
from whyformer.lab.experiments.masking.experiment import LEVEL, TUNED_EVERY
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import Axis, Chart, Points, Series, theory
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    tasks = [*CAUSAL, *recipes(results)]

    def curve(task: str, unit: float) -> Points:
        part = "causal" if task in CAUSAL else "masked"
        curves = tuned(results, part, "curve", by="updates", task=task) or []
        rows = [row for row in curves if row]
        return points_of_rows((unit * BLOCK * (block + 1) for block in count()), rows)

    loss = Axis(Bilingual("training loss, nats a prediction", "학습 손실 (예측당 nat)"))
    per_update = {task: CAUSAL.get(task, RATE) * ROWS * LENGTH / 1000 for task in tasks}
    aim = text_property(results, "unigram") - LEVEL
    drawn: list[Chart] = []
    for name, title, axis, units in (
        (
            "updates",
            Bilingual("Loss against updates", "갱신 횟수에 따른 손실"),
            Axis(Bilingual("updates", "갱신 횟수")),
            dict.fromkeys(tasks, 1.0),
        ),
        (
            "predictions",
            Bilingual("Loss against predictions", "예측한 수에 따른 손실"),
            Axis(Bilingual("thousands of predicted characters", "예측한 문자 수 (천)"), log=True),
            per_update,
        ),
    ):
        series = [Series(NAMES[task], curve(task, units[task])) for task in tasks]
        end = max(x for one in series for x, _ in one.points)
        begin = min(x for one in series for x, _ in one.points)
        level = theory(
            Bilingual("half a nat below the characters' entropy", "문자 엔트로피보다 0.5 nat 아래"),
            (begin, end),
            lambda _: aim,
        )
        drawn.append(
            Chart(
                name,
                title,
                axis,
                loss,
                [*series, level],
                Bilingual(
                    "The tasks differ, so compare when a curve bends down, not where it ends.",
                    "과제가 서로 다르므로 어디서 끝나는지가 아니라 언제 내려가기 시작하는지를 "
                    "비교합니다.",
                ),
            )
        )
    if measured(results, BERTS, "tuned"):
        drawn.append(tuning_chart(results))
    rates = results.levels("masked", "rate", task=BERTS)
    if len(rates) > 1:
        drawn.append(
            Chart(
                "rates",
                Bilingual("The probe, at every learning rate", "학습률마다 본 프로브의 오류"),
                Axis(
                    Bilingual("peak learning rate of the training", "사전 학습의 최고 학습률"),
                    log=True,
                ),
                Axis(
                    Bilingual(
                        "letters whose word is named wrongly, %", "단어를 틀린 글자의 비율 (%)"
                    )
                ),
                series_for_each(
                    NAMES, recipes(results), results, "masked", "probe", "rate", by="task"
                ),
                Bilingual(
                    "A linear map of frozen states. Compare each recipe at its own lowest point.",
                    "가중치를 고정한 상태 벡터에 선형 프로브를 붙였습니다. 방식마다 자신의 가장 낮은 "
                    "점에서 비교합니다.",
                ),
            )
        )
    return drawn


def tuning_chart(results: Results) -> Chart:
    """Return the chart of the error during fine-tuning, after pre-training at the middle learning
    rate."""
    series: list[Series] = []
    for task in results.levels("masked", "task"):
        rates = results.levels("masked", "rate", task=task)
        rows = results.values("masked", "tuned", task=task, rate=rates[len(rates) // 2])
        series.append(Series(NAMES[task], points_of_rows(count(TUNED_EVERY, TUNED_EVERY), rows)))
    return Chart(
        "tuning",
        Bilingual("Fine-tuning after each recipe", "방식마다 미세 조정한 결과"),
        Axis(Bilingual("updates of all weights", "모든 가중치의 갱신 횟수")),
        Axis(Bilingual("letters whose word is named wrongly, %", "단어를 틀린 글자의 비율 (%)")),
        series,
        Bilingual(
            "Pre-trained at the middle rate. The recipes come together as all weights learn.",
            "가운데 학습률로 사전 학습한 모델입니다. 모든 가중치를 학습하면 차이가 줄어듭니다.",
        ),
    )


NAMES = {
    "80-10-10": Bilingual(
        "80 % mask, 10 % same, 10 % random", "마스크 80 %, 그대로 10 %, 무작위 10 %"
    ),
    "100-0-0": Bilingual("always the mask", "언제나 마스크"),
    "0-0-100": Bilingual("always a random token", "언제나 무작위 토큰"),
    "none": Bilingual("no pre-training", "사전 학습 없음"),
    "causal": Bilingual(
        "left to right, loss at every position", "왼쪽에서 오른쪽, 모든 위치의 손실"
    ),
    "causal-15": Bilingual("left to right, loss at 15 %", "왼쪽에서 오른쪽, 15 % 위치의 손실"),
    "chosen": Bilingual("chosen, of all", "전체 중 고른 비율"),
    "hidden": Bilingual("hidden, of the chosen", "고른 것 중 마스크로 가린 비율"),
    "same": Bilingual("read as they are, of the chosen", "고른 것 중 그대로 읽는 비율"),
    "others touched": Bilingual("touched without being chosen", "고르지 않았는데 바뀐 비율"),
}
