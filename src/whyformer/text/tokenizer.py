"""The interface of tokenizers for other packages: strings to ids, ids to strings, and JSON."""

import random
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from pydantic import Field, model_validator

import whyformer.text.bpe  # noqa: F401  each import registers its units
import whyformer.text.imported  # noqa: F401
import whyformer.text.unigram  # noqa: F401
import whyformer.text.units  # noqa: F401
from whyformer.foundation.bounds import MAX_IDS
from whyformer.foundation.config import Settings
from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.foundation.parsing import parse_json, reason_of, shown
from whyformer.foundation.wording import either
from whyformer.text.pieces import UNITS, Pieces, Units
from whyformer.text.tags import FORMAT_OF_TAGS, TAG, Tagged, piece_of

IMPORTED = "imported"
"""The name of the units of a tokenizer from a file; see `Imported`."""


class TokenizerSettings(Settings):
    """How text is split into tokens. The paper uses BPE with about 37,000 pieces for both
    languages."""

    units: Units = "bpe"
    """The kind of tokens, for source and target: bpe (pieces of words; paper, §5.1), byte_bpe (BPE
    over bytes, as in GPT-2), unigram (pieces from a unigram language model), chars, jamo (chars,
    with Hangul syllables divided into letters), words, or phonemes (symbols separated by
    spaces). The units of a tokenizer from a file are called imported; see `from_file`."""
    vocabulary: int = Field(default=8000, ge=261, le=MAX_IDS)
    """Maximum number of ids: 5 symbols, 256 bytes and the learned pieces. A small corpus gives
    fewer. Text outside the vocabulary is encoded as bytes."""
    shared: bool = True
    """Whether source and target share one vocabulary, which is learned from both (paper: yes)."""
    lowercase: bool = False
    """Convert all text to lower case before encoding. The original case is lost."""
    keep_spaces: bool = False
    """Keep the spaces at both ends of a text, in training and in inference, for example for program
    code. By default, these spaces are removed."""
    sampling: float = Field(default=0.0, ge=0.0, le=1.0)
    """Random tokenization of training text: the probability that a merge is skipped (BPE-dropout,
    usually 0.1), or that the tokenization of a word is drawn at random (unigram). With 0, every
    word has its best tokenization."""
    from_file: str | None = None
    """Tokenizer file of another tool, for source and target, instead of a vocabulary learned from
    the data: a SentencePiece .model, a tokenizer.json (Hugging Face), or a vocab.txt (WordPiece).
    Example: --text.from-file spm.model. The run stores the tokenizer; later commands do not need
    the file."""
    source_from_file: str | None = None
    """Tokenizer file of the source; None means the value of `from_file`."""
    target_from_file: str | None = None
    """Tokenizer file of the target; None means the value of `from_file`."""
    source_units: Units | None = None
    """Units of the source; None means the value of `units`."""
    target_units: Units | None = None
    """Units of the target; None means the value of `units`."""
    source_lowercase: bool | None = None
    """Whether to convert the source to lower case; None means the value of `lowercase`."""
    target_lowercase: bool | None = None
    """Whether to convert the target to lower case; None means the value of `lowercase`."""

    @property
    def of_source(self) -> str:
        """The kind of tokens of the source; a name in `UNITS`."""
        return IMPORTED if self.file_of_source else self.source_units or self.units

    @property
    def of_target(self) -> str:
        """The kind of tokens of the target; a name in `UNITS`."""
        return IMPORTED if self.file_of_target else self.target_units or self.units

    @property
    def file_of_source(self) -> str | None:
        """The tokenizer file of the source; None if its vocabulary is learned."""
        return self.source_from_file or self.from_file

    @property
    def file_of_target(self) -> str | None:
        """The tokenizer file of the target; None if its vocabulary is learned."""
        return self.target_from_file or self.from_file

    @property
    def lowers_source(self) -> bool:
        """Whether the source is converted to lower case."""
        return self.lowercase if self.source_lowercase is None else self.source_lowercase

    @property
    def lowers_target(self) -> bool:
        """Whether the target is converted to lower case."""
        return self.lowercase if self.target_lowercase is None else self.target_lowercase

    @property
    def is_shared(self) -> bool:
        """Whether source and target use the same tokenizer: `shared` is set, and both sides have
        the same units, tokenizer file and case conversion."""
        of_source = (self.of_source, self.file_of_source, self.lowers_source)
        return self.shared and of_source == (
            self.of_target,
            self.file_of_target,
            self.lowers_target,
        )

    @model_validator(mode="after")
    def _sampling_needs_subwords(self) -> "TokenizerSettings":
        subwords = either(name for name, kind in UNITS.items() if kind.samples)
        if self.sampling and not any(
            UNITS[one].samples for one in (self.of_source, self.of_target)
        ):
            if self.of_source == self.of_target == IMPORTED:
                raise ConfigError(
                    "`sampling` must be 0 with a tokenizer file, because the tokenizer of another "
                    f"tool gives one tokenization of each text, but it is {self.sampling}. Set "
                    "`sampling` to 0. Random tokenizations need units that whyformer learns: "
                    f"leave out the tokenizer file, and set `units` to {subwords}."
                )
            raise ConfigError(
                f"`sampling` must be 0 without subword units, but it is {self.sampling} and the "
                f"units are {self.of_source} and {self.of_target}. These units have only one "
                f"tokenization of each text. Set `sampling` to 0 or choose {subwords}."
            )
        return self


