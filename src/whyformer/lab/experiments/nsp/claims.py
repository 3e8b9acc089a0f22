"""The claims, and the measured effects that decide them."""

from whyformer.lab.experiments.nsp.data import LEFT_TO_RIGHT, PUBLISHED
from whyformer.lab.experiments.nsp.experiment import DESIGN, FORMATS, LOSSES
from whyformer.lab.method.arms import at_lowest_training_loss
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import Test, above, precondition

SOME_POINTS = 1.0
"""A difference between errors that is smaller than this, in percentage points, does not count."""
SOME_NATS = 0.01
"""A difference between losses that is smaller than this, in nats per token, does not count."""
KINDS = ("mean", "first")
"""The vectors that a probe reads: the mean of all states, or the state of the first token."""


def of_arm(results: Results, arm: str, number: str) -> list | None:
    """Return a number of an arm, one value per seed; None if the arm was not trained."""
    return at_lowest_training_loss(results, "arms", number, arm=arm)


def gain(results: Results, worse: str, better: str, number: str) -> Estimate:
    """Return a number of arm ``worse`` minus the same number of arm ``better``."""
    return paired(of_arm(results, better, number), of_arm(results, worse, number))


def helping(results: Results, form: str, kind: str) -> Estimate:
    """Return how much lower the error of a probe is with the next-sentence loss, in points."""
    return gain(results, f"{form}, without", f"{form}, with", f"{kind}_error")


def learned(results: Results, form: str, kind: str) -> Estimate:
    """Return how much lower the error of a probe is after training than before training."""
    trained = of_arm(results, f"{form}, without", f"{kind}_error")
    return paired(trained, results.values("untrained", f"{kind}_error"))


def check(results: Results, form: str, kind: str) -> Test:
    """Require that training improves the features that a probe reads."""
    return precondition(above(learned(results, form, kind), 0.0, name="learned"))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    topics = results.values("untrained", "topics")[0]
    found = {
        "topics": exactly(topics),
        "guessing": exactly(100 * (1 - 1 / topics)),
        "both_at_once": gain(results, "pairs, with", "full, without", "full_loss"),
        "published_loss": gain(results, PUBLISHED, "pairs, without", "full_loss"),
        "published_both": gain(results, PUBLISHED, "full, without", "full_loss"),
        "direction": gain(results, LEFT_TO_RIGHT, "full, without", "mean_error"),
        "left_to_right_mean_error": estimate(of_arm(results, LEFT_TO_RIGHT, "mean_error")),
    }
    for arm in (*DESIGN, PUBLISHED):
        for number in ("full_loss", "next_error", "mean_error", "first_error"):
            found[f"{arm.replace(', ', '_')}_{number}"] = estimate(of_arm(results, arm, number))
    for kind in KINDS:
        found[f"untrained_{kind}"] = estimate(results.values("untrained", f"{kind}_error"))
        for form in FORMATS:
            found[f"{form}_helping_{kind}"] = helping(results, form, kind)
            found[f"{form}_learned_{kind}"] = learned(results, form, kind)
    for form in FORMATS:
        found[f"{form}_dropping"] = gain(results, f"{form}, with", f"{form}, without", "full_loss")
        found |= {
            f"format_{loss}_{form}": gain(
                results, f"pairs, {loss}", f"full, {loss}", f"{form}_loss"
            )
            for loss in LOSSES
        }
    return found


RATES_CHANGED = Bilingual("Each arm now has one learning rate, chosen by its training loss. In the "
                          "first edition each number had its own rate, chosen on the text that "
                          "is judged.",
                          "지금은 조건마다 학습률 하나를 학습 손실로 고릅니다. 초판에서는 숫자마다, "
                          "판정에 쓰는 글에서 골랐습니다.")  # fmt: skip
CHECKED = Bilingual("A new check requires that training improves the probe at all. The check "
                    f"fails, so the claim cannot be judged. {RATES_CHANGED.en}",
                    "학습으로 프로브가 나아지는지 먼저 점검합니다. 통과하지 못했으므로 주장을 판정할 수 "
                    f"없습니다. {RATES_CHANGED.ko}")  # fmt: skip
