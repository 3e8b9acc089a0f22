"""What all subword vocabularies share: how a text is cut into words, and the memory of cut words.

The `tokenizers` library cuts each word into pieces; around it stand three rules of ours.
A text is first cut into words (`split_words`), whose parts joined are the text, so nothing is lost;
a space belongs to the word after it. Characters outside the vocabulary are spelled in bytes.
Words recur, so the cutting of each is remembered: a pure speed-up, never part of the result.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from whyformer.text.normalization import lower, normalize
from whyformer.text.pieces import Pieces, most_common
from whyformer.text.symbols import FIRST_PIECE

LONGEST_WORD = 48
"""Characters after which a word is cut, so that no text costs quadratic time."""

COVERAGE = 0.9999
"""Share of the training characters that get pieces of their own; the rare rest is bytes."""

CACHED_WORDS = 200_000

# Written out, not asked of `unicodedata`, so that every Python cuts alike.
_MARKS = (
    r"!-/:-@\[-`{-~¡-¿×÷،؛؟٪-٭।॥\u2010-\u2027\u2030-\u205e\u20a0-\u20bf"
    r"\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_WORD = re.compile(rf" ?[^ {_MARKS}]{{1,{LONGEST_WORD}}}| ?[{_MARKS}]{{1,{LONGEST_WORD}}}| ")


def split_words(text: str) -> list[str]:
    """Cut ``text`` into words and punctuation, each with the one space before it.

    >>> split_words("A man,  a plan")
    ['A', ' man', ',', ' ', ' a', ' plan']
    """
    return _WORD.findall(text)


class Subwords(Pieces):
    """Cuts words by remembering how each was cut before. Subclasses say how a new one is cut."""

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
            ids += self._remember(word) if cut is None else cut
        return ids

    def sample(self, text: str, rng: random.Random, rate: float) -> list[int]:
        """Return the ids of ``text``, cut at random in training. At rate 0 this is `encode`.

        Args:
            rng: source of all randomness; the same state gives the same ids.
            rate: 0 to 1; what it means is said by the subclass's `_draw`.
        """
        if rate <= 0.0:
            return self.encode(text)
        draw = self._draw
        ids: list[int] = []
        for word in _WORD.findall(self.normalize(text)):
            ids += draw(word, rng, rate)
        return ids

    def _remember(self, word: str) -> list[int]:
        if len(self._best) >= CACHED_WORDS:
            self._best.clear()
        cut = self._best[word] = self._cut(word)
        return cut

    def _cut(self, word: str) -> list[int]:
        raise NotImplementedError

    def _draw(self, word: str, rng: random.Random, rate: float) -> list[int]:
        raise NotImplementedError


def known_runs(word: str, alphabet: dict[str, int]) -> Iterator[tuple[bool, str]]:
    """Yield the parts of ``word`` that are within ``alphabet``, and the parts between."""
    for known, characters in groupby(word, alphabet.__contains__):
        yield known, "".join(characters)


def count_words(texts: Iterable[str], lowercase: bool) -> Counter[str]:
    """Return how often each word of `split_words` occurs, in memory as large as the words only."""
    prepare = lower if lowercase else normalize
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split_words(prepare(text)))
    return counts


def choose_alphabet(counts: Counter[str], room: int) -> list[str]:
    """Return the characters that get pieces: the most frequent ones up to COVERAGE of the text.

    At most half of ``room`` goes to them, so that there is room to learn.
    """
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    needed = COVERAGE * characters.total()
    chosen: list[str] = []
    for character in most_common(characters, room // 2):
        if needed <= 0:
            break
        chosen.append(character)
        needed -= characters[character]
    return sorted(chosen)


def count_runs(counts: Counter[str], alphabet: Iterable[str]) -> Counter[str]:
    """Return how often each part of a word occurs that is within ``alphabet``."""
    known = dict.fromkeys(alphabet, 0)
    runs: Counter[str] = Counter()
    for word, count in counts.items():
        for is_known, run in known_runs(word, known):
            if is_known:
                runs[run] += count
    return runs
