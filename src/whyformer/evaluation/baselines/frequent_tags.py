"""Give each word its most frequent label, and an unknown word the usual label of its ending."""

from collections import Counter, defaultdict
from collections.abc import Sequence

SUFFIX = 5
"""Length of the longest endings, in characters."""
RARE = 10
"""Endings are counted on words that occur at most this often, as unknown words are rare."""


class FrequentTags:
    """A tagger: a known word gets its most frequent label, and a new word gets the most frequent
    label of its ending.

    Source: Brants 2000, “TnT – a statistical part-of-speech tagger”, §2.3, for the
        rule to count only the endings of rare words.
    Differs: there are no probabilities of label sequences, and only the longest known ending is
        used.

    >>> tagger = FrequentTags([["the", "dog", "runs"]], [["D", "N", "V"]])
    >>> tagger.tag([["the", "hotdog", "jumps"]])
    [['D', 'N', 'V']]
    """

    def __init__(self, sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]) -> None:
        of_word: dict[str, Counter[str]] = defaultdict(Counter)
        for words, tags in zip(sentences, labels, strict=True):
            for word, tag in zip(words, tags, strict=True):
                of_word[word][tag] += 1
        of_ending: dict[str, Counter[str]] = defaultdict(Counter)
        for word, tags in of_word.items():
            if tags.total() <= RARE:
                for ending in endings(word):
                    of_ending[ending].update(tags)
        every: Counter[str] = sum(of_word.values(), Counter())
        self._usual = _first(every)
        self._of_word = {word: _first(tags) for word, tags in of_word.items()}
        self._of_ending = {ending: _first(tags) for ending, tags in of_ending.items()}

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return a label for every word of each sentence."""
        return [[self._label(word) for word in words] for words in sentences]

    def _label(self, word: str) -> str:
        if (known := self._of_word.get(word)) is not None:
            return known
        for ending in endings(word):
            if (known := self._of_ending.get(ending)) is not None:
                return known
        return self._usual


def endings(word: str) -> list[str]:
    """Return the endings of a word, the longest first.

    >>> endings("dogs")
    ['dogs', 'ogs', 'gs', 's']
    """
    return [word[-length:] for length in range(min(SUFFIX, len(word)), 0, -1)]


def _first(tags: Counter[str]) -> str:
    """Return the most frequent label; of equally frequent labels, the first in the alphabet."""
    return min(tags, key=lambda tag: (-tags[tag], tag))
