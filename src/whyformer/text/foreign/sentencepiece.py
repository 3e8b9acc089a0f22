"""Tokenizers of SentencePiece: read a file `.model`, encode and decode as SentencePiece does.

The package `sentencepiece` is not needed. The `tokenizers` library finds the best tokenization;
this file adds the rules of SentencePiece for spaces, unknown characters and bytes.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from tokenizers import models

from whyformer.text.foreign.charsmap import Charsmap
from whyformer.text.foreign.wire import as_bytes, as_float, as_int, fields
from whyformer.text.normalization import without_surrogates
from whyformer.text.subwords import known_runs

MARK = "▁"
"""Stands for a space in a piece."""
MASKS = {"<mask>", "[MASK]"}
"""The usual names of the token for masked text, which a file `.model` does not state."""


class Kind(IntEnum):
    """The kind of a piece."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class Algorithm(IntEnum):
    """How a text is split."""

    UNIGRAM = 1
    BPE = 2
    WORD = 3
    CHAR = 4


@dataclass(frozen=True)
class Piece:
    """A piece, with its score: a log-probability (unigram) or minus the number of its merge
    (BPE)."""

    text: str
    score: float
    kind: Kind = Kind.NORMAL


@dataclass(frozen=True)
class Model:
    """The content of a file `.model`, as far as it is needed to encode and decode.

    Attributes:
        unk, bos, eos, pad: the ids of these symbols; -1 for a symbol that the model does not have.
        charsmap: the normalization rules; see `Charsmap`.
        prefix: whether a space is added before a text.
        squeezes: whether spaces at both ends are removed, and several spaces become one.
        suffix: whether a space belongs to the word before it.
        decoding_charsmap: rules that are applied to a decoded text.
    """

    pieces: tuple[Piece, ...]
    algorithm: Algorithm = Algorithm.UNIGRAM
    unk: int = 0
    bos: int = 1
    eos: int = 2
    pad: int = -1
    byte_fallback: bool = False
    charsmap: bytes = b""
    prefix: bool = True
    squeezes: bool = True
    suffix: bool = False
    decoding_charsmap: bytes = b""


def read_model(content: bytes) -> Model:
    """Read the content of a file `.model`.

    Raises: ValueError if it is damaged or no such file.
    """
    pieces: list[Piece] = []
    found: dict[str, int | bytes] = {}
    trainer = {3: "algorithm", 35: "byte_fallback", 24: "suffix", 40: "unk", 41: "bos", 42: "eos",
               43: "pad"}  # fmt: skip
    normalizer = {2: "charsmap", 3: "prefix", 4: "squeezes"}
    for number, value in fields(content):
        if number == 1:
            pieces.append(_piece(as_bytes(value)))
        names = {2: trainer, 3: normalizer, 5: {2: "decoding_charsmap"}}.get(number)
        if names is not None:
            inner = fields(as_bytes(value))
            found |= {names[k]: one for k, one in inner if k in names}
    if not pieces or len({piece.text for piece in pieces}) != len(pieces):
        raise ValueError("it has no pieces, or a piece occurs twice")
    kinds = {"charsmap": as_bytes, "decoding_charsmap": as_bytes, "algorithm": _algorithm}
    flags = ("byte_fallback", "prefix", "squeezes", "suffix")
    values = {name: kinds.get(name, as_int)(value) for name, value in found.items()}
    values |= {name: bool(values[name]) for name in flags if name in values}
    return Model(tuple(pieces), **values)  # pyright: ignore[reportArgumentType]


def _algorithm(value: int | bytes) -> Algorithm:
    algorithm = Algorithm(as_int(value))
    if algorithm not in (Algorithm.UNIGRAM, Algorithm.BPE):
        raise ValueError(f"its type is {algorithm.name.lower()}, but only unigram and bpe work")
    return algorithm


def _piece(message: bytes) -> Piece:
    text, score, kind = "", 0.0, Kind.NORMAL
    for number, value in fields(message):
        if number == 1:
            text = as_bytes(value).decode()
        elif number == 2:
            score = as_float(value)
        elif number == 3:
            kind = Kind(as_int(value))
    return Piece(text, score, kind)


