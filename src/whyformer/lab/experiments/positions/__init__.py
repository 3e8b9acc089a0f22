"""Why sines and cosines? Exact properties of position codes, and their use by trained models."""

from whyformer.lab.experiments.positions import experiment
from whyformer.lab.experiments.positions.claims import CLAIMS, numbers
from whyformer.lab.experiments.positions.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("positions")
EXPERIMENT = Experiment(
    name="positions",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("algebra", experiment.measure_algebra, experiment.algebra_conditions,
             {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("margin", experiment.measure_margin, experiment.margin_conditions,
             {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("shift", experiment.measure_shift, experiment.shift_conditions,
             {Mode.QUICK: 5, Mode.FULL: 5}),
        Part("projection", experiment.measure_projection, experiment.projection_conditions,
             {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("order", experiment.measure_order, experiment.order_conditions,
             {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("tasks", experiment.measure_tasks, experiment.task_conditions,
             {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("language", experiment.measure_language, experiment.language_conditions,
             {Mode.QUICK: 1, Mode.FULL: 5}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
