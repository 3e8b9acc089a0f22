"""Figures of texts, from which settings are chosen: their number, lengths, words and characters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

MOST = 1_000_000
"""Maximum number of texts that are counted. More texts would not change the chosen settings."""
DENSE = 20_000
"""The first `DENSE` texts are all measured; of later texts, one in `SPARSE` is measured."""
SPARSE = 20
MAX_UNITS = 100_000
"""Maximum number of different words that are remembered."""
ONE_PER_CHARACTER = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Chinese characters
)
"""Ranges of code points of scripts that are written without spaces between words."""
LONGEST_WORD = 30
"""Maximum length of a text that counts as one word, in characters."""


@dataclass
class Figures:
    """Figures of a list of texts.

    >>> words = Figures.of(["hello", "world"])
    >>> words.count, words.mean_characters, words.words, words.is_words
    (2, 5.0, 1.0, True)
    >>> Figures.of(["A B B A", "B A B A", "A A B B"]).is_symbols
    True
    """

    count: int = 0
    """Number of texts, at most `MOST`."""
    measured: int = 0
    """Number of texts that were measured; all figures below are computed from these."""
    characters: int = 0
    total_words: int = 0
    single: int = 0
    """Number of texts that consist of one word."""
    longest: int = 0
    """Length of the longest text in characters."""
    unspaced: int = 0
    """Number of characters that belong to scripts without spaces between words."""
    hangul: int = 0
    """Number of Hangul syllables."""
    letters: set[str] = field(default_factory=set)
    """The set of different characters."""
    pieces: set[str] = field(default_factory=set)
    """The set of different words; at most `MAX_UNITS` are remembered."""
    longest_piece: int = 0
    """Length of the longest word in characters."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Figures":
        """Return the figures of some texts."""
        found = cls()
        for text in islice(texts, MOST):
            found.add(text)
        return found

    def add(self, text: str) -> None:
        """Add a text to the figures."""
        self.count += 1
        if self.count > DENSE and self.count % SPARSE:
            return
        words = text.split()
        if not words:
            return
        self.measured += 1
        self.characters += len(text)
        self.total_words += len(words)
        unspaced = sum(_is_unspaced(character) for character in text)
        self.unspaced += unspaced
        self.hangul += 0 if text.isascii() else sum("가" <= one <= "힣" for one in text)
        self.single += len(words) == 1 and len(text) <= LONGEST_WORD and unspaced <= 4
        self.longest = max(self.longest, len(text))
        self.letters.update(text)
        if len(self.pieces) < MAX_UNITS:
            self.pieces.update(words)
            self.longest_piece = max(self.longest_piece, *map(len, words))

    @property
    def mean_characters(self) -> float:
        """Mean length of a text in characters."""
        return self.characters / max(1, self.measured)

    @property
    def words(self) -> float:
        """Mean number of words of a text, separated by spaces."""
        return self.total_words / max(1, self.measured)

    @property
    def is_words(self) -> bool:
        """Whether nearly all texts are single words."""
        return self.measured > 0 and self.single >= 0.9 * self.measured

    @property
    def is_symbols(self) -> bool:
        """Whether the texts are sequences of symbols from a small set, separated by spaces.

        An example is phonemes. Each symbol is short and occurs often.
        """
        return (
            self.words >= 2
            and len(self.pieces) <= min(500, self.total_words / 5)
            and self.characters / max(1, self.total_words) <= 5
            and self.longest_piece <= 8
        )

    @property
    def is_hangul(self) -> bool:
        """Whether more than half of the characters are Hangul syllables."""
        return self.hangul > 0.5 * self.characters

    @property
    def is_unspaced(self) -> bool:
        """Whether the texts are mostly in a script without spaces between words."""
        return self.unspaced > 0.5 * self.characters


def _is_unspaced(character: str) -> bool:
    code = ord(character)
    return code >= 0x0E00 and any(first <= code <= last for first, last in ONE_PER_CHARACTER)
