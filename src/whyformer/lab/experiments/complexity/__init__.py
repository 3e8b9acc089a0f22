"""Table 1 of the paper, row by row: operation counts, graph depths, path lengths and times."""

from whyformer.lab.experiments.complexity import experiment
from whyformer.lab.experiments.complexity.claims import CLAIMS, numbers
from whyformer.lab.experiments.complexity.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("complexity")
ONCE = {Mode.QUICK: 1, Mode.FULL: 1}
EXPERIMENT = Experiment(
    name="complexity",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("counts", experiment.measure_counts, experiment.count_conditions, ONCE),
        Part("block", experiment.measure_block, experiment.block_conditions, ONCE),
        Part("depth", experiment.measure_depth, experiment.depth_conditions, ONCE),
        Part("twins", experiment.measure_twins, experiment.twin_conditions,
             {Mode.QUICK: 3, Mode.FULL: 20}),
        Part("path", experiment.measure_path, experiment.path_conditions,
             {Mode.QUICK: 1, Mode.FULL: 5}),
        Part("decoding", experiment.measure_decoding, experiment.decoding_conditions, ONCE),
        Part("time", experiment.measure_time, experiment.time_conditions,
             {Mode.QUICK: 3, Mode.FULL: 5}, timed=True),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)  # fmt: skip
