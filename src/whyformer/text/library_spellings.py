"""The bytes that a token of the `tokenizers` library stands for; its decoder defines them."""

from collections.abc import Iterator
from typing import Any

MARK = "▁"


class Speller:
    """Returns the bytes of a token, according to the decoder of a `tokenizer.json`.

    The space between two words belongs to the token after it, or to the token before it if the
    vocabulary marks the end of a word. So the first token of a text may begin with a space that
    decoding removes.
    Args: state: the JSON object of the file.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        parts = {part["type"]: part for part in _flat(state["decoder"])}
        self.over_bytes = "ByteLevel" in parts
        self.gaps = not parts
        self._mark = parts.get("Metaspace", {}).get("replacement", MARK)
        self._prefix = parts["WordPiece"]["prefix"] if "WordPiece" in parts else None
        self._suffix = parts["BPEDecoder"]["suffix"] if "BPEDecoder" in parts else None
        self._fused = "Metaspace" in parts or "Replace" in parts

    def spelling(self, token: str) -> bytes:
        """Return the bytes of a token."""
        if self.over_bytes:
            return _of_byte_level(token)
        if self._prefix is not None:
            inside = token.startswith(self._prefix)
            return (token[len(self._prefix) :] if inside else f" {token}").encode()
        if self._suffix:
            return token.replace(self._suffix, " ").encode()
        return (token.replace(self._mark, " ") if self._fused else token).encode()


def _flat(decoder: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
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
