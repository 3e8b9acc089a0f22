"""Split a text into the terms by which questions are compared: stems of English words, and pairs of
Korean letters."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_STOP_WORDS = """
a about all always am an and any are as at be because been being best better but by can could did do
does doing dont each exactly explain for from get gets give had happen happens has have help helps
here how i if in instead into is isnt it its just like make makes me much must my need needed needs
no not of on one only or our out please really should so some than that the their them then there
these they this to too us use used useful uses using very vs was we were what whats when where
whether which while who why will with without would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English words that do not show the subject of a question."""
SUFFIXES = (
    "isation", "ization", "ations", "ation", "ings", "ing", "ed", "ies", "es", "s", "e", "y", "al",
)  # fmt: skip
SHORTEST_STEM = 4
KOREAN_ENDING = re.compile(
    r"(?<=..)(인가|하나|되나|한가|는가|은가|나|가|까|예|에|이에|해|돼|아|어|져)?(요|죠|지|임|함|음)$"
    r"|(?<=..)(이란|란|이랑|랑|에서|에는|에도|으로|로|은|는|이|가|을|를|의|에|와|과|도|만|면|다)$"
)
"""Common Korean particles and verb endings, which stand after at least two letters."""
KOREAN_STOP_WORD = re.compile(
    r"[왜가개것그더때등몇뭐수이저좀]|(뭐|뭔|무엇|무슨|어떻|어떤|어떠|어디|언제|얼마|이유|정말|혹시|그냥|꼭|있|없|알려|모르|쓰|써|쓸|하|해|되|돼|안|못)"
    r".{0,3}"
)
"""Korean words that do not show the subject of a question."""
SIGNS = {"√": " sqrt ", "β": "beta", "_": "", "^": "", "**": "", "'": "", "’": "", "·": " "}
WORD = re.compile(r"[a-z]+[0-9]*|[0-9]+(?:\.[0-9]+)?[a-z]*|[가-힣]+")
GAPS = ("", " ", "-", "–", "/")
"""What may stand between two words that form one term, such as `warm-up` and `warm up`."""


class Terms(NamedTuple):
    """The terms of a text."""

    own: list[str]
    """Stems of words, and pairs of adjacent Korean letters."""
    joined: list[str]
    """Terms that cross the end of a word: `warm-up` and `warm up` contain `warmup`, too."""


def terms_of(text: str) -> Terms:
    """Return the terms of a text. A Korean word of one letter is a term itself.

    Pairs of Korean letters make spaces and rare endings matter little: `라벨스무딩` and `라벨
    스무딩` differ in one pair of four.
    """
    folded = _folded(text)
    found = Terms([], [])
    previous: re.Match[str] | None = None
    for match in WORD.finditer(folded):
        word = match.group()
        if _is_korean(word):
            word = KOREAN_ENDING.sub("", word)
            if not KOREAN_STOP_WORD.fullmatch(word):
                pairs = map("".join, pairwise(word))
                found.own.extend(pairs if len(word) > 1 else word)
        elif word not in STOP_WORDS and not (len(word) == 1 and word.isdigit()):
            found.own.append(stem(word))
        if previous and folded[previous.end() : match.start()] in GAPS:
            found.joined.extend(_joined(previous.group(), word))
        previous = match
    return found


def stem(word: str) -> str:
    """Return an English word without its ending, if at least four letters remain."""
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= SHORTEST_STEM:
            return word.removesuffix(suffix)
    return word


def _joined(first: str, second: str) -> Iterator[str]:
    """Yield the term that two adjacent words form, if they have the same script."""
    if _is_korean(first) and _is_korean(second):
        yield first[-1] + second[0]
    elif not (_is_korean(first) or _is_korean(second) or {first, second} & STOP_WORDS):
        yield stem(first + second)


def _is_korean(word: str) -> bool:
    return "가" <= word[0] <= "힣"


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    for sign, words in SIGNS.items():
        text = text.replace(sign, words)
    return text