class SentencePieceTokenizer:
    """Encodes and decodes as SentencePiece does with the same file.

    Unknown characters in a row are a token that is not in the vocabulary. Marian looks for such a
    token among the tokens of the other language.
    Differs: the token for unknown text is left out of decoded text; SentencePiece writes " ⁇ ".
    Where two tokenizations are almost equally probable, rounding can decide differently.
    Args: content: the file `.model`, in base64.
    Attributes: symbols: the tokens that the file names for pad, bos, eos, unk and mask.
    Raises: ValueError if the file is damaged.
    """

    gaps = False
    over_bytes = False
    lowercase = False

    def __init__(self, content: str) -> None:
        self.content = content
        self.model = read_model(base64.b64decode(content, validate=True))
        pieces = self.model.pieces
        self.ids = {piece.text: i for i, piece in enumerate(pieces)}
        self.hidden = frozenset(
            piece.text for piece in pieces if piece.kind in (Kind.CONTROL, Kind.UNKNOWN)
        )
        self._bytes = {
            piece.text: bytes([int(piece.text[1:-1], 16)])
            for piece in pieces
            if piece.kind is Kind.BYTE
        }
        names = {"pad": self.model.pad, "bos": self.model.bos, "eos": self.model.eos}
        self.symbols = {name: pieces[i].text for name, i in names.items() if 0 <= i < len(pieces)}
        self.symbols |= {"unk": next(p.text for p in pieces if p.kind is Kind.UNKNOWN)}
        if masks := self.ids.keys() & MASKS:
            self.symbols["mask"] = min(masks)
        self._charsmap = Charsmap(self.model.charsmap)
        self._decoding = Charsmap(self.model.decoding_charsmap)
        own = sorted((p.text for p in pieces if p.kind is Kind.USER_DEFINED), key=len, reverse=True)
        self._own = re.compile(f"({'|'.join(map(re.escape, own))})") if own else None
        self._search = (
            _Unigram(pieces) if self.model.algorithm is Algorithm.UNIGRAM else _BPE(pieces)
        )

    def encode_batch(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of each text; see `ToolTokenizer`."""
        return [list(self._encode(text)) for text in texts]

    def _encode(self, text: str) -> Iterator[str]:
        unknown = ""  # unknown characters in a row become one token
        for token, known in self._searched(self.normalized(text)):
            if not known and not self.model.byte_fallback:
                unknown += token
                continue
            if unknown:
                yield unknown
                unknown = ""
            if known:
                yield token
            else:
                yield from (f"<0x{byte:02X}>" for byte in token.encode())
        if unknown:
            yield unknown

    def _searched(self, normalized: str) -> Iterator[tuple[str, bool]]:
        """Yield the pieces of a normalized text, and whether each one is in the vocabulary."""
        for k, part in enumerate(self._own.split(normalized) if self._own else [normalized]):
            if k % 2:
                yield part, True
            elif part:
                yield from self._search.tokenize(part)

    def normalized(self, text: str) -> str:
        """Return ``text`` with the normalization rules applied, and ▁ for each space."""
        parts = self._own.split(text) if self._own else [text]
        text = "".join(p if k % 2 else self._charsmap.apply(p) for k, p in enumerate(parts))
        model = self.model
        if model.squeezes:
            text = re.sub(" +", " ", text.lstrip(" ")).rstrip(f" {MARK}")
        if not text:
            return ""
        marked = text.replace(" ", MARK)
        if not model.prefix:
            return marked
        return marked + MARK if model.suffix else MARK + marked

    def decode(self, tokens: Sequence[str]) -> str:
        """Return the text of ``tokens``; see `ToolTokenizer`."""
        model = self.model
        strips = model.prefix or model.squeezes
        parts: list[str] = []
        pending = b""
        at_start = strips
        for token in tokens:
            if token in self._bytes:
                pending += self._bytes[token]
                continue
            if pending:
                parts.append(_decoded(pending))
                pending, at_start = b"", False
            if token in self.hidden:
                continue
            if at_start and token.startswith(MARK):
                token = token[1:]
                at_start = model.squeezes and not token
            else:
                at_start = at_start and not token
            parts.append(token.replace(MARK, " "))
        text = "".join([*parts, _decoded(pending)])
        return self._decoding.apply(text)

    def spelling(self, token: str) -> bytes:
        """Return the bytes that a token stands for; see `ToolTokenizer`."""
        return self._bytes.get(token) or token.replace(MARK, " ").encode()


def _decoded(content: bytes) -> str:
    """Return the text of byte tokens, with U+FFFD for each byte that is not UTF-8."""
    return without_surrogates(content.decode("utf-8", errors="surrogateescape"))


class _Unigram:
    """Finds the most probable pieces of a normalized text."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        normal = [piece for piece in pieces if piece.kind is Kind.NORMAL]
        scores = [piece.score for piece in normal]
        # Id 0 of the library is the piece for unknown text. The library gives an unknown character
        # the lowest score minus 10, as SentencePiece does.
        unknown = ("\uffff\uffff", min(scores, default=0.0))
        vocabulary = [unknown, *((piece.text, piece.score) for piece in normal)]
        self._library = models.Unigram(vocabulary, unk_id=0, byte_fallback=False)

    def tokenize(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the pieces of ``text``, and whether each one is in the vocabulary."""
        for token in self._library.tokenize(text):
            yield token.value, token.id != 0


class _BPE:
    """Merges the pair that gives the piece with the highest score, again and again."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        normal = [piece for piece in pieces if piece.kind is Kind.NORMAL]
        known = {piece.text: k for k, piece in enumerate(normal)}
        ranked = sorted(normal, key=lambda piece: -piece.score)
        merges = [
            (piece.text[:k], piece.text[k:])
            for piece in ranked
            for k in range(1, len(piece.text))
            if piece.text[:k] in known and piece.text[k:] in known
        ]
        self._known = known
        self._library = models.BPE(vocab=known, merges=merges)

    def tokenize(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the pieces of ``text``, and whether each one is in the vocabulary."""
        for known, run in known_runs(text, self._known):
            if known:
                yield from ((token.value, True) for token in self._library.tokenize(run))
            else:
                yield run, False
