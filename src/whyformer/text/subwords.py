"""The base of all subword vocabularies: split text into words, and cache their tokenization.

The `tokenizers` library splits each word into pieces; this file adds three rules. First, a text is
split into words (`split_words`) without loss: a space belongs to the word after it. Second,
characters outside the vocabulary are encoded as bytes. Third, the tokens of each word are cached.
"""

import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from whyformer.text.normalization import lower, normalize
from whyformer.text.pieces import Pieces, most_common
from whyformer.text.symbols import FIRST_PIECE

LONGEST_WORD = 48
"""Maximum number of characters of a word. Longer words are split, because the time to tokenize a
word can grow with the square of its length."""

COVERAGE = 0.9999
"""Fraction of the training characters that get their own pieces; rarer characters are encoded as
bytes."""

CACHED_WORDS = 200_000

# The marks are listed here and not read from `unicodedata`, so that every version of Python gives
# the same result.
_MARKS = (
    r"!-/:-@\[-`{-~¡-¿×÷،؛؟٪-٭।॥\u2010-\u2027\u2030-\u205e\u20a0-\u20bf"
    r"\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
WORD_PATTERN = rf" ?[^ {_MARKS}]{{1,{LONGEST_WORD}}}| ?[{_MARKS}]{{1,{LONGEST_WORD}}}| "
"""Regular expression of a word. Every text is a sequence of its matches."""
_WORD = re.compile(WORD_PATTERN)


def split_words(text: str) -> list[str]:
    """Split ``text`` into words and punctuation, each with the single space before it.

    >>> split_words("A man,  a plan")
    ['A', ' man', ',', ' ', ' a', ' plan']
    """
    return _WORD.findall(text)


class Subwords(Pieces):
    """Tokenizes text word by word with a cache; subclasses tokenize the words that are not
    cached."""

    samples = True

    def __init__(self, units: str, pieces: Sequence[str], *, lowercase: bool = False) -> None:
        super().__init__(units, pieces, lowercase=lowercase)
        self._id = {piece: FIRST_PIECE + k for k, piece in enumerate(self.pieces)}
        self._best: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        best = self._best
        ids: list[int] = []
        for word in _WORD.findall(self.normalize(text)):
            cut = best.get(word)
            ids += self._tokenize_and_cache(word) if cut is None else cut
        return ids

    def sample(self, text: str, rng: random.Random, rate: float) -> list[int]:
        """Return the ids of a random tokenization of ``text``, for training. With rate 0, the
        result is that of `encode`.

        Args:
            rng: random generator; the same state gives the same ids.
            rate: 0 to 1; for its meaning, see `_draw` of the subclass.
        """
        if rate <= 0.0:
            return self.encode(text)
        draw = self._draw
        ids: list[int] = []
        for word in _WORD.findall(self.normalize(text)):
            ids += draw(word, rng, rate)
        return ids

    def ids_of_piece(self, piece: str) -> list[int]:
        """Return the ids that spell a piece of another vocabulary of the same kind."""
        return self._cut(piece)

    def _tokenize_and_cache(self, word: str) -> list[int]:
        if len(self._best) >= CACHED_WORDS:
            self._best.clear()
        cut = self._best[word] = self._cut(word)
        return cut

    def _cut(self, word: str) -> list[int]:
        raise NotImplementedError

    def _draw(self, word: str, rng: random.Random, rate: float) -> list[int]:
        raise NotImplementedError


def known_runs(word: str, alphabet: dict[str, int]) -> Iterator[tuple[bool, str]]:
    """Split ``word`` into runs of characters inside and outside ``alphabet``.

    Yields: (whether the characters are in the alphabet, the run).
    """
    for known, characters in groupby(word, alphabet.__contains__):
        yield known, "".join(characters)


def count_words(texts: Iterable[str], lowercase: bool) -> Counter[str]:
    """Return how often each word of `split_words` occurs. The memory use grows with the number of
    different words."""
    prepare = lower if lowercase else normalize
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split_words(prepare(text)))
    return counts


def choose_alphabet(counts: Counter[str], size: int, known: Collection[str] = ()) -> list[str]:
    """Return the characters that get pieces, except those in ``known``: the most frequent ones,
    until they cover the fraction `COVERAGE` of the text.

    At most half of ``size`` is used for characters, so that longer pieces can be learned as well.
    """
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    needed = COVERAGE * characters.total()
    for character in [one for one in characters if one in known]:
        needed -= characters.pop(character)
    chosen: list[str] = []
    for character in most_common(characters, size // 2):
        if needed <= 0:
            break
        chosen.append(character)
        needed -= characters[character]
    return sorted(chosen)


def count_runs(counts: Counter[str], alphabet: Iterable[str]) -> Counter[str]:
    """Split words at characters outside ``alphabet``, and return how often each remaining part
    occurs."""
    known = dict.fromkeys(alphabet, 0)
    runs: Counter[str] = Counter()
    for word, count in counts.items():
        for is_known, run in known_runs(word, known):
            if is_known:
                runs[run] += count
    return runs
