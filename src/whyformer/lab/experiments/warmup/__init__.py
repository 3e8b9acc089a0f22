"""Why warm-up? Initial gradients, training with and without warm-up, and tests of possible
causes."""

from whyformer.lab.experiments.warmup import experiment
from whyformer.lab.experiments.warmup.claims import CLAIMS, numbers
from whyformer.lab.experiments.warmup.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("warmup")
EXPERIMENT = Experiment(
    name="warmup",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("start", experiment.measure_start, experiment.start_conditions,
             {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("sensitivity", experiment.measure_step, experiment.step_conditions,
             {Mode.QUICK: 3, Mode.FULL: 20}),
        Part("training", experiment.measure_training, experiment.training_conditions,
             {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
