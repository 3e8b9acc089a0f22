"""What does a key-value cache save? Equal outputs, counted operations, memory and time."""

from whyformer.lab.experiments.cache import experiment
from whyformer.lab.experiments.cache.claims import CLAIMS, numbers
from whyformer.lab.experiments.cache.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("cache")
ONCE = {Mode.QUICK: 1, Mode.FULL: 1}
EXPERIMENT = Experiment(
    name="cache",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("equal", experiment.measure_equal, experiment.equal_conditions,
             {Mode.QUICK: 3, Mode.FULL: 10}),
        Part("work", experiment.measure_work, experiment.work_conditions, ONCE),
        Part("memory", experiment.measure_memory, experiment.memory_conditions, ONCE),
        Part("time", experiment.measure_time, experiment.time_conditions,
             {Mode.QUICK: 3, Mode.FULL: 10}, timed=True),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
