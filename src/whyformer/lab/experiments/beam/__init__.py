"""Is a larger beam better? Beam search is compared with enumeration of all answers of tiny models,
and on an invented language.

The probabilities of the language are known. A source is a row of symbols. Each symbol has several
translations of two words, and each symbol's translation is drawn independently. So every symbol
reduces the probability of a correct answer by the same factor. Training text can contain
fragments: targets that are cut at a random word, as in badly aligned text. With fragments, the
empty answer to a long source is more probable than any complete answer.
"""

from whyformer.lab.experiments.beam.claims import CLAIMS, numbers
from whyformer.lab.experiments.beam.experiment import (
    exact_conditions,
    measure_exact,
    measure_search,
    search_conditions,
)
from whyformer.lab.experiments.beam.figures import NAMES, charts
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("beam")
EXPERIMENT = Experiment(
    name="beam",
    question=TEXTS.question,
    keywords=TEXTS.keywords,
    parts=(
        Part("exact", measure_exact, exact_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("search", measure_search, search_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    brief=TEXTS.brief,
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
