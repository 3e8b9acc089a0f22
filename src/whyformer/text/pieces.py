"""What all vocabularies share: numbered byte strings, and how they become text again.

A kind of unit is a class that extends `Pieces` and defines `train` and `encode`, chosen by name:

    @UNITS.register("mine")
    class Mine(Pieces):
        @classmethod
        def train(cls, units, texts, *, vocabulary, lowercase=False): ...
        def encode(self, text): ...
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from whyformer.foundation.registry import Registry
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
        units: name of the kind of unit, as registered in `UNITS`.
        pieces: the learned pieces; piece k has the id FIRST_PIECE + k.
        lowercase: whether text is put in lower case before encoding. Lossy.
    """

    gaps: bool = False
    """Whether a space that is not written stands between tokens, but for runs of bytes."""
    over_bytes: bool = False
    """Whether pieces are made of bytes, so that no character is unknown."""
    samples: bool = False
    """Whether `sample` can cut a text in more than one way."""

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Pieces":
        """Learn the pieces from ``texts``; their order must not matter.

        Args:
            units: the name under which the class is registered.
            vocabulary: largest number of ids, of which 261 are symbols and bytes.
        """
        raise NotImplementedError

    @classmethod
    def from_state(cls, units: str, state: Mapping[str, Any]) -> "Pieces":
        """Make a vocabulary from the object of `to_json`, whose pieces were checked."""
        return cls(units, state["pieces"], lowercase=state["lowercase"])

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

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        raise NotImplementedError

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return `encode` of each text."""
        return [self.encode(text) for text in texts]

    def sample(self, text: str, rng: random.Random, rate: float) -> list[int]:
        """Return ids of ``text`` cut at random; `encode` where there is only one way to cut it."""
        return self.encode(text)

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


UNITS = Registry[type[Pieces]]("text unit", Pieces)
Units = Annotated[str, UNITS]
"""Name of a kind of unit: what one token is."""


def most_common(counts: Counter[str], room: int) -> list[str]:
    """Return the ``room`` most frequent keys; equal counts go in alphabetical order."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [key for key, _ in ranked[: max(room, 0)]]


def before_eos(ids: Iterable[int]) -> list[int]:
    """Return the ids up to the first EOS, which is where a text ends."""
    ids = [int(i) for i in ids]
    return ids[: ids.index(EOS)] if EOS in ids else ids
