"""The ids every vocabulary begins with: five symbols, then the 256 bytes.

Nothing in a text is ever read as one of these spellings: a text containing ``<pad>`` is five
ordinary characters. The spellings are for people who look at ids.
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
"""Id of the first piece that was learned from text."""

RESERVED: Final = (*SYMBOLS, *(f"<0x{byte:02X}>" for byte in range(256)))
"""Spelling of every id below FIRST_PIECE."""
