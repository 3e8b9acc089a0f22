"""Which characters of a text a tokenizer has learned: the others are spelled in bytes."""

from typing import TYPE_CHECKING

from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE

if TYPE_CHECKING:
    from whyformer.text.tokenizer import Tokenizer

REMEMBERED = 1 << 16
"""Characters or words that are remembered."""


class Known:
    """Counts the characters of texts that a tokenizer has no piece for.

    A model has seen such characters rarely or never. Units over bytes have a piece for every byte,
    so that none of their characters is unknown.
    """

    def __init__(self, tokenizer: "Tokenizer") -> None:
        self.tokenizer = tokenizer
        self._known: dict[str, bool] = {}

    def unknown_share(self, text: str) -> float:
        """Return the share of unknown characters, 0 to 1; spaces do not count.

        Of words and phonemes, all characters of an unknown word are unknown.
        """
        if self.tokenizer.over_bytes:
            return 0.0
        words = self.tokenizer.normalize(text).split()
        units = words if self.tokenizer.gaps else [c for word in words for c in word]
        total = sum(map(len, words))
        return (
            sum(len(unit) for unit in units if not self._is_known(unit)) / total if total else 0.0
        )

    def _is_known(self, unit: str) -> bool:
        known = self._known.get(unit)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            ids = self.tokenizer.encode(unit)
            known = not any(FIRST_BYTE <= i < FIRST_PIECE for i in ids)
            self._known[unit] = known
        return known
