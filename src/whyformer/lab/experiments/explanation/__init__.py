"""Do attention weights explain a prediction? Rankings of tokens, and what removing a token does."""

from whyformer.lab.experiments.explanation import experiment
from whyformer.lab.experiments.explanation.claims import CLAIMS, numbers
from whyformer.lab.experiments.explanation.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("explanation")
EXPERIMENT = Experiment(
    name="explanation",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("training", experiment.measure, experiment.conditions,
             {Mode.QUICK: 2, Mode.FULL: 10}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
