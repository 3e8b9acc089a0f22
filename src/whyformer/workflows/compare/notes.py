"""Sentences that limit the result of a comparison, in both languages."""

from enum import StrEnum

from whyformer.foundation.bilingual import Bilingual


class Note(StrEnum):
    """What limits a result."""

    VALIDATION_SET = "validation_set"
    STOPPED_EARLY = "stopped_early"
    SHARED_TIME = "shared_time"


TEXTS: dict[Note, Bilingual] = {
    Note.VALIDATION_SET: Bilingual(
        "Scored on the validation set, which also selected the best weights of each run. Give "
        "--test for items that selected nothing.",
        "검증 집합으로 점수를 매겼는데, 각 실행의 가장 좋은 가중치도 이 집합으로 골랐습니다. 아무것도 고르지 "
        "않은 항목으로 평가하려면 --test를 지정합니다.",
    ),
    Note.STOPPED_EARLY: Bilingual(
        "Stopped before the last seed, because every verdict was clear.",
        "모든 판정이 분명해져서 마지막 시드 전에 멈췄습니다.",
    ),
    Note.SHARED_TIME: Bilingual(
        "Several trainings ran at the same time, and the budget is a time: they shared the memory "
        "of the machine. Use --workers 1, or a budget of updates, for exact comparisons of speed.",
        "예산이 시간인데 여러 학습을 동시에 실행했으므로 학습들이 컴퓨터의 메모리를 나누어 썼습니다. 속도를 "
        "정확히 비교하려면 --workers 1을 쓰거나 예산을 업데이트 수로 정합니다.",
    ),
}
