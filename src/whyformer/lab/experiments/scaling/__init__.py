"""Why 1/√d_k? Random scores at initialization, and trained models with tuned learning rates."""

from whyformer.lab.experiments.scaling import experiment
from whyformer.lab.experiments.scaling.claims import CLAIMS, numbers
from whyformer.lab.experiments.scaling.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("scaling")
EXPERIMENT = Experiment(
    name="scaling",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("scores", experiment.measure_scores, experiment.score_conditions,
             {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("identity", experiment.measure_identity, experiment.identity_conditions,
             {Mode.QUICK: 1, Mode.FULL: 5}),
        Part("training", experiment.measure_training, experiment.training_conditions,
             {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
