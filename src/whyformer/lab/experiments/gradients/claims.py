"""The claims, and the measured effects that decide them."""

import math
from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.gradients.effects import (
    accuracies,
    accuracy_drop,
    accuracy_ratio,
    diversity_after,
    factor,
    first_accuracies,
    gradient_diversity,
    gradient_ratio,
    predicted_chrono_factor,
    predicted_skip_diversity,
    predicted_tanh_factor,
    reached,
    remaining_gradient,
    skip_effect,
)
from whyformer.lab.experiments.gradients.experiment import (
    ALONG_DEPTH,
    ALONG_TIME,
    DEEPEST,
    DEPTHS,
    JUDGED_DEPTH,
    JUDGED_LAYERS,
    LENGTH,
    REACH,
    WIDTH,
)
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import Test, above, below, near

UNIFORM_DRIVE = 1 / 3 + 2 / (3 * WIDTH)
"""Variance of W x + b + b', if inputs x have variance 1, and if weights and biases are uniform on
±1/√width."""


def time_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `time`."""
    rnn = below(factor(results, "rnn-uniform"), 0.6, contrary=0.95, name="RNN")
    return {
        model: [near(factor(results, model), 1.0, 0.02, name="attention"), rnn]
        for model in ("attention-pre-norm", "attention-post-norm")
    }


def lstm_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `lstm`."""
    return {
        model: [above(factor(results, model), 0.95, contrary=0.9)]
        for model in ("lstm-uniform", "lstm-forget-1", "lstm-toolkit")
    }


def gate_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `gate`."""
    return {
        model: [above(factor(results, model), 0.95, contrary=0.9)]
        for model in ("lstm-forget-long", "lstm-chrono")
    }


def skips_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `skips`."""
    along_time = [
        test
        for model in ("rnn-4", "lstm-4")
        for test in (
            near(skip_effect(results, model), 0.0, 0.15, name="moved"),
            below(factor(results, f"{model}-skip"), 0.8, contrary=0.95, name="with skips"),
        )
    ]
    deep = [n for n in results.levels("copy", "layers", wiring="no-skip") if n >= JUDGED_LAYERS]
    along_depth = [
        above(accuracy_ratio(results, n), 0.9, contrary=0.5, name=f"{n} layers") for n in deep
    ]
    return {"time": along_time, "depth": along_depth}


def collapse_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `collapse`."""
    without = diversity_after(results, "no-skip", JUDGED_DEPTH)
    with_skips = diversity_after(results, "pre-norm", JUDGED_DEPTH)
    return {
        "start": [
            below(without, 1e-6, contrary=0.1, name="without"),
            above(with_skips, 0.1, contrary=1e-6, name="with"),
        ],
        "trained": [above(accuracy_drop(results, JUDGED_LAYERS), 0.3, contrary=0.0, name="lost")],
    }


def need_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `need`."""
    return {
        f"{n} layers": [above(accuracy_drop(results, n), 0.3, contrary=0.1)]
        for n in results.levels("copy", "layers", wiring="no-skip")
    }


def enough_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `enough`."""
    return {
        stack: [above(diversity_after(results, stack, DEEPEST), 0.1, contrary=0.01)]
        for stack in ("pre-norm", "post-norm", "attention-skip")
    }


def total_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `total`."""
    return {
        stack: [below(gradient_ratio(results, stack), 1e-3, contrary=0.1)]
        for stack in ("no-skip", "no-skip-causal")
    }


