"""Generate sentence pairs in two artificial languages, for speed measurements.

The sentences have the lengths of image captions. The words follow Zipf's law and have no meaning.
"""

from collections.abc import Iterator

import numpy as np

from whyformer.data.reading import Pair

LOG_LENGTHS = ((2.687, 0.295), (2.710, 0.330), 0.859)
"""Mean and standard deviation of the logarithm of source and target lengths, and their correlation,
measured on Multi30k en→de with 8,000 BPE pieces, including eos. This file uses these lengths as
numbers of words."""
SHORTEST, LONGEST = 3, 60
WORDS = 20_000
"""Number of different words in each language."""
BLOCK = 4096
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


def made_up_pairs(count: int, *, seed: int) -> Iterator[Pair]:
    """Yield ``count`` pairs. A larger count only appends pairs; the first pairs stay the same.

    >>> pair = next(made_up_pairs(1, seed=1))
    >>> 3 <= len(pair.source.split()) <= 60
    True
    """
    rng = np.random.default_rng(seed)
    (source_mean, source_deviation), (mean, deviation), correlation = LOG_LENGTHS
    both = correlation * source_deviation * deviation
    covariance = [[source_deviation**2, both], [both, deviation**2]]
    languages = [_words(swapped=False), _words(swapped=True)]
    mass = np.cumsum(1 / np.arange(1, WORDS + 1))
    mass /= mass[-1]
    line = 0
    while line < count:
        logs = rng.multivariate_normal([source_mean, mean], covariance, BLOCK)
        lengths = np.clip(np.rint(np.exp(logs)) - 1, SHORTEST, LONGEST).astype(np.int64)
        sides: list[list[str]] = []
        for side, words in enumerate(languages):
            ranks = np.searchsorted(mass, rng.random(int(lengths[:, side].sum())))
            spoken = words[ranks].tolist()
            ends = np.cumsum(lengths[:, side]).tolist()
            sides.append([" ".join(spoken[a:b]) for a, b in zip([0, *ends], ends, strict=False)])
        for source, target in zip(*sides, strict=True):
            line += 1
            if line > count:
                return
            yield Pair(line, source, target)


def _words(*, swapped: bool) -> np.ndarray:
    """Return the words of an artificial language; frequent words are short.

    Args: swapped: whether each syllable starts with its vowel.
    """
    pairs = [(c, v) for c in CONSONANTS for v in VOWELS]
    syllables = [v + c if swapped else c + v for c, v in pairs]
    found = []
    for number in range(WORDS):
        word, rest = syllables[number % len(syllables)], number // len(syllables)
        while rest:
            word += syllables[(rest - 1) % len(syllables)]
            rest = (rest - 1) // len(syllables)
        found.append(word)
    return np.array(found, dtype=object)
