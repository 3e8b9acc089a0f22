"""The bottleneck of sequence-to-sequence models: one vector for the whole source, or attention.

An encoder-decoder LSTM copies rows of random symbols, or writes them in reverse order. The reversed
task is the same as Sutskever's trick: copying a source that is read in reverse order.
"""

from whyformer.lab.experiments.bottleneck.claims import CLAIMS, numbers
from whyformer.lab.experiments.bottleneck.experiment import conditions, measure
from whyformer.lab.experiments.bottleneck.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("bottleneck")
EXPERIMENT = Experiment(
    name="bottleneck",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(Part("lengths", measure, conditions, {Mode.QUICK: 2, Mode.FULL: 5}),),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
