"""The texts of the laboratory's pages and commands outside the cards, in both languages."""

from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.verdict import Verdict

WORDS: dict[str, Bilingual] = {
    "laboratory": Bilingual("The Transformer, questioned", "트랜스포머에게 묻다"),
    "lab": Bilingual("laboratory", "실험실"),
    "lead": Bilingual(
        "What is usually said about the Transformer, turned into claims that a measurement can "
        "refute, and measured on the modules of whyformer itself. Each verdict follows from a "
        "criterion that stood in the code before the run.",
        "트랜스포머에 대해 흔히 하는 말을 측정으로 반박할 수 있는 주장으로 바꾸고, whyformer의 모듈로 "
        "직접 재었습니다. 판정은 실행 전에 코드에 적어 둔 기준에 따라 내려집니다.",
    ),
    "verdicts": Bilingual("Verdicts", "판정"),
    "all_verdicts": Bilingual("All verdicts at a glance", "판정 한눈에 보기"),
    "count": Bilingual(
        "{claims} claims in {questions} questions", "질문 {questions}개, 주장 {claims}개"
    ),
    "filter": Bilingual(
        "Choose a word to see its claims only.", "판정을 고르면 그 판정을 받은 주장만 보입니다."
    ),
    "glossary": Bilingual("Glossary", "용어집"),
    "glossary_lead": Bilingual(
        "The words of these pages in both languages.",
        "이 보고서에 나오는 용어를 두 언어로 정리했습니다.",
    ),
    "term": Bilingual("Term", "용어"),
    "meaning": Bilingual("Meaning", "뜻"),
    "other_term": Bilingual("Korean", "영어"),
    "not_yet": Bilingual("not yet measured", "아직 재지 않음"),
    "not_in_this_run": Bilingual("not part of this run", "이번 실행에는 없음"),
    "not_written": Bilingual(
        "The text of this page is not written yet.", "이 페이지의 글은 아직 없습니다."
    ),
    "quick_run": Bilingual(
        "This page shows a quick run: few seeds, and usually one learning rate an arm. Where the "
        "text speaks of best rates, grids or further arms it describes the full run, which "
        "decides.",
        "빠른 실행의 결과입니다. 시드가 적고 방식마다 학습률도 대개 하나뿐입니다. 본문의 ‘가장 좋은 "
        "학습률’, 격자, 그 밖의 비교군은 전체 실행에 관한 설명이며, 결정은 전체 실행이 내립니다.",
    ),
    "quick_mark": Bilingual("(quick run)", "(빠른 실행)"),
    "quick_count": Bilingual(
        "{quick} of {questions} questions show a quick run.",
        "질문 {questions}개 가운데 {quick}개는 빠른 실행의 결과입니다.",
    ),
    "older": Bilingual(
        "This was measured by an older revision of the experiment.",
        "실험의 이전 판으로 잰 결과입니다.",
    ),
    "claims": Bilingual("The claims and their verdicts", "주장과 판정"),
    "precise": Bilingual("As it can be tested", "검증할 수 있는 말로"),
    "criterion": Bilingual("Criterion, fixed before the run", "실행 전에 정한 기준"),
    "criterion_now": Bilingual("Criterion and tests", "기준과 검사"),
    "changed_after_data": Bilingual("Changed after the data:", "측정 뒤에 바뀐 점:"),
    "precondition": Bilingual("Check of the measurement:", "측정 점검:"),
    "circumstance": Bilingual("Where", "어디에서"),
    "test": Bilingual("Tested", "검사"),
    "effect": Bilingual("Measured", "측정값"),
    "demanded": Bilingual("Demanded", "요구"),
    "answer": Bilingual("Result", "결과"),
    "above": Bilingual("above {low}", "{low} 초과"),
    "at_least": Bilingual("at least {low}", "{low} 이상"),
    "below": Bilingual("below {high}", "{high} 미만"),
    "at_most": Bilingual("at most {high}", "{high} 이하"),
    "between": Bilingual("between {low} and {high}", "{low}에서 {high} 사이"),
    "exactly": Bilingual("exactly {low}", "정확히 {low}"),
    "anything": Bilingual("any", "무엇이든"),
    "holds": Bilingual("holds", "성립"),
    "absent": Bilingual("not met", "불충족"),
    "opposite": Bilingual("the contrary", "반대"),
    "open": Bilingual("open", "미정"),
    "holds_in": Bilingual("Holds:", "성립:"),
    "fails_in": Bilingual("Fails:", "불성립:"),
    "open_in": Bilingual("Open:", "미정:"),
    "numbers_behind": Bilingual("The numbers behind this chart", "그림 뒤의 숫자"),
    "broke_down": Bilingual("broke down", "발산"),
    "no_points": Bilingual("No points were measured.", "측정한 점이 없습니다."),
    "hover": Bilingual(
        "Point at the chart, or use the arrow keys, to read its values.",
        "그림을 가리키거나 화살표 키를 누르면 값을 읽을 수 있습니다.",
    ),
    "theory": Bilingual("theory", "이론"),
    "row": Bilingual("row", "행"),
    "bootstrap": Bilingual(
        "95 % bootstrap interval over {seeds} seeds", "시드 {seeds}개의 95 % 부트스트랩 구간"
    ),
    "range": Bilingual("least and greatest of {seeds} seeds", "시드 {seeds}개의 최솟값과 최댓값"),
    "one_seed": Bilingual("one seed", "시드 1개"),
    "binomial": Bilingual(
        "exact 95 % interval of a counted share (Clopper-Pearson)",
        "센 비율의 정확한 95 % 구간 (클로퍼-피어슨)",
    ),
    "student": Bilingual(
        "interval of `whyformer compare` (Student's t, {seeds} seeds)",
        "`whyformer compare`의 구간 (스튜던트 t, 시드 {seeds}개)",
    ),
    "exact": Bilingual("exact, the same for every seed", "정확한 값, 시드와 무관"),
    "provenance": Bilingual("Where these numbers come from", "이 숫자들의 출처"),
    "part": Bilingual("Part", "부분"),
    "conditions": Bilingual("Conditions", "조건 수"),
    "seeds": Bilingual("Seeds", "시드 수"),
    "cells": Bilingual("Measurements", "측정 수"),
    "time": Bilingual("Core time", "코어 시간"),
    "minutes": Bilingual("{minutes} min", "{minutes}분"),
    "seconds": Bilingual("{seconds} s", "{seconds}초"),
    "mode": Bilingual("Run", "실행"),
    "quick": Bilingual("quick", "빠른 실행"),
    "full": Bilingual("full", "전체 실행"),
    "versions": Bilingual("Versions", "버전"),
    "machine": Bilingual("Machine", "기계"),
    "cores": Bilingual(
        "{cores} cores, {threads} thread a measurement",
        "코어 {cores}개, 측정마다 스레드 {threads}개",
    ),
    "config": Bilingual("Grid", "격자"),
    "result_file": Bilingual("All numbers of this page as JSON", "이 페이지의 모든 숫자 (JSON)"),
    "reproduce": Bilingual("Measure it again", "다시 재기"),
    "how_to_read": Bilingual("How to read the verdicts", "판정 읽는 법"),
    "how_intervals": Bilingual(
        "The unit that is repeated is the seed: it chooses the starting weights and the order of "
        "the data. A number in [brackets] has a 95 % percentile bootstrap interval over seeds; of "
        "only five seeds it covers about 84 % of normal draws, of twenty 93 %. With fewer than "
        "five seeds the least and the greatest stand in (parentheses), and for its verdict that "
        "range is widened by its own width on both sides, which for two seeds covers 80 %. Arms "
        "share their seeds and are compared pair by pair, each at its own best learning rate. A "
        "claim is judged by whole intervals, in every circumstance on its own.",
        "반복의 단위는 시드입니다. 시드가 초기 가중치와 데이터 순서를 정합니다. [대괄호]는 시드에 대한 "
        "95 % 백분위 부트스트랩 구간인데, 시드가 다섯이면 실제 포함 확률은 (정규분포에서) 약 84 %, 스물이면 "
        "93 %입니다. 시드가 다섯보다 적으면 (소괄호)에 최솟값과 최댓값을 적고, 판정할 때는 그 범위를 양쪽으로 "
        "제 너비만큼 넓힙니다(시드가 둘이면 포함 확률 80 %). 비교하는 방식들은 같은 시드를 쓰고, 각자 가장 좋은 학습률에서 짝지어 비교합니다. 주장은 구간 전체로, "
        "조건마다 따로 판정합니다.",
    ),
    "refuted_too": Bilingual(
        "A claim that fails is published like any other.",
        "실패한 주장도 다른 주장과 똑같이 공개합니다.",
    ),
    "predict": Bilingual("Predict first", "먼저 예상해 보세요"),
    "right": Bilingual("Yes.", "맞습니다."),
    "wrong": Bilingual("Not quite.", "그렇지 않습니다."),
    "needs_script": Bilingual(
        "This piece computes in the page and needs JavaScript.",
        "이 부분은 페이지 안에서 계산하므로 자바스크립트가 필요합니다.",
    ),
    "live_note": Bilingual(
        "Computed here in the page from its formula, not measured.",
        "측정값이 아니라 이 페이지에서 식으로 계산한 값입니다.",
    ),
    "next": Bilingual("Next", "다음"),
    "previous": Bilingual("Before", "이전"),
    "headline": Bilingual("Headline numbers", "주요 숫자"),
    "page": Bilingual("Page", "페이지"),
    "build_pages": Bilingual(
        "`whyformer lab report` builds the pages.", "`whyformer lab report`로 페이지를 만듭니다."
    ),
    "published_verdict": Bilingual("published", "공개된 판정"),
    "this_run": Bilingual("this run", "이번 실행"),
    "contradicts": Bilingual("CONTRADICTS the published verdict", "공개된 판정과 모순됩니다"),
    "nothing_found": Bilingual(
        "The laboratory has no answer to that yet.",
        "아직 그 질문에 대한 답이 없습니다.",
    ),
    "nearest": Bilingual("The nearest questions it answers", "답이 있는 가장 가까운 질문"),
    "answered": Bilingual(
        "Some of the questions that it answers (`whyformer lab list` shows all)",
        "실험실이 답하는 질문의 예 (`whyformer lab list`로 모두 볼 수 있습니다)",
    ),
    "also": Bilingual("Also about this", "관련된 다른 질문"),
}

VERDICT_MEANINGS: dict[Verdict, Bilingual] = {
    Verdict.SUPPORTED: Bilingual(
        "The criterion is met in every circumstance.", "모든 조건에서 기준을 만족합니다."
    ),
    Verdict.CONDITIONAL: Bilingual(
        "Met in the circumstances that are named, and certainly not met in others.",
        "이름을 적은 조건에서는 만족하고, 다른 조건에서는 확실히 만족하지 않습니다.",
    ),
    Verdict.NOT_SUPPORTED: Bilingual(
        "The effect is certainly too small, or fails in every circumstance.",
        "효과가 확실히 너무 작거나, 모든 조건에서 기준에 못 미칩니다.",
    ),
    Verdict.REFUTED: Bilingual(
        "The contrary was seen in every circumstance.", "모든 조건에서 반대가 관찰되었습니다."
    ),
    Verdict.INCONCLUSIVE: Bilingual(
        "The intervals reach over the limit: more seeds could decide.",
        "구간이 한계를 걸치고 있어, 시드를 늘려야 판단할 수 있습니다.",
    ),
}
