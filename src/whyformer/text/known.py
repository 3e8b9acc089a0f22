"""Find the characters of a text that a tokenizer does not know and encodes as bytes."""

from typing import TYPE_CHECKING

from whyformer.text.normalization import normalize
from whyformer.text.symbols import FIRST_BYTE, UNK

if TYPE_CHECKING:
    from whyformer.text.tokenizer import Tokenizer

CACHE_SIZE = 1 << 16
"""Maximum number of characters or words in the cache."""


class Known:
    """Computes the fraction of characters for which a tokenizer has no piece.

    Characters without a piece were rare or absent in the training data. A tokenizer over bytes has
    a piece for every byte, so no character is unknown to it.
    """

    def __init__(self, tokenizer: "Tokenizer") -> None:
        self.tokenizer = tokenizer
        self._known: dict[str, bool] = {}

    def unknown_share(self, text: str) -> float:
        """Return the fraction (0 to 1) of the characters of ``text`` that are unknown; spaces are
        not counted.

        With the units `words` and `phonemes`, all characters of an unknown word count as unknown.
        """
        if self.tokenizer.over_bytes:
            return 0.0
        words = normalize(text).split()
        units = words if self.tokenizer.gaps else [c for word in words for c in word]
        total = sum(map(len, words))
        return (
            sum(len(unit) for unit in units if not self._is_known(unit)) / total if total else 0.0
        )

    def _is_known(self, unit: str) -> bool:
        known = self._known.get(unit)
        if known is None:
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            ids = self.tokenizer.encode(unit)
            first_piece = self.tokenizer.first_piece
            known = not any(i == UNK or FIRST_BYTE <= i < first_piece for i in ids)
            self._known[unit] = known
        return known
