"""The base class of all vocabularies: pieces with ids, and decoding.

To add a kind of unit, extend `Pieces`, define `train` and `encode`, and register the class by name:

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
"""Version of the JSON format. Increase it if older versions of whyformer would misread the file."""


def spell(text: str) -> list[int]:
    """Return the byte tokens of ``text`` in UTF-8, for characters outside the vocabulary.

    >>> spell("é")
    [200, 174]
    """
    return [FIRST_BYTE + byte for byte in text.encode()]


class Pieces:
    """A vocabulary: five symbols, 256 bytes, then learned pieces; each piece stands for a string of
    bytes.

    Args:
        units: name of the kind of unit, as registered in `UNITS`.
        pieces: the learned pieces; piece k has the id FIRST_PIECE + k.
        lowercase: whether text is converted to lower case before encoding, which is lossy.
    """

    gaps: bool = False
    """Whether decoding puts a space between two tokens, unless both are byte tokens."""
    over_bytes: bool = False
    """Whether pieces are made of bytes instead of characters; then no character is unknown."""
    samples: bool = False
    """Whether `sample` can tokenize a text in more than one way."""
    learned: bool = True
    """Whether `train` can learn the vocabulary from texts."""
    lead: Sequence[int] = ()
    """The ids that begin every encoded text; usually none."""
    first_piece: int = FIRST_PIECE
    """Id of the first piece. The ids from FIRST_BYTE up to this id are the byte tokens: 256 or
    none."""

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Pieces":
        """Learn the pieces from ``texts``; the result must not depend on their order.

        Args:
            units: the name under which the class is registered.
            vocabulary: maximum number of ids, including 261 for symbols and bytes.
        """
        raise NotImplementedError

    @classmethod
    def from_state(cls, units: str, state: Mapping[str, Any]) -> "Pieces":
        """Make a vocabulary from the JSON object of `to_json`. The caller has already checked that
        its pieces are unique strings."""
        return cls(units, state["pieces"], lowercase=state["lowercase"])

    def __init__(self, units: str, pieces: Sequence[str], *, lowercase: bool = False) -> None:
        self.units = units
        self.lowercase = lowercase
        self.pieces = tuple(pieces)
        self._bytes = [b""] * FIRST_BYTE + [bytes([byte]) for byte in range(256)]
        self._bytes += [self._bytes_of(piece) for piece in self.pieces]
        self._fingerprint = ""

    def extended(self, texts: Iterable[str], count: int) -> "Pieces":
        """Return this vocabulary with at most ``count`` further pieces, learned from ``texts``. All
        ids keep their meaning."""
        size = FIRST_PIECE + len(self.pieces) + count
        learned = self.train(self.units, texts, vocabulary=size, lowercase=self.lowercase)
        state = json.loads(self.to_json())
        return self.from_state(self.units, state | self._more(learned, count))

    def with_pieces(self, pieces: Sequence[str]) -> "Pieces":
        """Return this vocabulary with further pieces, which no text is split into."""
        state = json.loads(self.to_json())
        return self.from_state(self.units, state | self._unsplit(pieces))

    def _unsplit(self, pieces: Sequence[str]) -> dict[str, Any]:
        """Return the fields of `to_json` with pieces that no text is split into."""
        return {"pieces": [*self.pieces, *pieces]}

    def _more(self, learned: "Pieces", count: int) -> dict[str, Any]:
        """Return the fields of `to_json` with the pieces of ``learned`` that are new."""
        known = set(self.pieces)
        return {"pieces": [*self.pieces, *[p for p in learned.pieces if p not in known][:count]]}

    def ids_of_piece(self, piece: str) -> list[int]:
        """Return the ids that spell a piece of another vocabulary of the same kind."""
        return self.encode(piece)

    def __len__(self) -> int:
        return self.first_piece + len(self.pieces)

    @property
    def spellings(self) -> Sequence[bytes]:
        """The bytes that each id stands for; symbols have none."""
        return self._bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `to_json`: tokenizers with equal fingerprints encode every text in the same
        way."""
        if not self._fingerprint:
            self._fingerprint = hashlib.sha256(self.to_json().encode()).hexdigest()
        return self._fingerprint

    def to_json(self) -> str:
        """Return everything needed to restore this tokenizer, as JSON in a canonical form."""
        state = {"format": FORMAT, "units": self.units, "lowercase": self.lowercase}
        state |= {"pieces": self.pieces} | self._state()
        return json.dumps(state, sort_keys=True, separators=(",", ":"))

    def normalize(self, text: str) -> str:
        """Return exactly the result of ``decode(encode(text))``: the text in NFC and, if
        `lowercase` is set, in lower case."""
        return lower(text) if self.lowercase else normalize(text)

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        raise NotImplementedError

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each text, as `encode` returns them."""
        return [self.encode(text) for text in texts]

    def sample(self, text: str, rng: random.Random, rate: float) -> list[int]:
        """Return the ids of a random tokenization of ``text``. Units with only one tokenization
        return the result of `encode`."""
        return self.encode(text)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to EOS. Symbols and ids out of range are left out.

        Bytes that are not UTF-8 become U+FFFD, so any output of a model can be decoded.
        """
        table = self._bytes
        known = [table[i] for i in before_eos(ids) if 0 <= i < len(table)]
        return b"".join(known).decode("utf-8", errors="replace")

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return a readable string for each id; a space is shown as ▁."""
        return [self._readable(i) for i in ids]

    def _readable(self, i: int) -> str:
        if not 0 <= i < len(self):
            return f"<{i}>"
        return RESERVED[i] if i < self.first_piece else self._shown(i)

    def _shown(self, i: int) -> str:
        return self.pieces[i - self.first_piece].replace(" ", "▁")

    def _bytes_of(self, piece: str) -> bytes:
        return piece.encode()

    def _state(self) -> dict[str, Any]:
        """Return the fields that a subclass adds to the JSON object of `to_json`."""
        return {}


UNITS = Registry[type[Pieces]]("text unit", Pieces)
Units = Annotated[str, UNITS]
"""Name of a kind of unit, such as words: it defines what one token is."""


def most_common(counts: Counter[str], count: int) -> list[str]:
    """Return the ``count`` most frequent keys; equal counts are in alphabetical order."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [key for key, _ in ranked[: max(count, 0)]]


def before_eos(ids: Iterable[int]) -> list[int]:
    """Return the ids before the first EOS, where a text ends."""
    ids = [int(i) for i in ids]
    return ids[: ids.index(EOS)] if EOS in ids else ids
