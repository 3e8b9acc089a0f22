"""Normalize text to Unicode NFC; spaces, case and control characters are unchanged."""

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Return ``text`` with U+FFFD instead of each lone surrogate, which has no UTF-8 form."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def normalize(text: str) -> str:
    """Return ``text`` in Unicode normal form C, where é is always a single character.

    A lone surrogate, which is not a character and has no UTF-8 form, becomes U+FFFD.

    >>> normalize("e\\u0301") == "\\u00e9"
    True
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", without_surrogates(text))


def lower(text: str) -> str:
    """Return ``text`` in lower case and NFC. Lossy: the case of the text cannot be restored."""
    return normalize(normalize(text).lower())
