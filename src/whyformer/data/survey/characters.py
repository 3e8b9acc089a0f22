"""Classes of characters. The class of a letter is its script; others are digit, space, emoji and
control character."""

from functools import cache

import numpy as np
from jaxtyping import UInt8

OTHER, SPACE, DIGIT, CONTROL, EMOJI = range(5)
"""Classes of characters that are not letters. `OTHER` contains punctuation, symbols and marks."""
SCRIPTS = (
    "Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Syriac", "Devanagari",
    "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam",
    "Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Georgian", "Hangul", "Ethiopic", "Cherokee",
    "Khmer", "Mongolian", "Hiragana", "Katakana", "Bopomofo", "Han",
)  # fmt: skip
FIRST_LETTER = EMOJI + 1
"""Number of the class of the first script; the other scripts follow."""
CLASSES = FIRST_LETTER + len(SCRIPTS)
JAPANESE = ("Han", "Hiragana", "Katakana")
"""Scripts that occur together in Japanese text."""

_LETTERS: dict[str, str] = {
    "Latin": "41-5A 61-7A AA BA C0-D6 D8-F6 F8-24F 250-2AF 1D00-1DBF 1E00-1EFF 2C60-2C7F A720-A7FF "
    "AB30-AB6F FB00-FB06 FF21-FF3A FF41-FF5A",
    "Greek": "370-3FF 1F00-1FFF",
    "Cyrillic": "400-52F 1C80-1C8F 2DE0-2DFF A640-A69F",
    "Armenian": "531-58F FB13-FB17",
    "Hebrew": "5D0-5FF FB1D-FB4F",
    "Arabic": "610-65F 66E-6EF 6FA-6FF 750-77F 8A0-8FF FB50-FDFF FE70-FEFC",
    "Syriac": "700-74F",
    "Devanagari": "900-965 970-97F A8E0-A8FF",
    "Bengali": "980-9E5 9F0-9FF",
    "Gurmukhi": "A00-A65 A70-A7F",
    "Gujarati": "A80-AE5 AF0-AFF",
    "Oriya": "B00-B65 B70-B7F",
    "Tamil": "B80-BE5 BF0-BFF",
    "Telugu": "C00-C65 C70-C7F",
    "Kannada": "C80-CE5 CF0-CFF",
    "Malayalam": "D00-D65 D70-D7F",
    "Sinhala": "D80-DE5 DF0-DFF",
    "Thai": "E00-E4F E5A-E7F",
    "Lao": "E80-ECF EDA-EFF",
    "Tibetan": "F00-F1F F34-FFF",
    "Myanmar": "1000-103F 104A-109F A9E0-A9FF AA60-AA7F",
    "Georgian": "10A0-10FF 1C90-1CBF 2D00-2D2F",
    "Hangul": "1100-11FF 3131-318E A960-A97F AC00-D7FF FFA1-FFDC",
    "Ethiopic": "1200-139F 2D80-2DDF AB00-AB2F",
    "Cherokee": "13A0-13FF AB70-ABBF",
    "Khmer": "1780-17DF 19E0-19FF",
    "Mongolian": "1820-18AF",
    "Hiragana": "3041-309F",
    "Katakana": "30A1-30FA 30FC-30FF 31F0-31FF FF66-FF9F",
    "Bopomofo": "3105-312F",
    "Han": "3005 3007 3400-4DBF 4E00-9FFF F900-FAFF 20000-323AF",
}
"""For each script, its ranges of code points. Source:
https://www.unicode.org/Public/UNIDATA/Scripts.txt"""
_OTHERS: dict[int, str] = {
    SPACE: "9 A D 20 A0 1680 2000-200A 2028-2029 202F 205F 3000",
    DIGIT: "30-39 660-669 6F0-6F9 966-96F 9E6-9EF E50-E59 FF10-FF19",
    CONTROL: "0-8 B-C E-1F 7F-9F E000-F8FF FEFF FFF9-FFFB FFFD-FFFF F0000-10FFFF",
    EMOJI: "2600-27BF 2B50 2B55 1F000-1FAFF",
}
"""For each other class, its ranges of code points. A byte order mark inside a text, U+FFFD and
private code points belong to the control characters, because a faulty conversion produces them."""


@cache
def class_of_point() -> UInt8[np.ndarray, " points"]:
    """Return an array with the class of every code point.

    >>> SCRIPTS[class_of_point()[ord("한")] - FIRST_LETTER]
    'Hangul'
    """
    table = np.full(0x110000, OTHER, dtype=np.uint8)
    numbered = [(FIRST_LETTER + SCRIPTS.index(name), ranges) for name, ranges in _LETTERS.items()]
    for number, ranges in [*numbered, *_OTHERS.items()]:
        for one in ranges.split():
            first, _, last = one.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] = number
    return table
