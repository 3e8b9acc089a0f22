"""Names of encodings, and which one a file that is not UTF-8 may have."""

import codecs
from collections.abc import Callable
from unicodedata import name

from whyformer.foundation.errors import ConfigError, nearest

GUESSED = 65_536
"""Bytes that are read to guess an encoding."""
SHARE = 0.6
"""Share of the characters beyond ASCII that must be of the script that an encoding is used for."""


def known_encoding(given: str) -> str:
    """Return Python's name of an encoding. Raises: ConfigError when it is unknown.

    >>> known_encoding("UTF8"), known_encoding("euc-kr"), known_encoding("CP949")
    ('utf-8', 'euc_kr', 'cp949')
    """
    try:
        found = codecs.lookup(given)
        if not found._is_text_encoding:  # such as base64
            raise LookupError
    except (LookupError, ValueError):
        raise ConfigError(
            f"`{given}` is not an encoding that Python knows.{nearest(given, COMMON)}"
        ) from None
    return found.name


def byte_order_mark(head: bytes) -> str | None:
    """Return the encoding that the first bytes of a file state, or None."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def guessed_encoding(raw: bytes) -> str | None:
    """Return the encoding that bytes most likely have, or None when none fits.

    >>> guessed_encoding("안녕하세요".encode("cp949")), guessed_encoding("Déjà vu".encode("cp1252"))
    ('cp949', 'cp1252')
    """
    if (order := _utf16_order(raw)) is not None:
        return order
    for encoding, fits in CANDIDATES.items():
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        try:  # the last character of a sample may be cut
            text = decoder.decode(raw[:GUESSED], len(raw) < GUESSED)
            found = [one for one in text if ord(one) > 127]
        except UnicodeDecodeError:
            continue
        if found and sum(map(fits, found)) >= SHARE * len(found):
            return encoding
    return None


def _utf16_order(raw: bytes) -> str | None:
    """Return the byte order of UTF-16 text in a script whose upper bytes are mostly zero."""
    even, odd = raw[0::2], raw[1::2]
    if not odd or 3 * (even.count(0) + odd.count(0)) < len(raw):
        return None
    return "utf-16-le" if odd.count(0) > even.count(0) else "utf-16-be"


def _in_script(*scripts: str) -> Callable[[str], bool]:
    return lambda one: name(one, "").startswith(scripts)


def _is_common_hangul(one: str) -> bool:
    """Return whether a character is one of the 2,350 syllables that nearly all text consists of.

    Text in another encoding, read as CP949, consists of the rare ones.
    """
    return "가" <= one <= "힣" and len(one.encode("euc_kr", "ignore")) == 2


CANDIDATES: dict[str, Callable[[str], bool]] = {
    "cp949": _is_common_hangul,
    "cp932": _in_script("HIRAGANA", "KATAKANA"),
    "cp1251": lambda one: name(one, "").startswith("CYRILLIC SMALL") or one == "№",
    "cp1252": _in_script("LATIN SMALL", "LEFT", "RIGHT", "EN DASH", "EM DASH"),
    "gb18030": _in_script("CJK", "FULLWIDTH", "IDEOGRAPHIC"),
    "big5": _in_script("CJK", "FULLWIDTH", "IDEOGRAPHIC"),
}
"""Encoding -> whether a character beyond ASCII is of the script that the encoding is used for."""
COMMON = ("utf-8", "utf-16", "cp949", "euc-kr", "cp932", "shift_jis", "gb18030", "big5", "cp1252")
