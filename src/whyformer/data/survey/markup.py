"""Find HTML and numbers in texts."""

import re

HTML = re.compile(
    r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|<!--|&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});",
    re.IGNORECASE,
)
"""Regular expression for the tags, comments and entities of HTML."""
MOST_DIGITS = 40
"""Of a longer number, only this many digits at its start are compared."""
_SEPARATED = re.compile(r"(?<=\d)[.,'’\u00a0\u202f ](?=\d{3}(?!\d))")
_NUMBER = re.compile(r"\d+")
_IN_WORDS = re.compile(
    r"\d\s*[십백천만억조十百千万萬億兆]|illion|illiard|thousand|tausend|hundred|hundert|dozen|dutzend",
    re.IGNORECASE,
)
"""Regular expression for numbers that are partly written as words. Such numbers are not compared,
because each language writes them differently."""


def html_in(text: str) -> list[str]:
    """Return the tags and entities of a text in lower case, sorted.

    >>> html_in("<b>Fish &amp; chips</b>, 1 < 2 & 3 > 2")
    ['&amp;', '</b>', '<b>']
    """
    if "<" not in text and "&" not in text:
        return []
    return sorted(one.lower() for one in HTML.findall(text))


def numbers_in(text: str) -> list[str]:
    """Return the numbers in a text, without thousands separators and leading zeros.

    >>> numbers_in("1,500 of 07"), numbers_in("1.500 von 7")
    (['1500', '7'], ['1500', '7'])
    """
    return [str(int(one[:MOST_DIGITS])) for one in _NUMBER.findall(_SEPARATED.sub("", text))]


def numbers_agree(source: str, target: str) -> bool | None:
    """Return whether two texts have a number in common; None if one of them has no numbers.

    Only numbers with two or more digits are compared, because smaller numbers are often written as
    words. One common number is enough, because times and dates are written in different ways.
    """
    if source.isalpha() or target.isalpha():
        return None
    left = {one for one in numbers_in(source) if len(one) > 1}
    right = {one for one in numbers_in(target) if len(one) > 1}
    if not left or not right:
        return None
    if not left.isdisjoint(right):
        return True
    return None if _IN_WORDS.search(source) or _IN_WORDS.search(target) else False
