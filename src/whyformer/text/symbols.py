"""The first ids of every vocabulary: five symbols, then the 256 bytes.

A text is never encoded as one of these symbols: ``<pad>`` in a text is five ordinary characters.
The spellings of these ids, such as ``<pad>``, are only used to display them.
"""

from typing import Final

PAD: Final = 0
BOS: Final = 1
EOS: Final = 2
UNK: Final = 3
MASK: Final = 4
SYMBOLS: Final = ("<pad>", "<bos>", "<eos>", "<unk>", "<mask>")

FIRST_BYTE: Final = len(SYMBOLS)
"""Id of byte 0x00; byte b has the id FIRST_BYTE + b."""

FIRST_PIECE: Final = FIRST_BYTE + 256
"""Id of the first learned piece."""

RESERVED: Final = (*SYMBOLS, *(f"<0x{byte:02X}>" for byte in range(256)))
"""Spellings of all ids below FIRST_PIECE."""
