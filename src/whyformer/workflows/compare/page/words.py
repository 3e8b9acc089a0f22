"""The texts of the page of a comparison, in both languages."""

from html import escape

from whyformer.foundation.bilingual import Bilingual, Language

WORDS: dict[str, Bilingual] = {
    "title_one": Bilingual("“{arm}” against “{base}”", "‘{base}’ 대 ‘{arm}’"),
    "title_many": Bilingual("{count} arms against “{base}”", "‘{base}’ 대 비교군 {count}개"),
    "lead": Bilingual(
        "Recipe {recipe}, metric {metric} ({unit}), {seeds} seeds, {budget}.",
        "레시피 {recipe}, 지표 {metric}({unit}), 시드 {seeds}개, {budget}.",
    ),
    "higher": Bilingual("higher is better", "높을수록 좋음"),
    "lower": Bilingual("lower is better", "낮을수록 좋음"),
    "result": Bilingual("Result", "결과"),
    "how_drawn": Bilingual(
        "The dot is the effect: the mean over the seeds of the score of the arm minus that of the "
        "base. The bar is its interval. The shaded zone lies between −margin and +margin: "
        "differences inside it are too small to matter.",
        "점은 효과, 곧 ‘비교군의 점수 − 기준의 점수’를 시드에 대해 평균한 값이고, 막대는 그 구간입니다. "
        "음영은 −최소 차이와 +최소 차이 사이로, 이 안의 차이는 중요하지 않을 만큼 작습니다.",
    ),
    "both_units": Bilingual(
        "The interval covers other seeds and other test items.",
        "구간은 다른 시드와 다른 평가 항목에서 나올 값까지 고려합니다.",
    ),
    "seeds_only": Bilingual(
        "The interval covers other seeds only, and says nothing about other test items.",
        "구간은 다른 시드만 고려하며, 다른 평가 항목에 대해서는 아무것도 말해 주지 않습니다.",
    ),
    "several": Bilingual(
        "With several arms, the p-values and verdicts are corrected with Holm's method.",
        "비교군이 여럿이므로 p값과 판정을 홀름(Holm) 방법으로 보정했습니다.",
    ),
    "facts": Bilingual(
        "p = {p}, {seeds} seeds, {lines} test items", "p = {p}, 시드 {seeds}개, 평가 항목 {lines}개"
    ),
    "facts_seeds": Bilingual("p = {p}, {seeds} seeds", "p = {p}, 시드 {seeds}개"),
    "tuned_to": Bilingual("tuned: {values}", "조정한 값: {values}"),
    "registration": Bilingual("Criterion and registration", "판정 기준과 사전 등록"),
    "registered": Bilingual(
        "Registered at {time}, before the first update. Nothing changed afterwards.",
        "첫 업데이트 전인 {time}에 등록했고, 그 뒤로 바뀐 것이 없습니다.",
    ),
    "not_registered": Bilingual(
        "Not pre-registered: {what} changed after the start ({time}).",
        "사전 등록이 아닙니다. 시작({time}) 뒤에 바뀐 항목: {what}.",
    ),
    "criterion": Bilingual("Criterion", "판정 기준"),
    "margin": Bilingual("Margin: the smallest difference that matters", "의미 있는 최소 차이"),
    "budget": Bilingual("Budget", "예산"),
    "seeds": Bilingual("Seeds", "시드"),
    "stop_early": Bilingual("Early stopping", "조기 종료"),
    "yes": Bilingual("yes", "예"),
    "no": Bilingual("no", "아니요"),
    "tuning": Bilingual("Tuning", "하이퍼파라미터 조정"),
    "no_tuning": Bilingual("none", "없음"),
    "trials_of": Bilingual(
        "{count} trials for each arm, on seed {seeds}", "비교군마다 {count}회 시도, 시드 {seeds}"
    ),
    "test": Bilingual("Test items", "평가 항목"),
    "validation": Bilingual("the validation set", "검증 집합"),
    "code": Bilingual("Version of the code", "코드 버전"),
    "recipe": Bilingual("Recipe", "레시피"),
    "arm": Bilingual("Arm", "비교군"),
    "arms": Bilingual("Arms", "비교군"),
    "settings": Bilingual("Settings", "설정"),
    "as_recipe": Bilingual("those of the recipe", "레시피 그대로"),
    "recipe_hash": Bilingual("SHA-256 of the whole recipe", "전체 레시피의 SHA-256"),
    "file": Bilingual("SHA-256 of registration.json", "registration.json의 SHA-256"),
    "plugins": Bilingual("Plugins", "플러그인"),
    "changes": Bilingual("Changes after the start", "시작 뒤의 변경"),
    "when": Bilingual("Time", "시각"),
    "what": Bilingual("Changed", "바뀐 항목"),
    "before": Bilingual("Before", "이전 값"),
    "curves": Bilingual("Learning curves", "학습 곡선"),
    "curves_lead": Bilingual(
        "Each line is one training, and each colour is one arm. All seeds are shown.",
        "선 하나가 학습 하나이고, 색이 같으면 같은 비교군입니다. 모든 시드를 그렸습니다.",
    ),
    "hover": Bilingual(
        "Point at the chart, or use the arrow keys, to read its values.",
        "그림을 가리키거나 화살표 키를 누르면 값을 읽을 수 있습니다.",
    ),
    "update": Bilingual("update", "업데이트"),
    "minute": Bilingual("minutes of training, without validations", "학습 시간(분, 검증 제외)"),
    "validation_of": Bilingual("{metric} on the validation set", "검증 집합의 {metric}"),
    "validation_loss": Bilingual("validation loss", "검증 손실"),
    "training_loss": Bilingual("training loss, nats per token", "학습 손실 (토큰당 nat)"),
    "seed_of": Bilingual("{arm}, seed {seed}", "{arm}, 시드 {seed}"),
    "no_points": Bilingual("No points were measured.", "측정한 점이 없습니다."),
    "tuning_lead": Bilingual(
        "Each arm had the same number of trials, on seeds that are not judged. The value with the "
        "best {metric} on the validation set was kept.",
        "비교군마다 같은 횟수만큼, 판정에 쓰지 않는 시드로 시도했습니다. 검증 집합의 {metric} 값이 가장 "
        "좋은 설정을 골랐습니다.",
    ),
    "trial": Bilingual("Trial", "시도"),
    "kept": Bilingual("Kept", "선택"),
    "kept_mark": Bilingual("✓ kept", "✓ 선택"),
    "values": Bilingual("Values", "값"),
    "costs": Bilingual("Cost beside quality", "비용과 품질"),
    "costs_lead": Bilingual(
        "Means of a training. Operations are those of the matrix products, for sentences of 30 "
        "tokens.",
        "학습 하나의 평균입니다. 연산량은 토큰 30개짜리 문장으로 계산한 행렬곱의 연산 수입니다.",
    ),
    "score": Bilingual("Score", "점수"),
    "time": Bilingual("Minutes", "시간(분)"),
    "count_updates": Bilingual("Updates", "업데이트"),
    "count_tokens": Bilingual("Target tokens", "목표 토큰"),
    "parameters": Bilingual("Parameters", "파라미터"),
    "operations": Bilingual("FLOPs", "연산(FLOPs)"),
    "cells": Bilingual("All trainings", "모든 학습"),
    "cells_lead": Bilingual(
        "The score is that of the best weights of each training on the test items.",
        "점수는 각 학습의 가장 좋은 가중치를 평가 항목에서 잰 값입니다.",
    ),
    "seed": Bilingual("Seed", "시드"),
    "difference": Bilingual("Minus base", "기준과의 차이"),
    "best_validation": Bilingual("Best on validation", "최고 검증 점수"),
    "base_mark": Bilingual("(base)", "(기준)"),
    "made": Bilingual(
        "Made by whyformer {version}. All numbers of this page are in comparison.json.",
        "whyformer {version}으로 만들었습니다. 이 페이지의 모든 숫자는 comparison.json에 있습니다.",
    ),
}
CRITERION_KO = (
    "비교군의 효과는 같은 평가 항목에서 ‘비교군의 점수 − 기준의 점수’를 시드에 대해 평균한 값입니다. 효과의 "
    "95 % 구간이 0을 포함하지 않으면 ‘더 좋음’이나 ‘더 나쁨’, 구간이 −최소 차이와 +최소 차이 사이에 있으면 "
    "‘의미 있는 차이 없음’, 그 밖에는 ‘판단 유보’로 판정합니다. 비교군이 여럿이면 홀름(Holm) 방법으로 "
    "보정합니다. 조기 종료를 쓰면 매번 확인할 때의 유의 수준을 오브라이언–플레밍(O'Brien–Fleming) 방식으로 "
    "나눕니다."
)
"""The registered criterion in Korean."""
CHANGED: dict[str, Bilingual] = {
    "seeds": Bilingual("seeds", "시드"),
    "margin": Bilingual("margin", "의미 있는 최소 차이"),
    "stop_early": Bilingual("early stopping", "조기 종료"),
    "code": Bilingual("code", "코드"),
}
"""What may change after the start, by its name in the registration."""


def say(word: str, language: Language, **values: object) -> str:
    """Return a text of the page as HTML, with values filled in."""
    return escape(WORDS[word].in_(language).format(**values))
