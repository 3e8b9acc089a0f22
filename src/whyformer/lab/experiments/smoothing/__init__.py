"""What does label smoothing improve? Models that are trained on much or little text."""

from whyformer.lab.experiments.smoothing.claims import CLAIMS, numbers
from whyformer.lab.experiments.smoothing.experiment import conditions, measure
from whyformer.lab.experiments.smoothing.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="smoothing",
    question=Bilingual("What does label smoothing improve?", "레이블 스무딩은 무엇을 개선하나요?"),
    keywords=(
        "label smoothing", "smoothing", "overconfidence", "overconfident", "confidence",
        "calibration", "perplexity worse", "레이블 스무딩", "라벨 스무딩", "스무딩", "평활", "보정",
        "캘리브레이션", "퍼플렉시티 나빠", "퍼플렉서티 나빠", "확신 지나", "과신",
    ),
    mentions=("epsilon", "perplexity", "ece", "확신", "퍼플렉시티", "퍼플렉서티"),
    parts=(Part("training", measure, conditions, {Mode.QUICK: 2, Mode.FULL: 5}),),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
