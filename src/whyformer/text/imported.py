"""A tokenizer that another tool made, such as SentencePiece or the `tokenizers` library."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokenizers import Tokenizer as Library

from whyformer.foundation.errors import ConfigError, UsageError
from whyformer.foundation.parsing import parse_json, reason_of, shown
from whyformer.text.library_spellings import Speller
from whyformer.text.normalization import without_surrogates
from whyformer.text.pieces import UNITS, Pieces, before_eos
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE, RESERVED, SYMBOLS, UNK

BYTES = RESERVED[FIRST_BYTE:]
"""Names of the byte tokens of SentencePiece, which are also our names: ``<0x00>`` to ``<0xFF>``."""
NAMES = tuple(symbol.strip("<>") for symbol in SYMBOLS)
"""The names of our symbols in order: pad, bos, eos, unk, mask."""


@UNITS.register("imported")
class Imported(Pieces):
    """A tokenizer of another tool, run by the `tokenizers` library.

    Ids 0 to 4 are our symbols. If the other vocabulary has all 256 byte tokens (``<0x00>`` to
    ``<0xFF>``), the byte tokens have the ids 5 to 260. Then all other tokens follow in the order of
    their ids in the other vocabulary. See `theirs` and `ours` for the ids of both vocabularies.

    A text is never encoded as pad, bos, eos or mask. Without byte tokens, text outside the
    vocabulary is encoded as unk.
    Args:
        pieces: the tokens from `first_piece` on, as the other tool writes them.
        library: the content of a file `tokenizer.json` of the `tokenizers` library.
        theirs: for each id, the id in the other vocabulary; None for a symbol that the other
            vocabulary does not have.
        symbols: the token of the other vocabulary for each of our symbols, for example
            ``{"pad": "<pad>", "eos": "</s>"}``. Two symbols may have the same token.
    """

    learned = False

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Imported":
        """Raise UsageError, because only the other tool can learn such a vocabulary."""
        raise UsageError(
            "The units `imported` come from the tokenizer file of another tool and cannot be "
            "learned, but no file was given. Give the file with --text.from-file, or choose "
            "other units."
        )

    @classmethod
    def from_tokenizer_json(
        cls,
        text: str,
        *,
        symbols: Mapping[str, str],
        ids: Mapping[str, int] | None = None,
        lowercase: bool = False,
    ) -> "Imported":
        """Make a tokenizer from the content of a file `tokenizer.json`.

        Args:
            symbols: see `Imported`. The names are pad, bos, eos, unk and mask.
            ids: the id of each token, if the ids in the model are not those in the file (Marian has
                a file `vocab.json`). Tokens of the file without an id are encoded as unk.
            lowercase: whether to convert text to lower case before encoding.
        Raises: ConfigError if a symbol is not in the vocabulary; ValueError if the text is not a
            tokenizer.
        """
        library = _library(text)
        text = library.to_str()  # the file of an older version becomes one of this version
        ids = ids if ids is not None else library.get_vocab(with_added_tokens=True)
        for name, token in symbols.items():
            if name not in NAMES or token not in ids:
                raise ConfigError(
                    "The symbols of a tokenizer must be named pad, bos, eos, unk or mask, and must "
                    f"be tokens of its vocabulary, but {name} {shown(token)} was given. Correct "
                    "the name or the token."
                )
        special = set(symbols.values())
        in_bytes = all(token in ids for token in BYTES)
        ordered = [token for token in sorted(ids, key=ids.__getitem__) if token not in special]
        pieces = [token for token in ordered if not in_bytes or token not in _BYTES]
        theirs = [ids[symbols[name]] if name in symbols else None for name in NAMES]
        theirs += [ids[token] for token in (*(BYTES if in_bytes else ()), *pieces)]
        return cls(
            "imported", pieces, library=text, theirs=theirs, symbols=symbols, lowercase=lowercase
        )

    @classmethod
    def from_state(cls, units: str, state: Mapping[str, Any]) -> "Imported":
        """Make a tokenizer from the JSON object of `to_json`; see `Pieces.from_state`."""
        return cls(
            units,
            state["pieces"],
            library=state["library"],
            theirs=state["theirs"],
            symbols=state["symbols"],
            lowercase=state["lowercase"],
        )

    def __init__(
        self,
        units: str,
        pieces: Sequence[str],
        *,
        library: str,
        theirs: Sequence[int | None],
        symbols: Mapping[str, str],
        lowercase: bool = False,
    ) -> None:
        self.first_piece = len(theirs) - len(pieces)
        if self.first_piece not in (FIRST_BYTE, FIRST_PIECE):
            raise ValueError("`theirs` and `pieces` do not belong together")
        self.theirs = tuple(None if i is None else int(i) for i in theirs)
        self.symbols = {name: str(symbols[name]) for name in NAMES if name in symbols}
        self.library_json = library
        state = parse_json(library)
        self._speller = Speller(state)
        self.gaps, self.over_bytes = self._speller.gaps, self._speller.over_bytes
        self._lowers = lowercase and not _lowers(state["normalizer"])
        super().__init__(units, pieces, lowercase=lowercase or _lowers(state["normalizer"]))
        names = (*SYMBOLS, *BYTES)[: self.first_piece]
        self._names = (*names, *self.pieces)
        self._bytes = [b""] * FIRST_BYTE + [bytes([i]) for i in range(len(names) - FIRST_BYTE)]
        self._bytes += [self._speller.spelling(piece) for piece in self.pieces]
        self._skipped = frozenset(t["content"] for t in state["added_tokens"] if t["special"])
        self._library = _library(json.dumps(_without_symbols(state, set(self.symbols.values()))))
        known = {name: FIRST_BYTE + k for k, name in enumerate(self._names[FIRST_BYTE:])}
        vocabulary = self._library.get_vocab(with_added_tokens=True)
        self._ours = [UNK] * (max(vocabulary.values(), default=-1) + 1)
        for token, i in vocabulary.items():
            self._ours[i] = known.get(token, UNK)

    @property
    def ours(self) -> dict[int, int]:
        """Our id of each id of the other vocabulary. A token that stands for several symbols has
        the id of the first one."""
        return {b: a for a, b in reversed(list(enumerate(self.theirs))) if b is not None}

    def normalize(self, text: str) -> str:
        """Return exactly the result of ``decode(encode(text))``; text that is encoded as unk is
        missing."""
        return self.decode(self.encode(text))

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each text, as `encode` returns them."""
        ours = self._ours
        prepared = [self._prepared(text) for text in texts]
        encoded = self._library.encode_batch_fast(prepared, add_special_tokens=False)
        return [[ours[i] for i in one.ids] for one in encoded]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to EOS, with the decoder of the other tool. Symbols, other
        special tokens and ids out of range are left out."""
        names = self._names
        known = [names[i] for i in before_eos(ids) if FIRST_BYTE <= i < len(names)]
        kept = [name for name in known if name not in self._skipped]
        decoder = self._library.decoder
        return decoder.decode(kept) if decoder is not None else " ".join(kept)

    def extended(self, texts: Iterable[str], count: int) -> "Imported":
        """Raise ConfigError, because the rules of the other tool leave no place for new pieces."""
        raise ConfigError(
            "`extend_vocabulary` needs a tokenizer that whyformer learned, but the tokenizer of "
            "this model was imported. Leave out `extend_vocabulary`."
        )

    def _prepared(self, text: str) -> str:
        text = without_surrogates(text)
        return text.lower() if self._lowers else text

    def _shown(self, i: int) -> str:
        text = self._bytes[i].decode("utf-8", errors="backslashreplace")
        return text.replace(" ", "▁")

    def _state(self) -> dict[str, Any]:
        return {"library": self.library_json, "theirs": self.theirs, "symbols": self.symbols}


_BYTES = frozenset(BYTES)


def _library(text: str) -> Library:
    """Return the tokenizer that ``text`` describes; ValueError if it is damaged."""
    try:
        return Library.from_str(text)
    except Exception as error:  # the library raises no narrower class
        raise ValueError(f"the tokenizers library cannot read it: {reason_of(error)}") from error


def _without_symbols(state: dict[str, Any], symbols: set[str]) -> dict[str, Any]:
    """Return the JSON object of a `tokenizer.json` changed so that no text is encoded as a symbol.

    The symbols are not searched in texts, and their names in the vocabulary of the model become
    strings that do not occur in texts. The name of the token for unknown text is kept, because
    the model uses it.
    """
    model = dict(state["model"])
    names = {s: f"\uffff{s}" for s in symbols - {model.get("unk_token")}}
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        model["vocab"] = {names.get(token, token): i for token, i in vocabulary.items()}
    else:
        model["vocab"] = [[names.get(token, token), score] for token, score in vocabulary]
    added = [one for one in state["added_tokens"] if one["content"] not in symbols]
    nothing = {"post_processor": None, "truncation": None, "padding": None}
    return state | nothing | {"model": model, "added_tokens": added}


def _lowers(normalizer: dict[str, Any] | None) -> bool:
    """Return whether a normalizer of the library converts text to lower case."""
    if normalizer is None:
        return False
    parts = normalizer.get("normalizers", ())
    kind = normalizer["type"]
    lowers = kind == "Lowercase" or (kind == "BertNormalizer" and normalizer["lowercase"])
    return lowers or any(map(_lowers, parts))
