"""Does next-sentence prediction help? Two input formats, with and without the next-sentence loss.

BERT and RoBERTa differ in both the format and the loss. Here, the next-sentence loss uses separate
rows, so that it can be added to each format. An arm has two settings: the format of the rows for
the masked-token loss (pairs or full rows), and whether there is a next-sentence loss.
"""

from whyformer.lab.experiments.nsp.claims import CLAIMS, numbers
from whyformer.lab.experiments.nsp.experiment import arm_conditions, measure_arm, measure_untrained
from whyformer.lab.experiments.nsp.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("nsp")
EXPERIMENT = Experiment(
    name="nsp",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("arms", measure_arm, arm_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("untrained", measure_untrained, lambda mode: [{}], {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)  # fmt: skip
