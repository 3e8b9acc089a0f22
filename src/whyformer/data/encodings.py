"""Names of encodings, and a guess of the encoding of a file that is not UTF-8."""

import codecs
import re

from whyformer.foundation.errors import ConfigError, nearest

GUESSED = 65_536
"""Number of bytes of a file that are read to guess its encoding."""


def known_encoding(given: str) -> str:
    """Return Python's name of an encoding.

    Raises: ConfigError when Python does not know the encoding.

    >>> known_encoding("UTF8"), known_encoding("euc-kr"), known_encoding("CP949")
    ('utf-8', 'euc_kr', 'cp949')
    """
    try:
        found = codecs.lookup(given)
        if not found._is_text_encoding:  # a codec without text, such as base64
            raise LookupError
    except (LookupError, ValueError):
        raise ConfigError(
            f"`{given}` is not an encoding that Python knows.{nearest(given, COMMON)}"
        ) from None
    return found.name


def byte_order_mark(head: bytes) -> str | None:
    """Return the encoding that a byte order mark at the start of a file states, or None."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def guessed_encoding(raw: bytes) -> str | None:
    """Return the most likely encoding of some bytes, or None when no encoding fits.

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
    """Return the UTF-16 encoding of bytes in which many upper bytes are zero (as in Latin text), or
    None."""
    even, odd = raw[0::2], raw[1::2]
    if not odd or 3 * (even.count(0) + odd.count(0)) < len(raw):
        return None
    return "utf-16-le" if odd.count(0) > even.count(0) else "utf-16-be"


def _is_common(one: str) -> bool:
    """Return whether EUC-KR contains a character. If text in another encoding is decoded as CP949,
    the result has rare syllables, which EUC-KR does not contain."""
    return not "가" <= one <= "힣" or len(one.encode("euc_kr", "ignore")) == 2


TYPICAL = {
    "cp949": (0.6, re.compile("[가-힣]")),
    "cp932": (0.3, re.compile("[ぁ-ヿ]")),
    "cp1251": (0.6, re.compile("[а-яё]{2,}")),
    "cp1252": (0.6, re.compile("(?<![À-ÿ])[À-ÿ]{1,2}(?![À-ÿ])|[“”‘’–—]")),
    "gb18030": (0.6, re.compile("[一-鿿，。、！？：；]")),
    "big5": (0.6, re.compile("[一-鿿，。、！？：；]")),
}
"""For each encoding: the fraction of the characters beyond ASCII that must be typical of it, and a
regular expression that matches the typical ones. The first encoding that fits is chosen."""
COMMON = ("utf-8", "utf-16", "cp949", "euc-kr", "cp932", "shift_jis", "gb18030", "big5", "cp1252")
