"""Split a line into sentences with rules, for languages with or without upper case.

The rules are those of the splitters of Moses and Europarl (Koehn 2005): split after an end mark and
a space before something that can start a sentence, but not after an abbreviation. There is one
short list of abbreviations for German and English. Korean, Chinese and Japanese need no list.
"""

import re

# An end mark must include the first character of a run of marks. Otherwise, a long run would take
# quadratic time.
END = re.compile(
    r"""
    (?P<mark> (?<!\.)\.{3,} | … | (?<![.!?])[.!?]+ | (?<![。！？｡])[。！？｡]+ )
    (?P<close> ["'”’»)\]」』]* )
    (?P<gap> \s+ | (?<=[。！？｡」』]) )      # a full-width mark needs no space
    (?= (?P<next> ["'“‘«(\[「『¿¡]* \w ) )
    """,
    re.VERBOSE,
)
_ABBREVIATIONS = """
adj adm al apr aug bd bldg bros bsp bzw ca capt cf cmdr co col comdr corp dec dept dez dipl dr
ed eds eg etc ev evtl feb ft gen ggf gov hon hr hrn hrsg ie inc ing jan jr jul jun km lt ltd maj
mar max messrs mgr min mio mlle mm mme mr mrd mrs ms mt nov okt oct pfc prof pvt rep rev sen
sep sept sgt sog sr st str tel univ usw vgl vs zb
"""
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())
"""Abbreviations that end with a full stop, in lower case."""
BEFORE_NUMBERS = {"art", "fig", "figs", "no", "nr", "op", "p", "pp", "vol", "s", "ch", "eq"}
"""Words that are abbreviations only before a number."""
QUOTES = frozenset("\"'”’»」』")
INK = re.compile(r"\S")
BEFORE_WORDS = frozenset("([\"'“‘«")
"""Opening quotes and brackets, which are not part of the word after them."""


def sentences(text: str) -> list[str]:
    """Return the sentences of a line; a line of one sentence is returned unchanged.

    Only the whitespace between sentences is removed.

    >>> sentences("Dr. Kim paid 3.50 euros. Why? He had to.")
    ['Dr. Kim paid 3.50 euros.', 'Why?', 'He had to.']
    >>> sentences("비가 옵니다. 우산이 있나요?")
    ['비가 옵니다.', '우산이 있나요?']
    """
    cased = any(letter.isupper() for letter in text)
    found: list[str] = []
    start = 0
    for end in END.finditer(text):
        quoted = bool(set(end["close"]) & QUOTES)
        if not INK.search(text, start, end.start()):
            continue  # nothing but spaces before the mark
        last, following = _last_word(text, start, end.start()), end["next"][-1]
        if _is_boundary(last, end["mark"], following, cased=cased, quoted=quoted):
            found.append(text[start : end.start("gap")])
            start = end.end("gap")
    return [*found, text[start:]]


def _last_word(text: str, start: int, end: int) -> str:
    """Return the last word before ``end``: the text after the last space, opening quote or
    bracket."""
    begin = end
    while begin > start and not (text[begin - 1].isspace() or text[begin - 1] in BEFORE_WORDS):
        begin -= 1
    return text[begin:end]


def _is_boundary(last: str, mark: str, following: str, *, cased: bool, quoted: bool) -> bool:
    """Return whether an end mark ends a sentence.

    Args:
        last: the word before the mark.
        following: the first letter or digit after the mark.
        cased: whether the line contains upper-case letters; then no sentence starts in lower case.
        quoted: whether the mark ends a quotation; the sentence may continue after it.
    """
    if cased and following.islower():
        return False
    if quoted or mark == "…" or mark.startswith("..."):  # needs an upper-case letter
        return following.isupper()
    if mark != ".":
        return True
    plain = last.lower().replace(".", "")
    shortened = plain in ABBREVIATIONS or (plain in BEFORE_NUMBERS and following.isdigit())
    initials = re.fullmatch(r"(?:[^\W\d_]\.)*[^\W\d_]", last) is not None and last.isascii()
    ordinal = re.fullmatch(r"\d{1,2}", last) is not None
    return not (shortened or initials or ordinal)