def first_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `first`."""
    copied = accuracies(results, "no-skip", JUDGED_LAYERS)
    return {
        "trained": [
            above(estimate(first_accuracies(results)), 0.9, contrary=0.5, name="first"),
            below(paired(copied, first_accuracies(results)), 0.1, contrary=0.3, name="not copied"),
        ]
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for model in ALONG_TIME:
        name = model.replace("-", "_")
        found[f"factor_{name}"] = factor(results, model)
        found[f"left_{name}"] = remaining_gradient(results, model)
    for model, predicted in PREDICTED.items():
        found[f"predicted_{model.replace('-', '_')}"] = exactly(predicted)
    for model in ("rnn-4", "lstm-4"):
        found[f"moved_{model[:-2]}"] = skip_effect(results, model)
    for stack in ALONG_DEPTH:
        name = stack.replace("-", "_")
        for layers in (1, 4, JUDGED_DEPTH, DEEPEST):
            found[f"diversity_{name}_{layers}"] = diversity_after(results, stack, layers)
        found[f"ratio_{name}"] = gradient_ratio(results, stack)
        found[f"gradient_diversity_{name}"] = gradient_diversity(results, stack)
    found["predicted_skip_4"] = exactly(predicted_skip_diversity(4))
    for wiring, depths in DEPTHS.items():
        for layers in depths:
            found[f"copied_{wiring.replace('-', '_')}_{layers}"] = estimate(
                accuracies(results, wiring, layers)
            )
    found["lost_4"] = accuracy_drop(results, JUDGED_LAYERS)
    found["lost_1"] = accuracy_drop(results, 1)
    found["share_4"] = accuracy_ratio(results, JUDGED_LAYERS)
    found["first"] = estimate(first_accuracies(results))
    for model in REACH:
        for lag in (8, 16):
            found[f"reach_{model.replace('-', '_')}_{lag}"] = reached(results, model, lag)
    return found


PREDICTED = {
    "rnn-uniform": predicted_tanh_factor(1 / 3, UNIFORM_DRIVE),
    "rnn-xavier": predicted_tanh_factor(1.0, 1.0),
    "rnn-orthogonal": predicted_tanh_factor(1.0, 1.0),
    "lstm-uniform": 1 / 2,
    "lstm-forget-1": 1 / (1 + math.exp(-1)),
    "lstm-toolkit": 1 / (1 + math.exp(-1)),
    "lstm-forget-long": 1 - 1 / LENGTH,
    "lstm-chrono": predicted_chrono_factor(),
    "attention-pre-norm": 1.0,
    "attention-post-norm": 1.0,
    "attention-no-skip": 1.0,
}
"""Predicted gradient factor per step of lag, for models with a theory. For an LSTM, the prediction
includes only the forget gate; the gradient through the hidden state is added to this part."""


CLAIMS = (
    Claim(
        "time",
        Bilingual(
            "The Transformer sees everything at once, so gradients do not vanish along a long "
            "sequence.",
            "트랜스포머는 모든 위치를 한꺼번에 보므로, 긴 시퀀스에서도 기울기가 사라지지 않는다.",
        ),
        Bilingual(
            "At the start the gradient from the last output to the input k positions back does "
            "not depend on k in a causal Transformer, and dies exponentially in an RNN.",
            "초기 상태에서, 마지막 출력에서 k칸 앞 입력까지의 기울기는 인과적 트랜스포머에서는 k와 "
            "무관하고, RNN에서는 지수적으로 줄어든다.",
        ),
        Bilingual(
            "Factor per step of lag within 0.98 and 1.02 for attention (Pre-LN and Post-LN); "
            "below 0.6 for the RNN at torch's start.",
            "한 칸당 배율이 어텐션(Pre-LN과 Post-LN)에서 0.98과 1.02 사이, torch 기본 초기화의 "
            "RNN에서 0.6 미만.",
        ),
        time_tests,
    ),
    Claim(
        "lstm",
        Bilingual(
            "Gradients do not vanish in an LSTM.",
            "LSTM에서는 기울기가 사라지지 않는다.",
        ),
        Bilingual(
            "At its usual start an LSTM keeps at least 0.95 of the gradient at each step of lag.",
            "흔히 쓰는 초기화의 LSTM은 한 칸 거슬러 갈 때마다 기울기를 0.95배 이상 유지한다.",
        ),
        Bilingual(
            "Factor above 0.95 (a hundred steps then leave more than 1/200); below 0.9 refutes. "
            "Asked of torch's start, of forget bias 1, and of this toolkit's start.",
            "배율이 0.95 초과 (백 칸 뒤에 1/200 넘게 남음), 0.9 미만이면 반박. torch 기본 초기화, 망각 "
            "편향 1, 이 도구의 기본 초기화에 각각 묻는다.",
        ),
        lstm_tests,
    ),
    Claim(
        "gate",
        Bilingual(
            "What saves an LSTM is its forget gate near 1: a skip connection along time.",
            "LSTM을 살리는 것은 1에 가까운 망각 게이트, 즉 시간 방향의 잔차 연결이다.",
        ),
        Bilingual(
            "With the forget gate opened to the length of the sequence, and nothing else "
            "changed, the factor is above 0.95; likewise with chrono's gates.",
            "다른 것은 그대로 두고 망각 게이트만 시퀀스 길이에 맞게 열면 배율이 0.95를 넘는다. "
            "chrono 초기화의 게이트도 마찬가지다.",
        ),
        Bilingual("Factor above 0.95; below 0.9 refutes.", "배율이 0.95 초과, 0.9 미만이면 반박."),
        gate_tests,
    ),
    Claim(
        "skips",
        Bilingual(
            "Skip connections help somewhat, but they are not decisive.",
            "잔차 연결은 어느 정도 도움이 되지만 결정적이지는 않다.",
        ),
        Bilingual(
            "Along time: skips around stacked recurrent layers change the gradient factor "
            "little. Along depth: a stack of at least 4 layers learns to copy without them.",
            "시간 방향: 쌓은 순환층에 잔차 연결을 더해도 기울기 배율이 거의 그대로다. 깊이 방향: 4층 "
            "이상의 스택이 잔차 연결 없이도 복사를 배운다.",
        ),
        Bilingual(
            "Time: four layers of RNN and of LSTM, factor moved by less than 0.15 and below 0.8 "
            "with skips. Depth: accuracy without skips, at the better rate, above 0.9 of that "
            "with Pre-LN at 4 layers and deeper; below half of it refutes.",
            "시간: RNN과 LSTM 네 층에서 배율의 변화가 0.15 미만이고 잔차 연결이 있어도 0.8 미만. 깊이: "
            "4층 이상에서 더 나은 학습률로 잰 잔차 연결 없는 정답률이 Pre-LN의 0.9배 초과, 절반 미만이면 "
            "반박.",
        ),
        skips_tests,
    ),
    Claim(
        "collapse",
        Bilingual(
            "Without skips a deep stack forgets which token is which.",
            "잔차 연결이 없으면 깊은 스택은 어느 토큰이 어느 토큰인지 잊어버린다.",
        ),
        Bilingual(
            "At the start, after 8 layers without skips, all tokens are the same vector, while "
            "Pre-LN keeps them apart; after training, 4 layers without skips copy worse.",
            "초기 상태에서 잔차 연결 없는 8층을 지나면 모든 토큰이 같은 벡터가 되지만 Pre-LN은 구별을 "
            "유지한다. 학습 뒤에도 잔차 연결 없는 4층은 복사 정답률이 더 낮다.",
        ),
        Bilingual(
            "Diversity below 1e-6 without skips and above 0.1 with Pre-LN; accuracies differ by "
            "more than 0.3.",
            "다양성이 잔차 연결 없이 1e-6 미만, Pre-LN에서 0.1 초과. 정답률 차이가 0.3 초과.",
        ),
        collapse_tests,
    ),
    Claim(
        "need",
        Bilingual(
            "A Transformer cannot do without skip connections.",
            "트랜스포머에는 잔차 연결이 꼭 필요하다.",
        ),
        Bilingual(
            "At every depth the accuracy of copying is higher with skips by more than 0.3.",
            "어떤 깊이에서든 잔차 연결이 있을 때 복사 정답률이 0.3 넘게 높다.",
        ),
        Bilingual(
            "Paired difference (Pre-LN - without skips) above 0.3, each at its better rate; "
            "below 0.1 refutes. Asked of each number of layers.",
            "각자 더 나은 학습률에서 짝지은 차이(Pre-LN - 잔차 연결 없음)가 0.3 초과, 0.1 미만이면 반박. 층 "
            "수마다 묻는다.",
        ),
        need_tests,
    ),
    Claim(
        "enough",
        Bilingual(
            "Skips keep the tokens apart, however deep the stack.",
            "잔차 연결만 있으면 아무리 깊어도 토큰이 구별된다.",
        ),
        Bilingual(
            "At the start the diversity of tokens after 24 layers with skips is above 0.1.",
            "초기 상태에서 잔차 연결이 있는 24층을 지난 토큰의 다양성이 0.1보다 크다.",
        ),
        Bilingual(
            "Diversity above 0.1; below 0.01 refutes. Asked of Pre-LN, Post-LN, and attention "
            "with skips and nothing else.",
            "다양성이 0.1 초과, 0.01 미만이면 반박. Pre-LN, Post-LN, 잔차 연결만 있는 어텐션에 각각 묻는다.",
        ),
        enough_tests,
    ),
    Claim(
        "total",
        Bilingual(
            "When information is lost in depth, the norm of the gradient shows it.",
            "깊이 방향으로 정보가 사라지면 기울기의 노름에 드러난다.",
        ),
        Bilingual(
            "Through 24 layers without skips the norm of the gradient shrinks by more than a "
            "thousand.",
            "잔차 연결 없는 24층을 거슬러 오면 기울기의 노름이 천분의 일보다 작아진다.",
        ),
        Bilingual(
            "Norm at the input over norm at the output below 1e-3; above 0.1 refutes.",
            "입력에서의 노름 / 출력에서의 노름이 1e-3 미만, 0.1 초과면 반박.",
        ),
        total_tests,
    ),
    Claim(
        "first",
        Bilingual(
            "A stack that recalls the first token lets tokens through.",
            "첫 토큰을 기억해 내는 스택은 토큰을 통과시키는 스택이다.",
        ),
        Bilingual(
            "Four causal layers without skips that recall the first token copy the token eight "
            "back about as well.",
            "첫 토큰을 기억해 내는, 잔차 연결 없는 인과적 네 층은 여덟 칸 앞의 토큰도 그만큼 잘 복사한다.",
        ),
        Bilingual(
            "First token right in more than 0.9, and the accuracy of copying less than 0.1 "
            "below it; more than 0.3 below refutes.",
            "첫 토큰 정답률이 0.9 초과이고 복사 정답률이 그보다 0.1 넘게 낮지 않음, 0.3 넘게 낮으면 반박.",
        ),
        first_tests,
    ),
)
