"""The charts and tables of the page."""

import math
from collections.abc import Sequence

from whyformer.lab.experiments.gradients.claims import PREDICTED
from whyformer.lab.experiments.gradients.effects import (
    accuracies,
    diversity_after,
    factor,
    gradient_diversity,
    gradient_ratio,
    predicted_skip_diversity,
    reached,
    remaining_gradient,
)
from whyformer.lab.experiments.gradients.experiment import (
    ALONG_DEPTH,
    ALONG_TIME,
    DEEPEST,
    REACH,
    SYMBOLS,
)
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import SHARE_RIGHT, Axis, Chart, Figure, Series, Table, theory
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate, exactly


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [
        lag_chart(results),
        factor_table(results),
        depth_chart(results),
        gradient_table(results),
    ]
    layers = Axis(Bilingual("layers", "층 수"))
    drawn.append(
        Chart(
            "copy",
            Bilingual(
                "After training: copy the token eight back", "학습 뒤: 여덟 칸 앞의 토큰 복사"
            ),
            layers,
            SHARE_RIGHT,
            [
                *(
                    Series(
                        NAMES[wiring],
                        [
                            (n, estimate(accuracies(results, wiring, n)))
                            for n in results.levels("copy", "layers", wiring=wiring)
                        ],
                    )
                    for wiring in results.levels("copy", "wiring")
                ),
                _chance([1, max(results.levels("copy", "layers"))]),
            ],
            Bilingual(
                "One layer copies without a skip as well as with one; the need grows with depth.",
                "한 층짜리는 잔차 연결이 없어도 똑같이 복사합니다. 잔차 연결의 필요는 깊이와 함께 커집니다.",
            ),
        )
    )
    if results.levels("reach", "model"):
        lags = results.levels("reach", "lag")
        drawn.append(
            Chart(
                "reach",
                Bilingual("After training: copy from farther back", "학습 뒤: 더 먼 곳에서 복사"),
                Axis(Bilingual("lag (positions back)", "시차 (몇 칸 앞인가)"), log=True),
                SHARE_RIGHT,
                [
                    *(
                        Series(
                            NAMES[model],
                            [
                                (lag, reached(results, model, lag))
                                for lag in results.levels("reach", "lag", model=model)
                            ],
                        )
                        for model in REACH
                    ),
                    _chance([min(lags), max(lags)]),
                ],
                Bilingual(
                    "Two layers each. Skips along depth do not carry a recurrent network farther "
                    "back in time.",
                    "모두 두 층입니다. 깊이 방향의 잔차 연결은 순환 신경망을 더 먼 과거까지 데려다주지 "
                    "않습니다.",
                ),
            )
        )
    return drawn


def _chance(ends: Sequence[float]) -> Series:
    return theory(Bilingual("by chance", "우연"), ends, lambda _: 1 / SYMBOLS)


def lag_chart(results: Results) -> Chart:
    """Draw the mean gradient as a function of the lag, divided by the gradient at lag 1."""
    shown = (1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 127)
    series = []
    for model in (
        "rnn-uniform", "rnn-orthogonal", "gru-uniform", "lstm-uniform", "lstm-forget-1",
        "lstm-chrono", "lstm-forget-long", "attention-pre-norm",
    ):  # fmt: skip
        curves = results.values("lags", "log_norm", model=model)
        points = [(lag, estimate([c[lag] - c[1] for c in curves]).map(math.exp)) for lag in shown]
        series.append(Series(NAMES[model], points))
    return Chart(
        "lags",
        Bilingual("What is left of the gradient k positions back", "k칸 앞에 도달한 기울기"),
        Axis(Bilingual("lag k (positions)", "시차 k (위치)")),
        Axis(Bilingual("gradient norm, lag 1 = 1", "기울기 노름 (시차 1 = 1)"), log=True),
        series,
        Bilingual(
            "At the start, before any training. Straight lines fall by a constant factor at every "
            "step back; attention and the LSTM whose forget gate is nearly open stay flat.",
            "학습 전 초기 상태입니다. 직선은 한 칸 거슬러 갈 때마다 일정한 비율로 줄어든다는 "
            "뜻입니다. 어텐션과, 망각 게이트를 거의 열어 둔 LSTM은 평평합니다.",
        ),
    )