CLAIMS = (
    Claim(
        "helping",
        Bilingual("Next-sentence prediction teaches what a text is about (BERT).",
                  "다음 문장 예측은 글의 내용을 가르친다 (BERT)."),
        Bilingual("With the same input format, a linear probe finds the topic of a passage "
                  "better after training with the next-sentence loss.",
                  "입력 형식이 같을 때, 다음 문장 손실로 학습하면 선형 프로브가 글의 주제를 더 "
                  "잘 맞힌다."),
        Bilingual("Check: the probe is better after training than before. Then: the error is "
                  "more than 1 point lower with the next-sentence loss. Contrary: more than 1 "
                  "point higher.",
                  "점검: 학습 뒤에 프로브가 학습 전보다 낫다. 그다음: 다음 문장 손실이 있을 때 "
                  "오류가 1포인트 넘게 작다. 1포인트 넘게 크면 반대."),
        lambda results: {
            f"{form}, {kind}": [
                check(results, form, kind),
                above(helping(results, form, kind), SOME_POINTS, name="effect"),
            ]
            for form in FORMATS
            for kind in KINDS
        },
        CHECKED,
    ),
    Claim(
        "dropping",
        Bilingual("Without next-sentence prediction the language model is better (RoBERTa).",
                  "다음 문장 예측을 빼면 언어 모델이 더 좋아진다 (RoBERTa)."),
        Bilingual("With the same input format, the masked-token loss on held-out text is lower "
                  "without the next-sentence loss.",
                  "입력 형식이 같을 때, 다음 문장 손실이 없으면 처음 보는 글의 가려진 토큰 "
                  "손실이 더 작다."),
        Bilingual("Loss with minus loss without: above 0.01 nat. Contrary: below -0.01.",
                  "있을 때의 손실에서 없을 때의 손실을 뺀 값이 0.01 nat 초과. -0.01 미만이면 "
                  "반대."),
        lambda results: {form: [above(gain(results, f"{form}, with", f"{form}, without", "full_loss"), SOME_NATS)] for form in FORMATS},
        RATES_CHANGED,
    ),
    Claim(
        "format",
        Bilingual("Full rows are a better input than pairs of sentences.",
                  "꽉 채운 행이 문장 쌍보다 좋은 입력이다."),
        Bilingual("Training on full rows gives a lower masked-token loss than training on "
                  "pairs, whether it is evaluated on pairs or on full rows.",
                  "문장 쌍으로 평가하든 꽉 채운 행으로 평가하든, 꽉 채운 행으로 학습하면 가려진 "
                  "토큰의 손실이 더 작다."),
        Bilingual("Loss after pairs minus loss after full rows: above 0.01 nat. Contrary: below "
                  "-0.01.",
                  "문장 쌍의 손실에서 꽉 채운 행의 손실을 뺀 값이 0.01 nat 초과. -0.01 미만이면 "
                  "반대."),
        lambda results: {
            f"{loss}, judged on {form}": [above(gain(results, f"pairs, {loss}", f"full, {loss}", f"{form}_loss"), SOME_NATS)]
            for loss in LOSSES
            for form in FORMATS
        },
        RATES_CHANGED,
    ),
    Claim(
        "direction",
        Bilingual("BERT is better than a left-to-right model because it reads in both "
                  "directions.",
                  "BERT는 양방향을 보기 때문에 왼쪽에서 오른쪽으로 읽는 모델보다 낫다."),
        Bilingual("Without next-sentence prediction and with the same rows, a linear probe "
                  "finds the topic better after training in both directions.",
                  "다음 문장 예측 없이 같은 행으로 학습했을 때, 양방향 모델에서 선형 프로브가 "
                  "주제를 더 잘 맞힌다."),
        Bilingual("Check: the probe of the bidirectional model is better after training than "
                  "before. Then: its error is more than 1 point lower than that of the "
                  "left-to-right model.",
                  "점검: 양방향 모델의 프로브가 학습 뒤에 더 낫다. 그다음: 오류가 왼쪽에서 "
                  "오른쪽으로 읽는 모델보다 1포인트 넘게 작다."),
        lambda results: {
            "topics": [
                check(results, "full", "mean"),
                above(gain(results, LEFT_TO_RIGHT, "full, without", "mean_error"), SOME_POINTS, name="effect"),
            ]
        },
        CHECKED,
    ),
)  # fmt: skip
