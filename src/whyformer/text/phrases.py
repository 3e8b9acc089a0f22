"""Phrases in a text: a phrase occurs as whole words, so `cat` does not occur in `category`.

In Hangul, particles follow a word without a space, so a phrase only has to begin at the start of a
word. Scripts without spaces between words (Chinese, Japanese, Thai and others) have no such rule.
"""

import re
import unicodedata
from collections.abc import Iterable

_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Characters of scripts without spaces: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7ff]")


def is_word(character: str) -> bool:
    """Return whether a character is part of a word: a letter, a digit, an underscore or a combining
    mark.

    >>> [is_word(one) for one in "a9_é한-'"]
    [True, True, True, True, True, False, False]
    """
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def begins_at_word_start(phrase: str) -> bool:
    """Return whether a phrase may occur only after a character that is not part of a word.

    >>> begins_at_word_start("cat"), begins_at_word_start("모델"), begins_at_word_start("-cat")
    (True, True, False)
    """
    return is_word(phrase[0]) and not _WITHOUT_SPACES.match(phrase[0])


def ends_at_word_end(phrase: str) -> bool:
    """Return whether a phrase may occur only before a character that is not part of a word.

    >>> ends_at_word_end("cat"), ends_at_word_end("모델"), ends_at_word_end("cat.")
    (True, False, False)
    """
    last = phrase[-1]
    return is_word(last) and not _WITHOUT_SPACES.match(last) and not _HANGUL.match(last)


def phrase_pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds the phrases in a text. Where several phrases begin, the pattern
    finds the longest one.

    Args: phrases: at least one phrase; none of them may be empty.

    >>> pattern = phrase_pattern(["cat", "cat food", "모델"])
    >>> pattern.findall("a cat, cat food, a category, 모델을")
    ['cat', 'cat food', '모델']
    """
    found = sorted(set(phrases), key=lambda one: (-len(one), one))
    return re.compile("|".join(map(_pattern, found)))


def _pattern(phrase: str) -> str:
    before = r"(?<!\w)" if begins_at_word_start(phrase) else ""
    after = r"(?!\w)" if ends_at_word_end(phrase) else ""
    return before + re.escape(phrase) + after
