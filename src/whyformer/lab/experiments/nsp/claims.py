"""The claims, and the measured effects that decide them."""

from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.nsp.experiment import FORMATS, LOSSES, gain, gain_of_direction
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.verdict import Test, above

SOME_POINTS = 1.0
"""A difference between errors that is smaller than this, in percentage points, does not count."""
SOME_NATS = 0.01
"""A difference between losses that is smaller than this, in nats per token, does not count."""


def helping_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `helping`."""
    return {
        f"{form}, {kind}": [
            above(gain(results, f"{form}, without", f"{form}, with", f"{kind}_error"), SOME_POINTS)
        ]
        for form in FORMATS
        for kind in ("mean", "first")
    }


def dropping_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `dropping`."""
    return {
        form: [above(gain(results, f"{form}, with", f"{form}, without", "full_loss"), SOME_NATS)]
        for form in FORMATS
    }


def format_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `format`."""
    return {
        f"{loss}, judged on {judged}": [
            above(gain(results, f"pairs, {loss}", f"full, {loss}", f"{judged}_loss"), SOME_NATS)
        ]
        for loss in LOSSES
        for judged in FORMATS
    }


def direction_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `direction`."""
    return {"topics": [above(gain_of_direction(results), SOME_POINTS)]}


CLAIMS = (
    Claim(
        "helping",
        Bilingual(
            "Next-sentence prediction teaches what a text is about (BERT).",
            "다음 문장 예측을 하면 글의 내용을 더 잘 안다 (BERT).",
        ),
        Bilingual(
            "With the format of the input kept, a linear probe names the topic of a passage "
            "better after training with the next-sentence loss.",
            "입력 형식을 그대로 두었을 때, 다음 문장 손실을 더해 학습한 모델에서 선형 프로브가 글의 "
            "주제를 더 잘 맞힌다.",
        ),
        Bilingual(
            "The interval of the paired difference of errors (without - with) lies above 1 "
            "point: for both formats, for the mean vector and for the first token's.",
            "짝지은 오류 차이(없음 - 있음)의 구간이 1포인트보다 위에 있다: 두 형식 모두에서, 평균 "
            "벡터와 첫 토큰의 벡터 모두에 대해.",
        ),
        helping_tests,
    ),
    Claim(
        "dropping",
        Bilingual(
            "Without next-sentence prediction the language model becomes better (RoBERTa).",
            "다음 문장 예측을 빼면 언어 모델이 더 좋아진다 (RoBERTa).",
        ),
        Bilingual(
            "With the format of the input kept, hidden tokens of held-out text are restored "
            "better without the next-sentence loss.",
            "입력 형식을 그대로 두었을 때, 다음 문장 손실이 없으면 남겨 둔 글의 가려진 토큰을 더 잘 "
            "맞힌다.",
        ),
        Bilingual(
            "The interval of the paired difference of losses (with - without) lies above 0.01 "
            "nats, for both formats.",
            "짝지은 손실 차이(있음 - 없음)의 구간이 두 형식 모두에서 0.01 nat보다 위에 있다.",
        ),
        dropping_tests,
    ),
    Claim(
        "format",
        Bilingual(
            "Full rows are a better input than pairs of sentences.",
            "문장 쌍보다 꽉 채운 행이 더 좋은 입력이다.",
        ),
        Bilingual(
            "With the losses kept, training on full rows restores hidden tokens better than "
            "training on pairs, on whichever of the two it is judged.",
            "손실을 그대로 두었을 때, 어느 형식으로 평가하든 꽉 채운 행으로 학습한 쪽이 문장 쌍으로 "
            "학습한 쪽보다 가려진 토큰을 더 잘 맞힌다.",
        ),
        Bilingual(
            "The interval of the paired difference of losses (pairs - full rows) lies above "
            "0.01 nats, with and without the next-sentence loss, judged on pairs and on full "
            "rows.",
            "짝지은 손실 차이(문장 쌍 - 꽉 채운 행)의 구간이 0.01 nat보다 위에 있다: 다음 문장 손실이 "
            "있을 때와 없을 때, 문장 쌍으로 평가할 때와 꽉 채운 행으로 평가할 때 모두.",
        ),
        format_tests,
    ),
    Claim(
        "direction",
        Bilingual(
            "Seeing both directions is what makes BERT better than a left-to-right model.",
            "BERT가 왼쪽에서 오른쪽으로 읽는 모델보다 나은 것은 양방향을 보기 때문이다.",
        ),
        Bilingual(
            "Without next-sentence prediction in either, on the same rows, a linear probe of "
            "the mean vector names topics better after training in both directions.",
            "둘 다 다음 문장 예측 없이 같은 행으로 학습했을 때, 양방향 모델의 평균 벡터에서 선형 "
            "프로브가 주제를 더 잘 맞힌다.",
        ),
        Bilingual(
            "The interval of the paired difference of errors (left to right - both) lies above "
            "1 point.",
            "짝지은 오류 차이(왼쪽에서 오른쪽 - 양방향)의 구간이 1포인트보다 위에 있다.",
        ),
        direction_tests,
    ),
)
