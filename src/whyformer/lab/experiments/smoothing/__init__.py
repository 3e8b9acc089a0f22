"""What does label smoothing improve? The exact optimum of the smoothed loss, and models trained on
much or little text."""

from whyformer.lab.experiments.smoothing.claims import CLAIMS, numbers
from whyformer.lab.experiments.smoothing.experiment import (
    measure_table,
    measure_training,
    table_conditions,
    training_conditions,
)
from whyformer.lab.experiments.smoothing.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="smoothing",
    question=Bilingual("What does label smoothing buy?", "레이블 스무딩으로 무엇을 얻나요?"),
    keywords=(
        "label smoothing",
        "smoothing",
        "overconfidence",
        "overconfident",
        "confidence",
        "calibration",
        "레이블 스무딩",
        "라벨 스무딩",
        "스무딩",
        "평활",
        "보정",
        "캘리브레이션",
        "퍼플렉시티 나빠",
        "퍼플렉서티 나빠",
        "perplexity worse",
        "확신 지나",
        "과신",
    ),
    mentions=(
        "epsilon",
        "perplexity",
        "ece",
        "확신",
        "퍼플렉시티",
        "퍼플렉서티",
    ),
    parts=(
        Part("table", measure_table, table_conditions, {Mode.QUICK: 3, Mode.FULL: 20}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