def factor_table(results: Results) -> Table:
    """List the measured and the predicted factor of every arm."""
    return Table(
        "factors",
        Bilingual("Gradient factor per step of lag", "한 칸 거슬러 갈 때의 기울기 배율"),
        [
            Bilingual("model", "모델"),
            Bilingual("factor per step", "한 칸당 배율"),
            Bilingual("predicted", "예측"),
            Bilingual("left at lag 100, of lag 5", "시차 5 대비 시차 100에 남은 비율"),
        ],
        [
            [
                NAMES[model],
                factor(results, model),
                exactly(PREDICTED[model]) if model in PREDICTED else None,
                remaining_gradient(results, model),
            ]
            for model in ALONG_TIME
        ],
        Bilingual(
            "A factor below 1 is a gradient that dies exponentially. Predicted for an LSTM: what "
            "its forget gate alone keeps; the way through the state adds to it.",
            "배율이 1보다 작으면 기울기가 지수적으로 사라집니다. LSTM의 예측값은 망각 게이트만 "
            "따졌을 때의 값이고, 은닉 상태를 거치는 길이 여기에 더해집니다.",
        ),
    )


def depth_chart(results: Results) -> Chart:
    """Draw the diversity of tokens after each layer."""
    depths = range(1, DEEPEST + 1)
    series = [
        Series(NAMES[stack], [(n, diversity_after(results, stack, n)) for n in depths])
        for stack in ALONG_DEPTH
    ]
    predicted = Bilingual("theory: attention + skip", "이론: 어텐션 + 잔차 연결")
    return Chart(
        "diversity",
        Bilingual("How different the tokens still are", "토큰이 서로 얼마나 다른가"),
        Axis(Bilingual("layer", "층")),
        Axis(Bilingual("‖X − mean‖ / ‖X‖", "‖X − 평균‖ / ‖X‖"), log=True),
        [*series, theory(predicted, depths, predicted_skip_diversity)],
        Bilingual(
            "At the start. Without skips all tokens soon are the same vector (the floor is the "
            "rounding of float64); Post-LN loses them slowly in spite of its skips.",
            "초기 상태입니다. 잔차 연결이 없으면 모든 토큰이 금세 같은 벡터가 됩니다 (바닥은 float64의 "
            "반올림 한계). Post-LN은 잔차 연결이 있어도 천천히 잃어버립니다.",
        ),
    )


def gradient_table(results: Results) -> Table:
    """List the gradient norm, the token diversity and the gradient diversity of every stack."""
    return Table(
        "total",
        Bilingual("The gradient's norm does not show it", "기울기 노름에는 드러나지 않는다"),
        [
            Bilingual("stack of 24 layers", "24층 스택"),
            Bilingual("gradient norm, input / output", "기울기 노름, 입력 / 출력"),
            Bilingual("diversity of tokens at the output", "출력에서 토큰의 다양성"),
            Bilingual(
                "diversity of the gradients that different outputs send",
                "서로 다른 출력이 보내는 기울기의 다양성",
            ),
        ],
        [
            [
                NAMES[stack],
                gradient_ratio(results, stack),
                diversity_after(results, stack, DEEPEST),
                gradient_diversity(results, stack),
            ]
            for stack in ALONG_DEPTH
        ],
        Bilingual(
            "Without skips and with a norm the gradient's length looks healthy, yet every output "
            "position sends the same one: no output can ask for anything of its own.",
            "잔차 연결 없이 정규화만 있으면 노름은 멀쩡해 보이지만 모든 출력 위치가 똑같은 기울기를 보냅니다. 어떤 출력도 자기만의 "
            "것을 요구할 수 없습니다.",
        ),
    )


