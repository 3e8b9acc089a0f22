"""Are several heads better than one? Training with many or few heads, and pruning afterwards."""

from whyformer.lab.experiments.heads.claims import CLAIMS, numbers
from whyformer.lab.experiments.heads.experiment import conditions, measure
from whyformer.lab.experiments.heads.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("heads")
EXPERIMENT = Experiment(
    name="heads",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(Part("training", measure, conditions, {Mode.QUICK: 2, Mode.FULL: 5}),),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
