"""The normalization rules of SentencePiece: a map from short strings to their replacements.

A file `.model` has the rules as a trie in a double array (library darts-clone) and a list of
replacements. At each place of a text, the longest rule that fits is applied.
"""

import struct
from array import array

from whyformer.foundation.errors import ConfigError

CACHED_PAIRS = 1 << 18
PRINTABLE = range(0x20, 0x7F)
"""The printable characters of ASCII."""


class Charsmap:
    """Applies the normalization rules of SentencePiece.

    A unit of the double array holds the byte that leads to it, the place of its children, and
    whether a key ends there. The child by byte b is at (place of the children) ^ b, and the value
    of a key is at the child by byte 0: where its replacement begins.

    Args: blob: the field `precompiled_charsmap` of a file `.model`; an empty one has no rules.
    Raises: ValueError if the rules are damaged.
    """

    def __init__(self, blob: bytes) -> None:
        self._units = array("I")
        self._replacements = b""
        if blob:
            (size,) = struct.unpack("<I", blob[:4].ljust(4, b"\0"))
            if size % 4 or not 4 <= size <= len(blob) - 4:
                raise ValueError("its normalization rules are damaged")
            self._units = array("I", struct.unpack_from(f"<{size // 4}I", blob, 4))
            self._replacements = blob[4 + size :]
        self._cached: dict[str, str] = {}
        self._keeps_ascii = not self._changes_ascii()

    def apply(self, text: str) -> str:
        """Return ``text`` after all replacements."""
        if not self._units or (self._keeps_ascii and text.isascii() and text.isprintable()):
            return text
        found: list[str] = []
        place, cached = 0, self._cached
        while place < len(text):
            # Almost always, the second character shows that no rule for several characters fits.
            one = cached.get(text[place : place + 2])
            length = 1
            if one is None:
                one, length = self._look_up(text, place)
            found.append(one)
            place += length
        return "".join(found)

    def _look_up(self, text: str, place: int) -> tuple[str, int]:
        """Return the replacement at ``place``, and how many characters it replaces."""
        best, length = text[place], 1
        node, later = 0, place
        while later < len(text):
            for byte in text[later].encode():
                child = self._children(node) ^ byte
                if child >= len(self._units) or self._units[child] & 0x800000FF != byte:
                    break
                node = child
            else:
                later += 1
                if self._units[node] >> 8 & 1:
                    best, length = self._replacement(node), later - place
                continue
            break
        if later < place + 2 and place + 2 <= len(text):
            if len(self._cached) >= CACHED_PAIRS:
                self._cached.clear()
            self._cached[text[place : place + 2]] = best
        return best, length

    def _children(self, node: int) -> int:
        unit = self._units[node]
        return node ^ ((unit >> 10) << ((unit & 1 << 9) >> 6))

    def _replacement(self, node: int) -> str:
        try:
            start = self._units[self._children(node)] & 0x7FFFFFFF
            return self._replacements[start : self._replacements.index(b"\0", start)].decode()
        except (ValueError, IndexError):
            raise ConfigError(
                "The normalization rules of a SentencePiece model must be complete, but they are "
                "damaged. Copy the .model file again from its source."
            ) from None

    def _changes_ascii(self) -> bool:
        """Return whether a rule replaces only printable characters of ASCII."""
        nodes, seen = [0] if self._units else [], {0}
        for node in nodes:
            for byte in PRINTABLE:
                child = self._children(node) ^ byte
                if child < len(self._units) and self._units[child] & 0x800000FF == byte:
                    if self._units[child] >> 8 & 1:
                        return True
                    nodes += [] if child in seen else [child]
                    seen.add(child)
        return False
