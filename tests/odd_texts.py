"""Texts in many scripts that are hard for a tokenizer."""

import random
import unicodedata
from functools import cache

SCRIPTS = [
    (0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x00, 0x1F), (0x7F, 0xA0), (0xA1, 0x24F),
    (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58F), (0x590, 0x5FF),
    (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x10A0, 0x10FF),
    (0x13A0, 0x13FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2100, 0x218F),
    (0x2C00, 0x2DFF), (0x3000, 0x30FF), (0x3130, 0x318F), (0x4E00, 0x9FFF), (0xA640, 0xA7FF),
    (0xAB70, 0xABBF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE00, 0xFEFF),
    (0xFF00, 0xFFEF), (0x10400, 0x1044F), (0x1D100, 0x1D1FF), (0x1D400, 0x1D7FF),
    (0x1E900, 0x1E95F), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF), (0xE000, 0xE010),
    (0x10FFF0, 0x10FFFF),
]  # fmt: skip
"""The first and the last character of some ranges of Unicode."""
FRAGMENTS = [
    " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u0085", "\x1c", "\x00",
    "İstanbul", "ıI", "ß", "ẞ", "ΟΔΟΣ", "ΣΑΣ Σ", "ὈΔΥΣΣΕΎΣ", "Σ.", "ΑΣ\u0301 ", "ŒUVRE", "ǅ", "ﬁ",
    "e\u0301", "q\u0323\u0307", "a\u0328\u0301", "A\u030a", "\u1112\u1161\u11ab", "한글", "값이 ",
    "👩‍👩‍👧‍👦", "🇰🇷", "👍🏽", "❤️", "\U0001d11e", "\ud800", "\udfff", "\udc00\ud800", "\ufffd",
    "<pad>", "<eos>", "<0x41>", "<2de>", "<2de> ", "<2xx> ", "▁", "[CLS]", "##", "the ", " cats",
    "don't", "I'LL", "x" * 60, "가" * 50, "-" * 55, "ab cd. ", "...", "!?", "3.14", "1,000",
    "שלום", "مرحبا،", "नमस्ते।", "日本語。", "Привет",
]  # fmt: skip


@cache
def odd_texts(count: int, seed: int = 0) -> list[str]:
    """Return texts that mix scripts, spaces, control characters, marks and long words.

    Characters that this version of Python does not know are left out: their normal form and case
    depend on the version of Unicode.
    """
    rng = random.Random(seed)
    return ["", *FRAGMENTS, *(_text(rng) for _ in range(count - len(FRAGMENTS) - 1))]


def _text(rng: random.Random) -> str:
    scripts = rng.sample(SCRIPTS, 2)
    parts: list[str] = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.3:
            parts.append(rng.choice(FRAGMENTS))
        elif kind < 0.4:
            parts.append(_character(rng, rng.choice(SCRIPTS)))
        else:
            script = rng.choice(scripts)
            parts.append("".join(_character(rng, script) for _ in range(rng.randint(1, 8))))
        if rng.random() < 0.3:
            parts.append(" ")
    return joined_pairs("".join(parts))


def joined_pairs(text: str) -> str:
    """Return ``text`` with one character for each pair of surrogates, as JavaScript reads it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _character(rng: random.Random, script: tuple[int, int]) -> str:
    character = chr(rng.randint(*script))
    return "?" if unicodedata.category(character) == "Cn" else character
