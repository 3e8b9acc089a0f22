"""Units that need no learned splitting: characters, words and phonemes.

Units outside the vocabulary are encoded as bytes, so ``<unk>`` never occurs.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from whyformer.text.normalization import lower, normalize
from whyformer.text.pieces import UNITS, Pieces, before_eos, most_common, spell
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE

FIRST_SYLLABLE, LAST_SYLLABLE = "가", "힣"
"""The range of Hangul syllables in Unicode."""


@UNITS.register("chars")
class Characters(Pieces):
    """Every character is a token. ``decode(encode(text))`` is exactly ``text`` in NFC."""

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Characters":
        """Return the characters of ``texts``, the most frequent first."""
        prepare = lower if lowercase else normalize
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(prepare(text))
        return cls(units, most_common(counts, vocabulary - FIRST_PIECE), lowercase=lowercase)

    def __init__(self, units: str, pieces: Sequence[str], *, lowercase: bool = False) -> None:
        super().__init__(units, pieces, lowercase=lowercase)
        self._id = {piece: (FIRST_PIECE + k,) for k, piece in enumerate(self.pieces)}

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        known = self._id
        return [i for c in self.normalize(text) for i in known.get(c) or spell(c)]


@UNITS.register("jamo")
class Jamo(Characters):
    """Characters, but each Hangul syllable is divided into its two or three letters (jamo).

    Most syllables are rare, and their letters are frequent. So a model can also read syllables that
    are not in its training data.

    >>> letters = Jamo.train("jamo", ["한글"], vocabulary=300)
    >>> len(letters.encode("한글")), letters.decode(letters.encode("글한"))
    (6, '글한')
    """

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Jamo":
        """Return the letters and other characters of ``texts``, the most frequent first."""
        prepare = lower if lowercase else normalize
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(divided(prepare(text)))
        return cls(units, most_common(counts, vocabulary - FIRST_PIECE), lowercase=lowercase)

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        known = self._id
        return [i for c in divided(self.normalize(text)) for i in known.get(c) or spell(c)]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` with the letters composed into syllables again; see
        `Pieces.decode`."""
        return normalize(super().decode(ids))


def divided(text: str) -> str:
    """Return ``text`` with each Hangul syllable divided into its letters; the rest is unchanged.

    >>> len(divided("한글 abc é"))
    12
    """
    if text.isascii():
        return text
    return "".join(
        unicodedata.normalize("NFD", c) if FIRST_SYLLABLE <= c <= LAST_SYLLABLE else c for c in text
    )


@UNITS.register("words")
@UNITS.register("phonemes")
class Words(Pieces):
    """Every run of non-space characters is a token; used for words and for phonemes.

    ``decode(encode(text))`` is ``text`` in NFC with single spaces between words, and none at the
    ends. The space between two tokens is implicit. Inside a run of byte tokens, spaces are byte
    tokens themselves.
    """

    gaps = True

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Words":
        """Return the words of ``texts``, the most frequent first."""
        prepare = lower if lowercase else normalize
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(prepare(text).split())
        return cls(units, most_common(counts, vocabulary - FIRST_PIECE), lowercase=lowercase)

    def __init__(self, units: str, pieces: Sequence[str], *, lowercase: bool = False) -> None:
        super().__init__(units, pieces, lowercase=lowercase)
        self._id = {piece: FIRST_PIECE + k for k, piece in enumerate(self.pieces)}

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        ids: list[int] = []
        spelled = False
        for word in super().normalize(text).split():
            i = self._id.get(word)
            if i is None:
                ids += spell(f" {word}" if spelled else word)
            else:
                ids.append(i)
            spelled = i is None
        return ids

    def normalize(self, text: str) -> str:
        """Return exactly ``decode(encode(text))``: the words, separated by single spaces."""
        return " ".join(super().normalize(text).split())

    def decode(self, ids: Iterable[int]) -> str:
        """Return the words of ``ids`` up to EOS, separated by spaces; see `Pieces.decode`."""
        text = bytearray()
        spelled = False
        for i in before_eos(ids):
            if not FIRST_BYTE <= i < len(self):
                continue
            is_byte = i < FIRST_PIECE
            if text and not (is_byte and spelled):
                text += b" "
            text += self._bytes[i]
            spelled = is_byte
        return text.decode("utf-8", errors="replace")
