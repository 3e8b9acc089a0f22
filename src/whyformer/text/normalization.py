"""The one change made to every text: Unicode NFC. Spaces, case and control characters stay."""

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")


def normalize(text: str) -> str:
    """Return ``text`` in Unicode normal form C, so that é is one character however it was typed.

    A lone surrogate, which is no character and has no UTF-8 form, becomes U+FFFD.

    >>> normalize("e\\u0301") == "\\u00e9"
    True
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))


def lower(text: str) -> str:
    """Return ``text`` in lower case and NFC. Lossy: the case of the text cannot be restored."""
    return normalize(normalize(text).lower())
