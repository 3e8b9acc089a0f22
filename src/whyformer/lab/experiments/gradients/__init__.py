"""Vanishing gradients along time and depth, and the effect of skip connections.

Along time, the experiment measures the gradient of the last output with respect to the input k
positions before it. Along depth, it measures the diversity of the tokens after l layers, and
whether a trained stack can copy a token.
"""

from whyformer.lab.experiments.gradients import experiment
from whyformer.lab.experiments.gradients.claims import CLAIMS, numbers
from whyformer.lab.experiments.gradients.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("gradients")
EXPERIMENT = Experiment(
    name="gradients",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("lags", experiment.measure_lags, experiment.lag_conditions,
             {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("depth", experiment.measure_depth, experiment.depth_conditions,
             {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("copy", experiment.measure_copy, experiment.copy_conditions,
             {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("first", experiment.measure_first, experiment.first_conditions,
             {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("reach", experiment.measure_reach, experiment.reach_conditions,
             {Mode.QUICK: 1, Mode.FULL: 5}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
