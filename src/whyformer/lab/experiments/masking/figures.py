"""The charts and tables of the page."""

from itertools import count

from whyformer.data.corruption import RATE
from whyformer.lab.experiments.masking.claims import error, of_arm, recipes
from whyformer.lab.experiments.masking.data import BERTS, BLOCK, CAUSAL, LENGTH, ROWS
from whyformer.lab.experiments.masking.experiment import TUNED_EVERY
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import PEAK_RATE, Axis, Chart, Series
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    tasks = [*CAUSAL, *recipes(results)]
    per_update = {task: CAUSAL.get(task, RATE) * ROWS * LENGTH / 1000 for task in tasks}

    def learning(name: str, title: Bilingual, x: Axis, units: dict[str, float]) -> Chart:
        series = [
            Series(NAMES[task], points_of_rows(count(BLOCK * units[task], BLOCK * units[task]), rows))
            for task in tasks
            for rows in [[row for row in of_arm(results, task, "curve") or [] if row]]
        ]  # fmt: skip
        y = Axis(Bilingual("training loss, nats per prediction", "학습 손실 (예측당 nat)"))
        caption = Bilingual("The tasks differ, so the losses at the end cannot be compared. "
                            "Compare where a curve begins to fall.",
                            "과제가 서로 다르므로 마지막 손실은 비교할 수 없습니다. 곡선이 언제 "
                            "내려가기 시작하는지 비교하세요.")  # fmt: skip
        return Chart(name, title, x, y, series, caption)

    updates = Bilingual("updates", "갱신 횟수")
    predictions = Bilingual("thousands of predicted characters", "예측한 문자 수 (천)")
    wrong = Axis(Bilingual("letters with a wrong word, %", "단어를 틀린 글자의 비율 (%)"))
    drawn = [
        learning("updates", Bilingual("Loss by number of updates", "갱신 횟수에 따른 손실"),
                 Axis(updates), dict.fromkeys(tasks, 1.0)),
        learning("predictions", Bilingual("Loss by number of predictions", "예측 수에 따른 손실"),
                 Axis(predictions, log=True), per_update),
    ]  # fmt: skip
    if error(results, BERTS, "tuned"):
        found = [(t, of_arm(results, t, "tuned") or []) for t in results.levels("masked", "task")]
        drawn.append(
            Chart(
                "tuning",
                Bilingual("Error during fine-tuning", "미세 조정하는 동안의 오류"),
                Axis(Bilingual("updates of all weights", "모든 가중치의 갱신 횟수")),
                wrong,
                [Series(NAMES[task], points_of_rows(count(TUNED_EVERY, TUNED_EVERY), rows))
                 for task, rows in found],
                Bilingual("The differences between the recipes become small.",
                          "방식에 따른 차이가 작아집니다."),
            )
        )  # fmt: skip
    if len(results.levels("masked", "rate", task=BERTS)) > 1:
        drawn.append(
            Chart(
                "rates",
                Bilingual("Error of the probe by learning rate", "학습률에 따른 프로브의 오류"),
                PEAK_RATE,
                wrong,
                series_for_each(
                    NAMES, recipes(results), results, "masked", "probe", "rate", by="task"
                ),
                Bilingual("A linear map of frozen states. For random characters, the best "
                          "learning rate for the probe is not the best one for the training loss.",
                          "고정한 상태 벡터의 선형 사상입니다. 무작위 문자만 쓰면 프로브에 가장 좋은 "
                          "학습률과 학습 손실에 가장 좋은 학습률이 다릅니다."),
            )
        )  # fmt: skip
    return drawn


NAMES = {
    "80-10-10": Bilingual("80 % mask, 10 % same, 10 % random",
                          "마스크 80 %, 그대로 10 %, 무작위 10 %"),
    "100-0-0": Bilingual("always the mask", "언제나 마스크"),
    "0-0-100": Bilingual("always a random character", "언제나 무작위 문자"),
    "none": Bilingual("no pre-training", "사전 학습 없음"),
    "causal": Bilingual("left to right, loss at every position",
                        "왼쪽에서 오른쪽, 모든 위치의 손실"),
    "causal-15": Bilingual("left to right, loss at 15 %", "왼쪽에서 오른쪽, 15 % 위치의 손실"),
}  # fmt: skip
