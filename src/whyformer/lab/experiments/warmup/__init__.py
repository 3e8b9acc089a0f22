"""Why warm-up? Initial gradients, training with and without warm-up, and tests of possible
causes."""

from whyformer.lab.experiments.warmup.claims import CLAIMS, numbers
from whyformer.lab.experiments.warmup.experiment import (
    measure_start,
    measure_step,
    measure_training,
    start_conditions,
    step_conditions,
    training_conditions,
)
from whyformer.lab.experiments.warmup.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="warmup",
    question=Bilingual(
        "Why does Post-LN need warm-up, and what does it warm up?",
        "Post-LN에는 왜 워밍업이 필요하고, 무엇을 데우는 걸까요?",
    ),
    keywords=(
        "warmup",
        "warm-up",
        "warm",
        "post-ln",
        "pre-ln",
        "postln",
        "preln",
        "post-norm",
        "pre-norm",
        "워밍업",
        "웜업",
        "layernorm where",
        "layer norm where",
        "normalization where",
        "레이어놈 어디",
        "정규화 어디",
        "노말라이제이션 위치",
        "정규화 위치",
    ),
    mentions=(
        "layernorm",
        "layer norm",
        "normalization",
        "normalisation",
        "deepnorm",
        "learning rate",
        "schedule",
        "clip",
        "clipping",
        "층 정규화",
        "레이어 노말라이제이션",
        "노말라이제이션",
        "레이어놈",
        "레이어 놈",
        "정규화",
        "학습률",
        "스케줄",
        "클리핑",
    ),
    parts=(
        Part("start", measure_start, start_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("sensitivity", measure_step, step_conditions, {Mode.QUICK: 3, Mode.FULL: 20}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
