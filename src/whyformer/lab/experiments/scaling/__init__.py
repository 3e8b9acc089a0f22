"""Why 1/√d_k? Random scores at initialization, and trained models with tuned learning rates."""

from whyformer.lab.experiments.scaling.claims import CLAIMS
from whyformer.lab.experiments.scaling.experiment import (
    identity_conditions,
    measure_identity,
    measure_scores,
    measure_training,
    numbers,
    score_conditions,
    training_conditions,
)
from whyformer.lab.experiments.scaling.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="scaling",
    question=Bilingual("Why divide by √d_k?", "왜 √d_k로 나누나요?"),
    keywords=(
        "sqrt",
        "√d_k",
        "√",
        "d_k",
        "dk",
        "scale",
        "scaled",
        "scaling",
        "divide",
        "saturation",
        "루트",
        "나누",
        "스케일",
        "포화",
        "제곱근",
        "divided",
        "saturate",
        "saturated",
        "square root dot product",
        "square root attention",
    ),
    mentions=(
        "softmax",
        "scores",
        "temperature",
        "소프트맥스",
        "점수",
        "dot product",
    ),
    parts=(
        Part("scores", measure_scores, score_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("identity", measure_identity, identity_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
