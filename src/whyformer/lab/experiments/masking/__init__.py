"""What does BERT's 80/10/10 masking do? Training with three recipes, and probes.

A linear probe predicts a word from the state of one of its letters. All letters are visible, as in
any use of a trained model. The letter alone does not determine the word, but the letters around it
do. So the probe measures how much context the state of a visible token contains. A tagger needs
this context, too.
"""

from whyformer.lab.experiments.masking.claims import CLAIMS, numbers
from whyformer.lab.experiments.masking.experiment import (
    causal_conditions,
    masked_conditions,
    measure_causal,
    measure_masked,
)
from whyformer.lab.experiments.masking.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("masking")
EXPERIMENT = Experiment(
    name="masking",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("masked", measure_masked, masked_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("causal", measure_causal, causal_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)  # fmt: skip
