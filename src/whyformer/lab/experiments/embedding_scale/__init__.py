"""Why multiply embeddings by √d_model? Norms at initialization, and losses after training."""

from whyformer.lab.experiments.embedding_scale import experiment
from whyformer.lab.experiments.embedding_scale.claims import CLAIMS, numbers
from whyformer.lab.experiments.embedding_scale.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("embedding_scale")
EXPERIMENT = Experiment(
    name="embedding_scale",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("loudness", experiment.measure_loudness, experiment.loudness_conditions,
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
