"""The baselines of translation: joint n-grams for words, the nearest training source otherwise."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from whyformer.evaluation.baselines.joint_ngrams import JointNgrams
from whyformer.evaluation.baselines.neighbours import NeighbourIndex
from whyformer.text.units import divided

Pair = tuple[str, str]
Score = Callable[[Sequence[str], Sequence[str]], float]
"""Function from outputs and references to a score; higher is better."""

LONGEST_WORDS = 20
"""Joint n-grams are tried if the mean length of the sources is at most this, in symbols."""
LONGEST_PAIR = 60
"""Joint n-grams ignore pairs with a source or target of more characters than this."""
SHORT_SYMBOL = 3.0
"""Targets count as symbols separated by spaces if the symbols have at most this mean length."""
TRIAL_PAIRS, TRIAL_ITEMS = 1500, 150
"""To choose between the baselines: the number of training pairs to build them on, and the number of
other training pairs to score them on."""
CELLS_PER_SECOND = 800_000
"""Cells of the alignment table (source symbols · target symbols · lengths) per second."""
CHARACTERS_PER_SECOND = 400_000
"""Characters that are indexed per second. Both speeds are those of one slow core."""


@dataclass(frozen=True)
class PairBaseline:
    """A baseline that is ready to translate.

    Args:
        method: its method in words.
        translate: returns a translation of each source.
        pairs: number of training pairs that it uses.
    """

    method: str
    translate: Callable[[Sequence[str]], list[str]]
    pairs: int


@dataclass(frozen=True)
class Symbols:
    """Division of a text into symbols, and their composition to a text.

    Args: separated: whether spaces separate the symbols. Otherwise, each character is a symbol, and
        Hangul syllables are divided into their letters.

    >>> Symbols(separated=False).of("가"), Symbols(separated=True).of("AH K")
    (['ᄀ', 'ᅡ'], ['AH', 'K'])
    """

    separated: bool

    def of(self, text: str) -> list[str]:
        """Return the symbols of a text."""
        return text.split() if self.separated else list(divided(text))

    def text(self, symbols: Sequence[str]) -> str:
        """Return the text of symbols."""
        if self.separated:
            return " ".join(symbols)
        return unicodedata.normalize("NFC", "".join(symbols))


def are_symbols(texts: Sequence[str]) -> bool:
    """Return whether most texts are short symbols separated by spaces, such as phones.

    >>> are_symbols(["K AE T", "D AO G"]), are_symbols(["Several animals sleep."])
    (True, False)
    """
    parts = [text.split() for text in texts]
    several = sum(len(one) > 1 for one in parts)
    symbols = [symbol for one in parts for symbol in one]
    if 2 * several < len(parts) or not symbols:
        return False
    return sum(map(len, symbols)) / len(symbols) <= SHORT_SYMBOL


def pair_baseline(
    pairs: Sequence[Pair],
    score: Score,
    *,
    seconds: float,
    separated_sources: bool = False,
    seed: int = 0,
) -> PairBaseline:
    """Return the better of two baselines, built on a sample of the pairs that fits into the time.

    To choose, build both baselines on some of the training pairs and score them on others.
    Args:
        score: the metric by which the better baseline is chosen.
        seconds: approximate time to build the baseline.
        separated_sources: whether spaces separate the symbols of the sources.
    """
    order = np.random.default_rng(seed).permutation(len(pairs))
    shuffled = [pairs[number] for number in order]
    source = Symbols(separated_sources)
    target = Symbols(are_symbols([one for _, one in shuffled[:TRIAL_PAIRS]]))

    def memory(some: Sequence[Pair]) -> PairBaseline:
        return _memory(some, seconds)

    def joint(some: Sequence[Pair]) -> PairBaseline:
        return _joint(some, source, target, seconds)

    lengths = [len(source.of(one)) for one, _ in shuffled[:TRIAL_PAIRS]]
    if not lengths or sum(lengths) / len(lengths) > LONGEST_WORDS:
        return memory(shuffled)
    cut = min(TRIAL_ITEMS, len(shuffled) // 4)
    asked, known = shuffled[:cut], shuffled[cut : cut + TRIAL_PAIRS]
    if not asked:
        return memory(shuffled)
    questions, right = [one for one, _ in asked], [one for _, one in asked]
    try:
        gained = score(joint(known).translate(questions), right)
    except ValueError:  # no pair can be aligned
        return memory(shuffled)
    best = joint if gained > score(memory(known).translate(questions), right) else memory
    return best(shuffled)


def _memory(pairs: Sequence[Pair], seconds: float) -> PairBaseline:
    used = _fitting(pairs, seconds * CHARACTERS_PER_SECOND, lambda pair: len(pair[0]))
    index = NeighbourIndex([source for source, _ in used])

    def translate(sources: Sequence[str]) -> list[str]:
        nearest = (index.nearest(source) for source in sources)
        return [used[found[0].number][1] if found else "" for found in nearest]

    return PairBaseline("the target of the most similar training source", translate, len(used))


def _joint(pairs: Sequence[Pair], source: Symbols, target: Symbols, seconds: float) -> PairBaseline:
    short = [pair for pair in pairs if max(map(len, pair)) <= LONGEST_PAIR]
    used = _fitting(
        short, seconds * CELLS_PER_SECOND, lambda pair: 3 * len(pair[0]) * (len(pair[1]) + 1)
    )
    model = JointNgrams([(source.of(one), target.of(other)) for one, other in used])

    def translate(sources: Sequence[str]) -> list[str]:
        return [target.text(one) for one in model.translate([source.of(s) for s in sources])]

    return PairBaseline("n-grams of aligned symbols", translate, len(used))


def _fitting(pairs: Sequence[Pair], capacity: float, cost: Callable[[Pair], int]) -> Sequence[Pair]:
    """Return the first pairs whose summed cost is at most ``capacity``, and at least one."""
    for number, pair in enumerate(pairs):
        capacity -= cost(pair)
        if capacity < 0:
            return pairs[: max(1, number)]
    return pairs
