"""The tokenizer as other packages use it: strings to ids, ids to strings, and one JSON text."""

import random
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from pydantic import Field, model_validator

from whyformer.foundation.bounds import MOST_IDS
from whyformer.foundation.config import Settings
from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.foundation.parsing import parse_json, reason_of
from whyformer.text.bpe import BPE, train_bpe
from whyformer.text.pieces import FORMAT
from whyformer.text.unigram import Unigram, train_unigram
from whyformer.text.units import Characters, Words, train_characters, train_words


class Units(StrEnum):
    """What one token is."""

    bpe = "bpe"
    """Pieces of words, merged pair by pair (Sennrich et al. 2016); the paper's choice (§5.1)."""
    unigram = "unigram"
    """Pieces of words from a unigram language model (Kudo 2018)."""
    byte_bpe = "byte_bpe"
    """BPE whose alphabet is the 256 bytes, as in GPT-2."""
    chars = "chars"
    """Single characters."""
    words = "words"
    """Runs of non-space characters; gaps come back as one space."""
    phonemes = "phonemes"
    """Symbols with spaces between them, such as ``HH AH L OW``; like words."""


class TokenizerSettings(Settings):
    """How text becomes tokens. The paper: BPE, about 37,000 pieces shared by both languages."""

    units: Units = Units.bpe
    """What one token is, on both sides."""
    vocabulary: int = Field(default=8000, ge=261, le=MOST_IDS)
    """Largest number of ids: 5 symbols, 256 bytes and what is learned. A small corpus gives
    fewer; words beyond it are spelled in bytes."""
    shared: bool = True
    """Whether both sides have one vocabulary learned from both (paper: yes)."""
    lowercase: bool = False
    """Put all text in lower case before encoding. Lossy: case does not come back."""
    keep_spaces: bool = False
    """Keep spaces at the ends of a text, in training and use; code may need them. Otherwise they
    are removed."""
    sampling: float = Field(default=0.0, ge=0.0, le=1.0)
    """Random cutting of training text: the share of merges left out (BPE-dropout, 0.1 is usual)
    or of words redrawn (unigram). 0 cuts every word in the one best way."""
    source_units: Units | None = None
    """Units of the source side, where they differ from `units`."""
    target_units: Units | None = None
    """Units of the target side, where they differ from `units`."""
    source_lowercase: bool | None = None
    """`lowercase` of the source side only, where it differs from `lowercase`."""
    target_lowercase: bool | None = None
    """`lowercase` of the target side only, where it differs from `lowercase`."""

    @property
    def of_source(self) -> Units:
        """The units of the source side."""
        return self.source_units or self.units

    @property
    def of_target(self) -> Units:
        """The units of the target side."""
        return self.target_units or self.units

    @property
    def lowers_source(self) -> bool:
        """Whether the source side is put in lower case."""
        return self.lowercase if self.source_lowercase is None else self.source_lowercase

    @property
    def lowers_target(self) -> bool:
        """Whether the target side is put in lower case."""
        return self.lowercase if self.target_lowercase is None else self.target_lowercase

    @property
    def is_shared(self) -> bool:
        """Whether one tokenizer serves both sides: `shared`, with equal units and case."""
        same_case = self.lowers_source == self.lowers_target
        return self.shared and self.of_source == self.of_target and same_case

    @model_validator(mode="after")
    def _sampling_needs_subwords(self) -> "TokenizerSettings":
        subwords = {Units.bpe, Units.unigram, Units.byte_bpe}
        if self.sampling and not subwords & {self.of_source, self.of_target}:
            raise ConfigError(
                f"`sampling` must be 0 without subword units, but it is {self.sampling} and the "
                f"units are {self.of_source} and {self.of_target}, which can be cut in one way "
                "only. Set it to 0 or choose bpe, unigram or byte_bpe."
            )
        return self


@runtime_checkable
class Tokenizer(Protocol):
    """Strings to ids and back. Ids 0 to 4 are the symbols, 5 to 260 the bytes; see `symbols`."""

    @property
    def units(self) -> str:
        """What one token is; a value of `Units`."""
        ...

    @property
    def lowercase(self) -> bool:
        """Whether text is put in lower case before encoding."""
        ...

    @property
    def spellings(self) -> Sequence[bytes]:
        """What each id spells, in bytes; nothing for symbols."""
        ...

    @property
    def gaps(self) -> bool:
        """Whether a space that is not written stands between tokens, but for runs of bytes."""
        ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `to_json`; equal fingerprints encode every text equally."""
        ...

    def __len__(self) -> int:
        """Return the number of ids."""
        ...

    def normalize(self, text: str) -> str:
        """Return exactly what ``decode(encode(text))`` gives back."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS; UNK never occurs."""
        ...

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return `encode` of each text."""
        ...

    def sample(self, text: str, rng: random.Random, rate: float) -> list[int]:
        """Return ids of ``text`` cut at random; the same state of ``rng`` gives the same ids."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to EOS; symbols carry no text, and nothing raises."""
        ...

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return each id as people read it."""
        ...

    def to_json(self) -> str:
        """Return everything needed to make this tokenizer again."""
        ...


_TRAIN: dict[Units, Callable[..., Tokenizer]] = {
    Units.bpe: train_bpe,
    Units.unigram: train_unigram,
    Units.byte_bpe: train_bpe,
    Units.chars: train_characters,
    Units.words: train_words,
    Units.phonemes: train_words,
}


def train_tokenizer(
    units: Units | str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
) -> Tokenizer:
    """Learn a tokenizer from ``texts``; the same texts in any order give the same tokenizer.

    Args:
        vocabulary: largest number of ids, of which 261 are symbols and bytes; a small corpus
            gives fewer.
        lowercase: put all text in lower case, in training and ever after.
    """
    units = Units(units)
    return _TRAIN[units](units.value, texts, vocabulary=vocabulary, lowercase=lowercase)


def tokenizer_from_json(text: str, where: str = "tokenizer.json") -> Tokenizer:
    """Make a tokenizer from what `Tokenizer.to_json` gave.

    Args: where: the file the text came from, named in the error.
    Raises: BundleError when the text is damaged or of a newer format.
    """
    try:
        state: dict[str, Any] = parse_json(text, finite=True)
        if int(state["format"]) > FORMAT:
            raise BundleError(
                f"{where}: the tokenizer's format must be {FORMAT} or older, but it is "
                f"{state['format']}. Install a newer whyformer to read it."
            )
        return _build(Units(state["units"]), state)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise BundleError(
            f"{where}: this must be a tokenizer that whyformer wrote, but it is damaged "
            f"({reason_of(error)}). Copy the model directory again from its source."
        ) from None


def _build(units: Units, state: dict[str, Any]) -> Tokenizer:
    pieces, lowercase = state["pieces"], state["lowercase"]
    if not (isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces)):
        raise ValueError("`pieces` must be a list of strings")
    if len(set(pieces)) != len(pieces):
        raise ValueError("a piece is listed twice")
    if not isinstance(lowercase, bool):
        raise ValueError("`lowercase` must be true or false")
    match units:
        case Units.bpe | Units.byte_bpe:
            return BPE(units.value, pieces, state["merges"], lowercase=lowercase)
        case Units.unigram:
            return Unigram(units.value, pieces, state["scores"], lowercase=lowercase)
        case Units.chars:
            return Characters(units.value, pieces, lowercase=lowercase)
        case Units.words | Units.phonemes:
            return Words(units.value, pieces, lowercase=lowercase)