@runtime_checkable
class Tokenizer(Protocol):
    """Converts strings to ids and back.

    Ids 0 to 4 are the symbols, and ids 5 to 260 are the bytes; see `symbols`. An `Imported`
    tokenizer may have no byte tokens; then its pieces start at id 5.
    """

    @property
    def units(self) -> str:
        """The kind of tokens; a name in `UNITS`."""
        ...

    @property
    def lowercase(self) -> bool:
        """Whether text is converted to lower case before encoding."""
        ...

    @property
    def spellings(self) -> Sequence[bytes]:
        """The bytes that each id stands for; symbols have none."""
        ...

    @property
    def first_piece(self) -> int:
        """Id of the first piece: 261 after the byte tokens, or 5 without byte tokens."""
        ...

    @property
    def lead(self) -> Sequence[int]:
        """The ids that begin every encoded text; none, except for some `Imported` tokenizers."""
        ...

    @property
    def gaps(self) -> bool:
        """Whether decoding puts a space between two tokens, unless both are byte tokens."""
        ...

    @property
    def over_bytes(self) -> bool:
        """Whether pieces are made of bytes instead of characters; then no character is unknown."""
        ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `to_json`: tokenizers with equal fingerprints encode every text in the same
        way."""
        ...

    def __len__(self) -> int:
        """Return the number of ids of the vocabulary."""
        ...

    def normalize(self, text: str) -> str:
        """Return exactly the result of ``decode(encode(text))``. Only an `Imported` tokenizer can
        decode another text."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS. UNK occurs only with an `Imported`
        tokenizer that has no byte tokens."""
        ...

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each text, as `encode` returns them."""
        ...

    def sample(self, text: str, rng: random.Random, rate: float) -> list[int]:
        """Return the ids of a random tokenization of ``text``; the state of ``rng`` determines it.

        Args: rate: probability of a random choice, 0 to 1. With 0, the result is that of `encode`.
        """
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to EOS. Symbols are left out. All ids can be decoded."""
        ...

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return a readable string for each id."""
        ...

    def extended(self, texts: Iterable[str], count: int) -> "Tokenizer":
        """Return this vocabulary with at most ``count`` further pieces, learned from ``texts``. All
        ids keep their meaning."""
        ...

    @property
    def pieces(self) -> Sequence[str]:
        """The pieces: the spellings of the ids from `first_piece` on."""
        ...

    def ids_of_piece(self, piece: str) -> list[int]:
        """Return the ids that spell a piece of another vocabulary of the same kind."""
        ...

    def to_json(self) -> str:
        """Return everything needed to restore this tokenizer, as JSON."""
        ...


def train_tokenizer(
    units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
) -> Tokenizer:
    """Learn a tokenizer from ``texts``. The order of the texts does not matter.

    Args:
        vocabulary: maximum number of ids, including 261 for symbols and bytes. A small corpus
            gives fewer.
        lowercase: whether to convert all text to lower case, in training and later.
    """
    return UNITS[units].train(units, texts, vocabulary=vocabulary, lowercase=lowercase)


def tokenizer_from_json(text: str, where: str = "tokenizer.json") -> Tokenizer:
    """Restore a tokenizer from the result of `Tokenizer.to_json`.

    Args: where: name of the file, for error messages.
    Raises: BundleError if the text is damaged or has a newer format.
    """
    try:
        state: dict[str, Any] = parse_json(text, finite=True)
        if int(state["format"]) > FORMAT_OF_TAGS:
            raise BundleError(
                f"{where}: the tokenizer's format must be {FORMAT_OF_TAGS} or older, but it is "
                f"{state['format']}. Install a newer whyformer to read it."
            )
        if state["units"] not in UNITS:
            raise BundleError(
                f"{where}: the tokenizer's `units` must be {UNITS.listed()}, but it is "
                f"{shown(state['units'])}. Use --plugin to load the plugin that registers the unit."
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
    inner, tags = kind.from_state(state["units"], state), state.get("tags", [])
    if not tags:
        return inner
    if not (isinstance(tags, list) and all(re.fullmatch(TAG, tag) for tag in tags)):
        raise ValueError("`tags` must be a list of names")
    if len(set(tags)) != len(tags) or not set(map(piece_of, tags)) <= set(pieces):
        raise ValueError("`tags` and `pieces` contradict each other")
    return Tagged(inner, tags)
