"""What does label smoothing improve? Models that are trained on much or little text."""

from whyformer.lab.experiments.smoothing.claims import CLAIMS, numbers
from whyformer.lab.experiments.smoothing.experiment import conditions, measure
from whyformer.lab.experiments.smoothing.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("smoothing")
EXPERIMENT = Experiment(
    name="smoothing",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(Part("training", measure, conditions, {Mode.QUICK: 2, Mode.FULL: 5}),),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
