"""Vanishing gradients along time and depth, and the effect of skip connections.

Along time, the experiment measures the gradient of the last output with respect to the input k
positions before it. Along depth, it measures the diversity of the tokens after l layers, and
whether a trained stack can copy a token.
"""

from whyformer.lab.experiments.gradients.claims import CLAIMS, numbers
from whyformer.lab.experiments.gradients.experiment import (
    copy_conditions,
    depth_conditions,
    first_conditions,
    lag_conditions,
    measure_copy,
    measure_depth,
    measure_first,
    measure_lags,
    measure_reach,
    reach_conditions,
)
from whyformer.lab.experiments.gradients.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="gradients",
    question=Bilingual(
        "Does attention end vanishing gradients, and are skip connections decisive?",
        "어텐션은 기울기 소실을 없앴나요, 그리고 잔차 연결은 결정적인가요?",
    ),
    keywords=(
        "vanishing",
        "vanish",
        "skip",
        "residual",
        "shortcut",
        "exploding",
        "explode",
        "long range",
        "long-range",
        "collapse",
        "기울기 소실",
        "소실",
        "폭발",
        "장기 의존",
        "레지듀얼",
        "스킵",
        "잔차",
        "lstm remember",
        "lstms remember",
        "lstm forget",
        "lstm 괜찮",
        "lstm 기억",
        "lstm 망각",
        "long range dependencies",
        "장기 의존성",
    ),
    mentions=(
        "gradient",
        "gradients",
        "lstm",
        "lstms",
        "rnn",
        "gru",
        "forget",
        "기울기",
        "그래디언트",
        "그라디언트",
        "순환",
        "망각",
        "connection",
        "connections",
        "연결",
    ),
    parts=(
        Part("lags", measure_lags, lag_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("depth", measure_depth, depth_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("copy", measure_copy, copy_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("first", measure_first, first_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("reach", measure_reach, reach_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
