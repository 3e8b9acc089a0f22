"""What all vocabularies share: numbered byte strings, and how they become text again."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from whyformer.text.normalization import lower, normalize
from whyformer.text.symbols import EOS, FIRST_BYTE, FIRST_PIECE, RESERVED

FORMAT = 1
"""Number of the JSON form below; raised when an older reader could misread it."""


def spell(text: str) -> list[int]:
    """Return the byte tokens of ``text``: what is not in a vocabulary is written in UTF-8.

    >>> spell("é")
    [200, 174]
    """
    return [FIRST_BYTE + byte for byte in text.encode()]


class Pieces:
    """A vocabulary: five symbols, 256 bytes, then learned pieces, each standing for some bytes.

    Args:
        units: name of the kind of unit, as in `whyformer.text.tokenizer.Units`.
        pieces: the learned pieces; piece k has the id FIRST_PIECE + k.
        lowercase: whether text is put in lower case before encoding. Lossy.
    """

    def __init__(self, units: str, pieces: Sequence[str], *, lowercase: bool = False) -> None:
        self.units = units
        self.lowercase = lowercase
        self.pieces = tuple(pieces)
        self._bytes = [b""] * FIRST_BYTE + [bytes([byte]) for byte in range(256)]
        self._bytes += [self._bytes_of(piece) for piece in self.pieces]
        self._fingerprint = ""

    def __len__(self) -> int:
        return FIRST_PIECE + len(self.pieces)

    @property
    def spellings(self) -> Sequence[bytes]:
        """What each id spells, in bytes; nothing for symbols."""
        return self._bytes

    @property
    def gaps(self) -> bool:
        """Whether a space that is not written stands between tokens, but for runs of bytes."""
        return False

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `to_json`: equal fingerprints encode every text equally."""
        if not self._fingerprint:
            self._fingerprint = hashlib.sha256(self.to_json().encode()).hexdigest()
        return self._fingerprint

    def to_json(self) -> str:
        """Return everything needed to make this tokenizer again, in one canonical form."""
        state = {"format": FORMAT, "units": self.units, "lowercase": self.lowercase}
        state |= {"pieces": self.pieces} | self._state()
        return json.dumps(state, sort_keys=True, separators=(",", ":"))

    def normalize(self, text: str) -> str:
        """Return exactly what ``decode(encode(text))`` gives back: NFC, in lower case if asked."""
        return lower(text) if self.lowercase else normalize(text)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to EOS. Symbols carry no text, nor do ids out of range.

        Bytes that are not UTF-8 become U+FFFD: a model may emit anything, and nothing raises.
        """
        table = self._bytes
        known = [table[i] for i in before_eos(ids) if 0 <= i < len(table)]
        return b"".join(known).decode("utf-8", errors="replace")

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return each id as people read it, one string per id; a space is shown as ▁."""
        return [self._readable(i) for i in ids]

    def _readable(self, i: int) -> str:
        if not 0 <= i < len(self):
            return f"<{i}>"
        return RESERVED[i] if i < FIRST_PIECE else self._shown(i)

    def _shown(self, i: int) -> str:
        return self.pieces[i - FIRST_PIECE].replace(" ", "▁")

    def _bytes_of(self, piece: str) -> bytes:
        return piece.encode()

    def _state(self) -> dict[str, Any]:
        """Return what `to_json` must hold besides the pieces."""
        return {}


def before_eos(ids: Iterable[int]) -> list[int]:
    """Return the ids up to the first EOS, which is where a text ends."""
    ids = [int(i) for i in ids]
    return ids[: ids.index(EOS)] if EOS in ids else ids
