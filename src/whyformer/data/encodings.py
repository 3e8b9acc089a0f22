"""Names of encodings, and which one a file that is not UTF-8 may have."""

import codecs
import re

from whyformer.foundation.errors import ConfigError, nearest

GUESSED = 65_536
"""Bytes that are read to guess an encoding."""


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
    for encoding, (share, typical) in TYPICAL.items():
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        try:  # the last character of a sample may be cut
            text = decoder.decode(raw[:GUESSED], len(raw) < GUESSED)
        except UnicodeDecodeError:
            continue
        if encoding == "cp949":
            text = "".join(filter(_is_common, text))
        beyond = sum(ord(one) > 127 for one in text)
        if beyond and sum(map(len, typical.findall(text))) >= share * beyond:
            return encoding
    return None


def _utf16_order(raw: bytes) -> str | None:
    """Return the byte order of UTF-16 text in a script whose upper bytes are mostly zero."""
    even, odd = raw[0::2], raw[1::2]
    if not odd or 3 * (even.count(0) + odd.count(0)) < len(raw):
        return None
    return "utf-16-le" if odd.count(0) > even.count(0) else "utf-16-be"


def _is_common(one: str) -> bool:
    """Return whether EUC-KR has a character: CP949 reads other encodings as rare syllables."""
    return not "가" <= one <= "힣" or len(one.encode("euc_kr", "ignore")) == 2


TYPICAL = {
    "cp949": (0.6, re.compile("[가-힣]")),
    "cp932": (0.3, re.compile("[ぁ-ヿ]")),
    "cp1251": (0.6, re.compile("[а-яё]{2,}")),
    "cp1252": (0.6, re.compile("(?<![À-ÿ])[À-ÿ]{1,2}(?![À-ÿ])|[“”‘’–—]")),
    "gb18030": (0.6, re.compile("[一-鿿，。、！？：；]")),
    "big5": (0.6, re.compile("[一-鿿，。、！？：；]")),
}
"""Encoding -> share and form of the typical characters beyond ASCII. The first that fits counts."""
COMMON = ("utf-8", "utf-16", "cp949", "euc-kr", "cp932", "shift_jis", "gb18030", "big5", "cp1252")