NAMES = {
    "rnn-uniform": Bilingual("RNN, torch's start", "RNN, torch 기본 초기화"),
    "rnn-xavier": Bilingual("RNN, Xavier", "RNN, Xavier 초기화"),
    "rnn-orthogonal": Bilingual("RNN, orthogonal", "RNN, 직교 초기화"),
    "gru-uniform": Bilingual("GRU, torch's start", "GRU, torch 기본 초기화"),
    "lstm-uniform": Bilingual("LSTM, torch's start", "LSTM, torch 기본 초기화"),
    "lstm-forget-1": Bilingual("LSTM, forget bias 1", "LSTM, 망각 편향 1"),
    "lstm-toolkit": Bilingual(
        "LSTM, orthogonal, forget bias 1 (whyformer's start)",
        "LSTM, 직교, 망각 편향 1 (whyformer 기본)",
    ),
    "lstm-forget-long": Bilingual("LSTM, forget bias ln(T − 1)", "LSTM, 망각 편향 ln(T − 1)"),
    "lstm-chrono": Bilingual("LSTM, chrono", "LSTM, chrono 초기화"),
    "rnn-4": Bilingual("RNN, 4 layers", "RNN 4층"),
    "rnn-4-skip": Bilingual("RNN, 4 layers, skips along depth", "RNN 4층, 깊이 방향 잔차 연결"),
    "lstm-4": Bilingual("LSTM, 4 layers", "LSTM 4층"),
    "lstm-4-skip": Bilingual("LSTM, 4 layers, skips along depth", "LSTM 4층, 깊이 방향 잔차 연결"),
    "attention-pre-norm": Bilingual("Transformer, Pre-LN, 2 layers", "트랜스포머 Pre-LN 2층"),
    "attention-post-norm": Bilingual("Transformer, Post-LN, 2 layers", "트랜스포머 Post-LN 2층"),
    "attention-no-skip": Bilingual(
        "Transformer without skips, 2 layers", "잔차 연결 없는 트랜스포머 2층"
    ),
    "attention-only": Bilingual("attention only", "어텐션만"),
    "attention-norm": Bilingual("attention + norm", "어텐션 + 정규화"),
    "attention-skip": Bilingual("attention + skip", "어텐션 + 잔차 연결"),
    "no-skip": Bilingual("whole layers without skips", "잔차 연결 없는 온전한 층"),
    "no-skip-causal": Bilingual("the same, causal", "잔차 연결 없는 온전한 층, 인과적"),
    "post-norm": alike("Post-LN"),
    "pre-norm": alike("Pre-LN"),
    "rnn": Bilingual("RNN, orthogonal", "RNN, 직교 초기화"),
    "rnn-skip": Bilingual("RNN + skips along depth", "RNN + 깊이 방향 잔차 연결"),
    "lstm": alike("LSTM"),
    "lstm-skip": Bilingual("LSTM + skips along depth", "LSTM + 깊이 방향 잔차 연결"),
    "gpt": Bilingual("Transformer, Pre-LN", "트랜스포머 Pre-LN"),
    "gpt-no-skip": Bilingual("Transformer without skips", "잔차 연결 없는 트랜스포머"),
    "time": Bilingual("along time, where they do not help", "시간 방향(도움이 되지 않음)"),
    "depth": Bilingual("along depth", "깊이 방향"),
    "start": Bilingual("at the start, 8 layers", "초기 상태, 8층"),
    "trained": Bilingual("after training, 4 layers", "학습 뒤, 4층"),
    "1 layers": Bilingual("1 layer", "1층"),
    "2 layers": Bilingual("2 layers", "2층"),
    "4 layers": Bilingual("4 layers", "4층"),
    "6 layers": Bilingual("6 layers", "6층"),
    "RNN": Bilingual("factor of the RNN, torch's start", "torch 기본 초기화 RNN의 한 칸당 배율"),
    "attention": Bilingual("factor of attention", "어텐션의 한 칸당 배율"),
    "moved": Bilingual("change of the factor by skips", "잔차 연결에 따른 배율의 변화"),
    "with skips": Bilingual("factor with skips", "잔차 연결이 있을 때의 한 칸당 배율"),
    "without": Bilingual("diversity without skips", "잔차 연결이 없을 때의 다양성"),
    "with": Bilingual("diversity with skips", "잔차 연결이 있을 때의 다양성"),
    "lost": Bilingual("accuracy lost without skips", "잔차 연결이 없어서 잃은 정확도"),
    "first": Bilingual("accuracy on the first symbol", "첫 기호를 맞힌 비율"),
    "not copied": Bilingual("accuracy of copying, less that", "복사 정확도와의 차이"),
}
