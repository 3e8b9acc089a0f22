"""Tokenizers of the `tokenizers` library, which Hugging Face stores in `tokenizer.json`."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tokenizers import Tokenizer as Library

from whyformer.foundation.parsing import parse_json, reason_of

MARK = "▁"
"""Usually stands for a space in a token."""


class HuggingFaceTokenizer:
    """Encodes and decodes with the `tokenizers` library.

    Args:
        content: the content of a file `tokenizer.json`.
        symbols: tokens that are never searched for in a text, such as ``</s>``.
    Raises: ValueError if the content is damaged.
    """

    def __init__(self, content: str, symbols: frozenset[str] = frozenset()) -> None:
        self.content = content
        state = parse_json(content)
        self._library = read_library(json.dumps(_without_symbols(state, symbols)))
        known = self._library.get_vocab(with_added_tokens=True)
        self._token_of = {i: token for token, i in known.items()}
        self.ids = read_library(content).get_vocab(with_added_tokens=True)
        self.hidden = frozenset(t["content"] for t in state["added_tokens"] if t["special"])
        self.lowercase = _lowers(state["normalizer"])
        parts = {part["type"]: part for part in _flat(state["decoder"])}
        self.over_bytes = "ByteLevel" in parts
        self.gaps = not parts
        self._mark = parts.get("Metaspace", {}).get("replacement", MARK)
        self._prefix = parts["WordPiece"]["prefix"] if "WordPiece" in parts else None
        self._suffix = parts["BPEDecoder"]["suffix"] if "BPEDecoder" in parts else None
        self._marks_spaces = "Metaspace" in parts or "Replace" in parts

    def encode_batch(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of each text; see `ToolTokenizer`."""
        of = self._token_of
        encoded = self._library.encode_batch_fast(texts, add_special_tokens=False)
        return [[of[i] for i in one.ids] for one in encoded]

    def decode(self, tokens: Sequence[str]) -> str:
        """Return the text of ``tokens``; see `ToolTokenizer`."""
        decoder = self._library.decoder
        return decoder.decode(tokens) if decoder is not None else " ".join(tokens)

    def spelling(self, token: str) -> bytes:
        """Return the bytes that a token stands for; see `ToolTokenizer`."""
        if self.over_bytes:
            return _of_byte_level(token)
        if self._prefix is not None:
            inside = token.startswith(self._prefix)
            return (token[len(self._prefix) :] if inside else f" {token}").encode()
        if self._suffix:
            return token.replace(self._suffix, " ").encode()
        return (token.replace(self._mark, " ") if self._marks_spaces else token).encode()


def read_library(text: str) -> Library:
    """Return the tokenizer that a `tokenizer.json` describes.

    Raises: ValueError if it is damaged.
    """
    try:
        return Library.from_str(text)
    except Exception as error:  # the library raises no narrower class
        raise ValueError(f"the tokenizers library cannot read it: {reason_of(error)}") from error


def _without_symbols(state: dict[str, Any], symbols: frozenset[str]) -> dict[str, Any]:
    """Return the JSON object of a `tokenizer.json` changed so that no text is encoded as a symbol.

    The symbols are not searched for in texts, and their names in the vocabulary of the model become
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
    kind = normalizer["type"]
    lowers = kind == "Lowercase" or (kind == "BertNormalizer" and normalizer["lowercase"])
    return lowers or any(map(_lowers, normalizer.get("normalizers", ())))


def _flat(decoder: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the parts of a decoder, without the sequences that hold them."""
    if decoder is None:
        return
    if decoder["type"] == "Sequence":
        for part in decoder["decoders"]:
            yield from _flat(part)
    else:
        yield decoder


def _byte_of_character() -> dict[str, int]:
    """Return the byte of each character of a byte-level vocabulary.

    Printable characters of Latin-1 stand for their own byte; the other bytes have the characters
    from U+0100 on, in order (GPT-2).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    found = {chr(byte): byte for byte in printable}
    return found | {chr(0x100 + k): byte for k, byte in enumerate(others)}


_BYTE = _byte_of_character()


def _of_byte_level(token: str) -> bytes:
    if all(character in _BYTE for character in token):
        return bytes(_BYTE[character] for character in token)
    return token.encode()  # an added token is ordinary text
