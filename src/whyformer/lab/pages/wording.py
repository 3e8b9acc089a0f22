"""The texts of the laboratory's pages and commands outside the cards, in both languages."""

from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.method.verdict import Verdict

WORDS: dict[str, Bilingual] = {
    "laboratory": Bilingual("The Transformer, questioned", "트랜스포머에게 묻다"),
    "lab": Bilingual("laboratory", "실험실"),
    "lead": Bilingual(
        "We turned what people say about the Transformer into claims that a measurement can "
        "refute, and measured them on the modules of whyformer. A written criterion decides each "
        "verdict.",
        "트랜스포머에 대해 흔히 하는 말을 측정으로 반박할 수 있는 주장으로 바꾸고, whyformer의 모듈로 "
        "직접 재었습니다. 판정은 글로 적어 둔 기준에 따라 내립니다.",
    ),
    "sayings": Bilingual("It began with these sentences", "이 문장들에서 시작했습니다"),
    "sayings_lead": Bilingual(
        "They are from the study notes of a mentor and students on “Attention Is All You Need”. Each "
        "sentence became one or more claims. A link leads to the measurement.",
        "‘Attention Is All You Need’를 공부한 멘토와 학생들의 노트에 있는 문장입니다. 문장마다 하나 이상의 주장으로 "
        "바꾸어 재었습니다. 링크를 누르면 측정 결과로 갑니다.",
    ),
    "mentor": Bilingual("Mentor:", "멘토:"),
    "students": Bilingual("Students:", "학생들:"),
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
    "claims": Bilingual("What people say, and what we measured", "흔히 하는 말과 측정 결과"),
    "people_say": Bilingual("People say", "흔히 하는 말"),
    "we_measured": Bilingual("We measured", "측정 결과"),
    "open_a_row": Bilingual(
        "Open a row to see what exactly was tested, the criterion, and every test.",
        "행을 펼치면 정확히 무엇을 검정했는지, 기준과 모든 검사를 볼 수 있습니다.",
    ),
    "practice": Bilingual("In practice", "실제로 쓸 때"),
    "precise": Bilingual("As it can be tested", "검증할 수 있는 말로"),
    "criterion": Bilingual("Criterion, fixed before the run", "실행 전에 정한 기준"),
    "criterion_now": Bilingual("Criterion and tests", "기준과 검사"),
    "changed_after_data": Bilingual("Changed after the data:", "측정 뒤에 바뀐 점:"),
    "precondition": Bilingual("Check of the measurement:", "측정 점검:"),
    "circumstance": Bilingual("Where", "어디에서"),
    "test": Bilingual("Tested", "검사"),
    "effect": Bilingual("Measured", "측정값"),
    "demanded": Bilingual("Required", "기준값"),
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
    "student": Bilingual("95 % t-interval over {seeds} seeds", "시드 {seeds}개의 95 % t 구간"),
    "order": Bilingual(
        "interval of the median over {seeds} seeds, at least 95 %",
        "시드 {seeds}개의 중앙값 구간 (95 % 이상)",
    ),
    "range": Bilingual("lowest and highest of {seeds} seeds", "시드 {seeds}개의 최솟값과 최댓값"),
    "one_seed": Bilingual("one seed", "시드 1개"),
    "binomial": Bilingual(
        "exact 95 % interval of a counted share (Clopper-Pearson)",
        "센 비율의 정확한 95 % 구간 (클로퍼-피어슨)",
    ),
    "compared": Bilingual(
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
        "Every measurement is repeated with several seeds. A seed chooses the initial weights and "
        "the order of the data. A number in [brackets] has a 95 % interval: a t-interval for a "
        "mean, an interval between two of the sorted values for a median. Where there are too few "
        "seeds, the lowest and the highest value stand in (parentheses). The arms of a comparison "
        "share their seeds and are compared pair by pair, each at its own best learning rate. For "
        "each seed, the other seeds choose this rate.",
        "모든 측정을 여러 시드로 반복합니다. 시드는 초기 가중치와 데이터 순서를 정합니다. [대괄호]는 95 % "
        "구간으로, 평균에는 t 구간을, 중앙값에는 정렬한 값 두 개 사이의 구간을 씁니다. 시드가 너무 적으면 "
        "(소괄호)에 최솟값과 최댓값을 적습니다. 비교하는 방식들은 같은 시드를 쓰고, 각자 가장 좋은 학습률에서 "
        "짝지어 비교합니다. 이 학습률은 시드마다 나머지 시드로 고릅니다.",
    ),
    "how_level": Bilingual(
        "A verdict is stricter than the interval that you see. The laboratory makes many tests, and "
        "with 95 % intervals about one test in twenty would be wrong by chance. The verdicts "
        "therefore use intervals with a level of {level} %: the error of 5 % is divided by "
        "{family}, the largest number of tests of the whole laboratory (Bonferroni). With a "
        "probability of at least 95 %, all of these intervals contain their true values at once.",
        "판정은 보이는 구간보다 엄격합니다. 실험실은 검정을 많이 하므로, 95 % 구간으로 판정하면 스무 번에 한 번은 "
        "우연히 틀립니다. 그래서 판정에는 {level} % 구간을 씁니다. 오차 5 %를 실험실 전체 검정 개수의 상한인 "
        "{family}로 나눈 값입니다(본페로니 보정). 이 구간들이 모두 동시에 참값을 포함할 확률은 95 % 이상입니다.",
    ),
    "changes": Bilingual(
        "What changed since the first edition, and why", "초판 이후 바뀐 점과 그 이유"
    ),
    "changes_link": Bilingual(
        "The verdicts were revised after a review: what changed since the first edition, and why",
        "검토를 거쳐 판정을 고쳤습니다: 초판 이후 바뀐 점과 그 이유",
    ),
    "changes_lead": Bilingual(
        "A review found errors in the first edition. This page lists every verdict that changed, and "
        "answers every point of the review.",
        "검토에서 초판의 오류가 드러났습니다. 이 페이지는 바뀐 판정을 모두 싣고, 검토의 지적 하나하나에 답합니다.",
    ),
    "changes_count": Bilingual(
        "Of the {claims} claims that both editions have, {changed} have another verdict:",
        "두 판에 모두 있는 주장 {claims}개 가운데 {changed}개의 판정이 바뀌었습니다.",
    ),
    "changes_also": Bilingual(
        "Claims that only the first edition has: {removed}. Claims that are new: {new}.",
        "초판에만 있는 주장: {removed}개. 새로운 주장: {new}개.",
    ),
    "removed": Bilingual("removed or replaced by another claim", "뺐거나 다른 주장으로 바꿈"),
    "count_new_data": Bilingual("{count} because of new measurements", "새로 재어서: {count}개"),
    "count_new_tests": Bilingual(
        "{count} because the claim or its tests changed", "주장이나 검사가 바뀌어서: {count}개"
    ),
    "count_wider_interval": Bilingual(
        "{count} because the intervals of the first edition were too narrow",
        "초판의 구간이 너무 좁았기 때문에: {count}개",
    ),
    "count_correction": Bilingual(
        "{count} because of the correction for all tests of the laboratory (at most {family})",
        "실험실 전체 검정(최대 {family}개)에 대한 보정 때문에: {count}개",
    ),
    "before": Bilingual("first edition", "초판"),
    "with_plain_intervals": Bilingual("now, without correction", "현재, 보정 없이"),
    "now": Bilingual("now", "현재"),
    "verdict": Bilingual("Verdict", "판정"),
    "why_fewer": Bilingual(
        "“Inconclusive” does not mean that a claim is false. It means that five seeds are too few "
        "for a claim among so many. A new run with ten or more seeds can decide it.",
        "‘판단 유보’는 주장이 틀렸다는 뜻이 아닙니다. 이렇게 많은 주장 가운데 하나를 판정하기에는 시드 다섯 개가 "
        "부족하다는 뜻입니다. 시드를 열 개 이상 써서 다시 재면 판정할 수 있습니다.",
    ),
    "changed_verdicts": Bilingual("Verdicts that changed", "바뀐 판정"),
    "unchanged": Bilingual("{count} unchanged", "바뀌지 않은 판정 {count}개"),
    "because_new_claim": Bilingual("This claim is new.", "새로 넣은 주장입니다."),
    "because_new_data": Bilingual("This was measured again.", "다시 잰 결과입니다."),
    "because_new_tests": Bilingual(
        "The claim or its tests changed.", "주장이나 검사가 바뀌었습니다."
    ),
    "because_wider_interval": Bilingual(
        "The interval of the first edition was too narrow for five seeds.",
        "초판의 구간은 시드 다섯 개에 비해 너무 좁았습니다.",
    ),
    "because_correction": Bilingual(
        "The 95 % interval still says the same, but the interval with the correction for {family} "
        "tests does not.",
        "95 % 구간으로는 판정이 그대로지만, 검정 {family}개에 대해 보정한 구간으로는 달라집니다.",
    ),
    "now_open": Bilingual("No longer decided:", "판단할 수 없게 된 조건:"),
    "points": Bilingual("The points of the review", "검토의 지적"),
    "points_lead": Bilingual(
        "Every point has an answer: corrected, measured again, refuted by a measurement, or planned.",
        "모든 지적에 답이 있습니다. 고쳤거나, 다시 재었거나, 측정으로 반박했거나, 계획을 적었습니다.",
    ),
    "point": Bilingual("Point {name}.", "지적 {name}."),
    "status_corrected": Bilingual("corrected", "고침"),
    "status_remeasured": Bilingual("measured again", "다시 잼"),
    "status_refuted": Bilingual("refuted", "반박함"),
    "status_planned": Bilingual("not yet measured", "아직 재지 않음"),
    "status_open": Bilingual("not answered yet", "아직 답하지 않음"),
    "method": Bilingual("How the verdicts are reached", "판정을 내리는 방법"),
    "method_lead": Bilingual(
        "Which intervals the laboratory uses, how often they contain the true value, how it "
        "corrects for its many tests, and when each criterion was fixed.",
        "실험실이 어떤 구간을 쓰는지, 그 구간이 참값을 얼마나 자주 포함하는지, 많은 검정을 어떻게 보정하는지, "
        "각 기준을 언제 정했는지 설명합니다.",
    ),
    "intervals": Bilingual("Intervals and their coverage", "구간과 포함 확률"),
    "coverage_lead": Bilingual(
        "A 95 % interval should contain the true value in 95 % of repeated measurements. The table "
        "shows how often it does, in percent, by {simulations} simulations for each number.",
        "95 % 구간은 측정을 되풀이할 때 95 %의 경우에 참값을 포함해야 합니다. 표는 숫자마다 모의실험 "
        "{simulations}번으로 확인한 비율(%)입니다.",
    ),
    "coverage_read": Bilingual(
        "The t-interval is right for normal values and nearly right for heavy tails. It covers too "
        "little for the mean of skewed values, so the laboratory takes logarithms of quantities "
        "such as gradients and ratios (the geometric mean). The interval of a median needs at least "
        "six seeds, and — marks where there is none. The bootstrap of the first edition covers too "
        "little in every row.",
        "t 구간은 정규분포에서 정확하고 꼬리가 두꺼워도 거의 맞습니다. 치우친 값의 평균에서는 포함 확률이 "
        "모자라므로, 기울기나 비율 같은 양은 로그를 취해 기하평균을 냅니다. 중앙값의 구간에는 시드가 여섯 개 이상 "
        "필요하며, 구간이 없는 곳은 —로 적었습니다. 초판의 부트스트랩은 모든 행에서 포함 확률이 모자랍니다.",
    ),
    "statistic": Bilingual("Interval of", "구간의 대상"),
    "distribution": Bilingual("Values", "값의 분포"),
    "number_of_seeds": Bilingual("{seeds} seeds", "시드 {seeds}개"),
    "simulated_mean": Bilingual("mean (t)", "평균 (t)"),
    "simulated_geometric_mean": Bilingual(
        "geometric mean (t of logarithms)", "기하평균 (로그의 t)"
    ),
    "simulated_median": Bilingual("median (sorted values)", "중앙값 (정렬한 값)"),
    "simulated_bootstrap": Bilingual("mean (bootstrap, first edition)", "평균 (부트스트랩, 초판)"),
    "simulated_normal": Bilingual("normal", "정규"),
    "simulated_log_normal": Bilingual("log-normal", "로그 정규"),
    "simulated_heavy_tailed": Bilingual("heavy-tailed (t, 3 d.f.)", "두꺼운 꼬리 (자유도 3인 t)"),
    "family": Bilingual("Correction for many tests", "많은 검정에 대한 보정"),
    "why_family": Bilingual(
        "The family is every test of every claim of every question, because the index shows all "
        "verdicts together and a reader picks the striking ones. Its size is fixed before the "
        "measurements, so a verdict does not depend on the results of other questions. Holm's "
        "method would decide slightly more claims, but it depends on all other results, and its "
        "proof does not cover answers with three outcomes. The next table shows how often at least "
        "one interval of a whole simulated laboratory misses its true value.",
        "한 묶음으로 보정하는 대상은 모든 질문, 모든 주장의 모든 검정입니다. 목록이 모든 판정을 함께 보여 주고, "
        "독자는 그중 눈에 띄는 것을 고르기 때문입니다. 묶음의 크기는 측정 전에 정하므로 한 판정이 다른 질문의 결과에 "
        "따라 달라지지 않습니다. 홀름의 방법을 쓰면 조금 더 많은 주장을 판정할 수 있지만, 다른 모든 결과에 따라 "
        "달라지고 답이 세 가지인 검정에는 증명이 없습니다. 다음 표는 모의 실험실 하나에서 구간이 하나라도 참값을 "
        "놓치는 비율입니다.",
    ),
    "not_corrected": Bilingual("95 % intervals, %", "95 % 구간 (%)"),
    "corrected": Bilingual("corrected intervals, %", "보정한 구간 (%)"),
    "family_read": Bilingual(
        "The goal is at most 5 %. The corrected intervals reach it for normal and for heavy-tailed "
        "values. They do not reach it for the mean of very skewed values. Most tests compare two "
        "arms with the same seeds, and such differences are not skewed; ratios are tested as "
        "logarithms.",
        "목표는 5 % 이하입니다. 보정한 구간은 정규분포와 꼬리가 두꺼운 분포에서 목표에 이릅니다. 많이 치우친 값의 "
        "평균에서는 이르지 못합니다. 검정은 대부분 같은 시드를 쓰는 두 방식의 차이를 보는데, 이런 차이는 치우치지 "
        "않습니다. 비율은 로그로 검정합니다.",
    ),
    "criteria": Bilingual("Criterion and data", "기준과 데이터"),
    "criteria_lead": Bilingual(
        "From now on, `whyformer lab run` writes the hash of the criteria and the commit of the code "
        "before its first measurement. The hash changes when a limit, a test or the English text of "
        "a claim changes. The first edition did not record it, and some of its criteria changed "
        "after the run.",
        "이제 `whyformer lab run`은 첫 측정 전에 기준의 해시와 코드의 커밋을 적습니다. 해시는 한계, 검사, 주장의 "
        "영어 문장 가운데 하나라도 바뀌면 달라집니다. 초판은 해시를 기록하지 않았고, 일부 기준은 실행 뒤에 "
        "바뀌었습니다.",
    ),
    "question": Bilingual("Question", "질문"),
    "criterion_and_data": Bilingual("Criterion and data", "기준과 데이터"),
    "criterion_hash": Bilingual("Hash of the criteria today", "현재 기준의 해시"),
    "first_edition_dates": Bilingual(
        "First edition: criteria first committed on {criterion} (commit {criterion_commit}), data "
        "on {data} (commit {data_commit}).",
        "초판: 기준의 첫 커밋 {criterion}({criterion_commit}), 데이터 {data}({data_commit}).",
    ),
    "none_changed": Bilingual(
        "No limit of the first edition changed after the data.",
        "초판의 한계는 측정 뒤에 바뀌지 않았습니다.",
    ),
    "no_hash": Bilingual(
        "The run of the first edition recorded no hash.",
        "초판의 실행은 해시를 기록하지 않았습니다.",
    ),
    "not_registered": Bilingual(
        "The run registered no criterion before its first measurement.",
        "이 실행은 첫 측정 전에 기준을 등록하지 않았습니다.",
    ),
    "registered_dates": Bilingual(
        "Criteria registered on {criterion} (hash {hash}, commit {commit}), data finished on {data}.",
        "기준 등록 {criterion}(해시 {hash}, 커밋 {commit}), 데이터 완료 {data}.",
    ),
    "same_criterion": Bilingual(
        "The criteria did not change after the data.", "기준은 측정 뒤에 바뀌지 않았습니다."
    ),
    "other_criterion": Bilingual(
        "The criteria changed after they were registered.", "기준을 등록한 뒤에 바꾸었습니다."
    ),
    "not_committed": Bilingual(
        "The run used code that was not committed.", "커밋하지 않은 코드로 실행했습니다."
    ),
    "on_real_task": Bilingual("On a real task:", "실제 과제에서:"),
    "real_task_disagrees": Bilingual(
        "On a real task, the result is another one than for the small model of this page:",
        "실제 과제에서는 이 페이지의 작은 모델과 다른 결과가 나왔습니다.",
    ),
    "plain_verdict": Bilingual(
        "With the 95 % intervals alone, without the correction for many tests:",
        "많은 검정에 대한 보정 없이 95 % 구간만 쓰면:",
    ),
    "level_of_tests": Bilingual(
        "The result uses the interval with a level of {level} % (the thin line); the number shows "
        "the 95 % interval (the thick line).",
        "결과는 {level} % 구간(가는 선)으로 판정하고, 숫자에는 95 % 구간(굵은 선)을 적었습니다.",
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
