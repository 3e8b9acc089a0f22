"""Why are queries, keys and values separate? Weights at initialization, and models that share."""

from whyformer.lab.experiments.qkv import experiment
from whyformer.lab.experiments.qkv.claims import CLAIMS, numbers
from whyformer.lab.experiments.qkv.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("qkv")
EXPERIMENT = Experiment(
    name="qkv",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("start", experiment.measure_start, experiment.start_conditions,
             {Mode.QUICK: 3, Mode.FULL: 10}),
        Part("circle", experiment.measure_circle, experiment.circle_conditions,
             {Mode.QUICK: 2, Mode.FULL: 8}),
        Part("language", experiment.measure_language, experiment.language_conditions,
             {Mode.QUICK: 2, Mode.FULL: 8}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
