"""Why multiply embeddings by √d_model? Norms at initialization, and losses after training."""

from whyformer.lab.experiments.embedding_scale.claims import CLAIMS, numbers
from whyformer.lab.experiments.embedding_scale.experiment import (
    identity_conditions,
    loudness_conditions,
    measure_identity,
    measure_loudness,
    measure_training,
    training_conditions,
)
from whyformer.lab.experiments.embedding_scale.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="embedding_scale",
    question=Bilingual(
        "Why multiply the embeddings by √d_model?", "왜 임베딩에 √d_model을 곱하나요?"
    ),
    keywords=(
        "√d_model",
        "d_model",
        "tied",
        "tying",
        "weight tying",
        "multiply",
        "loud",
        "곱하",
        "공유",
        "embedding scale",
        "embeddings scale",
        "임베딩 스케일",
        "multiplied",
    ),
    mentions=(
        "embedding",
        "embeddings",
        "norm",
        "scale",
        "sqrt",
        "임베딩",
        "노름",
        "루트",
        "스케일",
    ),
    parts=(
        Part("loudness", measure_loudness, loudness_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("identity", measure_identity, identity_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
