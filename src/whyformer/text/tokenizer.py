"""The tokenizer as other packages use it: strings to ids, ids to strings, and one JSON text."""

import random
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from pydantic import Field, model_validator

import whyformer.text.bpe  # noqa: F401  each registers its units
import whyformer.text.unigram  # noqa: F401
import whyformer.text.units  # noqa: F401
from whyformer.foundation.bounds import MAX_IDS
from whyformer.foundation.config import Settings
from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.foundation.parsing import parse_json, reason_of, shown
from whyformer.foundation.wording import either
from whyformer.text.pieces import FORMAT, UNITS, Pieces, Units


class TokenizerSettings(Settings):
    """How text becomes tokens. The paper: BPE, about 37,000 pieces shared by both languages."""

    units: Units = "bpe"
    """What one token is, on both sides: bpe (pieces of words; paper, §5.1), byte_bpe (the same over
    bytes, as in GPT-2), unigram (pieces from a unigram language model), chars, words, or phonemes
    (symbols with spaces between them)."""
    vocabulary: int = Field(default=8000, ge=261, le=MAX_IDS)
    """Largest number of ids: 5 symbols, 256 bytes and what is learned. A small corpus gives
    fewer; words beyond it are spelled in bytes."""
    shared: bool = True
    """Whether source and target share one vocabulary, learned from both (paper: yes)."""
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
    def of_source(self) -> str:
        """The units of the source side."""
        return self.source_units or self.units

    @property
    def of_target(self) -> str:
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
        if self.sampling and not any(
            UNITS[one].samples for one in (self.of_source, self.of_target)
        ):
            raise ConfigError(
                f"`sampling` must be 0 without subword units, but it is {self.sampling} and the "
                f"units are {self.of_source} and {self.of_target}, which can be cut in one way "
                "only. Set it to 0 or choose "
                f"{either(name for name, kind in UNITS.items() if kind.samples)}."
            )
        return self


@runtime_checkable
class Tokenizer(Protocol):
    """Strings to ids and back. Ids 0 to 4 are the symbols, 5 to 260 the bytes; see `symbols`."""

    @property
    def units(self) -> str:
        """What one token is; a name in `UNITS`."""
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
    def over_bytes(self) -> bool:
        """Whether pieces are made of bytes, so that no character is unknown."""
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


def train_tokenizer(
    units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
) -> Tokenizer:
    """Learn a tokenizer from ``texts``; the same texts in any order give the same tokenizer.

    Args:
        vocabulary: largest number of ids, of which 261 are symbols and bytes; a small corpus
            gives fewer.
        lowercase: put all text in lower case, in training and ever after.
    """
    return UNITS[units].train(units, texts, vocabulary=vocabulary, lowercase=lowercase)


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
        if state["units"] not in UNITS:
            raise BundleError(
                f"{where}: the tokenizer's `units` must be {UNITS.listed()}, but it is "
                f"{shown(state['units'])}. Pass the plugin that registers it: --plugin."
            )
        return _build(UNITS[state["units"]], state)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise BundleError(
            f"{where}: this must be a tokenizer that whyformer wrote, but it is damaged "
            f"({reason_of(error)}). Copy the model directory again from its source."
        ) from None


def _build(kind: type[Pieces], state: dict[str, Any]) -> Tokenizer:
    pieces, lowercase = state["pieces"], state["lowercase"]
    if not (isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces)):
        raise ValueError("`pieces` must be a list of strings")
    if len(set(pieces)) != len(pieces):
        raise ValueError("a piece is listed twice")
    if not isinstance(lowercase, bool):
        raise ValueError("`lowercase` must be true or false")
    return kind.from_state(state["units"], state)
