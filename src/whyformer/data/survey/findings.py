"""Select the findings that are worth acting on, and describe each of them in one sentence."""

from collections.abc import Iterator, Mapping

from whyformer.data.survey.characters import SCRIPTS
from whyformer.data.survey.profile import Kind
from whyformer.data.survey.reasons import Reason
from whyformer.foundation.wording import counted

FEW = 500
"""With fewer items than this, a model can hardly learn anything."""
NEAR = 0.02
"""If more than this fraction of the validation items is nearly equal to training items, the user is
warned."""
NOUNS = {
    Kind.PAIRS: "pair", Kind.LABELLED: "text", Kind.TAGGED: "sentence", Kind.TEXT: "line",
}  # fmt: skip
_SHARES: Mapping[Reason, float] = {
    Reason.SWAPPED: 0.01, Reason.SCRIPT: 0.02, Reason.LANGUAGE: 0.02, Reason.UNTRANSLATED: 0.02,
    Reason.LENGTH: 0.02, Reason.NUMBERS: 0.03, Reason.EMPTY: 0.05, Reason.CONTROL: 0.01,
    Reason.DUPLICATE: 0.1, Reason.HTML: 0.02, Reason.SEVERAL: 0.02,
}  # fmt: skip
"""A fault is reported if at least this fraction of the items has it. The most important faults come
first."""
_VERBS = {
    Reason.SWAPPED: "look swapped",
    Reason.SCRIPT: "have a side in the wrong script",
    Reason.LANGUAGE: "have both sides in the same language",
    Reason.UNTRANSLATED: "have a target that is a copy of the source",
    Reason.LENGTH: "have a target that is much too long or too short",
    Reason.NUMBERS: "have different numbers on both sides",
    Reason.EMPTY: "have an empty side",
    Reason.CONTROL: "have control or unreadable characters",
    Reason.DUPLICATE: "repeat an earlier one",
    Reason.HTML: "have HTML",
    Reason.SEVERAL: "have the same text as another one, but a different label",
}


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.1234), percent(0.00041), percent(0.99991), percent(1.0)
    ('12.3 %', '< 0.1 %', '> 99.9 %', '100 %')
    """
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    if value < 0.05:
        return "< 0.1 %"
    return "> 99.9 %" if value >= 99.95 else f"{value:.1f} %"


def important(kind: Kind, shares: Mapping[Reason, float]) -> Iterator[tuple[Reason, str]]:
    """Yield the faults that are frequent enough to act on, each with a sentence.

    Args: shares: for each reason, the fraction of the items that have it.
    """
    noun = NOUNS[kind]
    for reason, least in _SHARES.items():
        share = shares.get(reason, 0.0)
        if reason is Reason.SEVERAL and kind is Kind.PAIRS:
            continue  # a source may have several good targets
        if reason is Reason.HTML and kind is not Kind.PAIRS:
            least = 0.1
        if share >= least:
            yield reason, f"{percent(share)} of the {noun}s {_VERBS[reason]}"


def near_duplicates(near: int, of: int, noun: str, *, given: bool = False) -> str:
    """Return the sentence about validation items that are nearly equal to training items.

    Args: given: whether the user gave the validation data; if not, it is held out from the training
        data.
    """
    kind = "validation" if given else "held-out"
    return (
        f"{near:,} of {counted(of, f'{kind} {noun}')} {'is' if near == 1 else 'are'} also in the "
        "training data, if case, punctuation and spaces are ignored. Scores will be too good."
    )


def few(kind: Kind, count: int) -> str | None:
    """Return a sentence if there is too little data, otherwise None."""
    if count >= FEW or kind is Kind.TEXT:
        return None
    return (
        f"{counted(count, NOUNS[kind])} {'is' if count == 1 else 'are'} too few to learn from. "
        "Collect a few thousand."
    )


_SCRIPT_OF = {
    "Hangul": ("ko", "kor", "korean", "한국어", "한글", "국문"),
    "Han": ("zh", "zho", "chi", "chinese", "중국어"),
    "Hiragana": ("ja", "jpn", "japanese", "일본어"),
    "Latin": (
        "en", "eng", "english", "영어", "영문", "de", "deu", "ger", "german", "독일어", "fr",
        "fra", "fre", "french", "프랑스어", "es", "spa", "spanish", "스페인어", "it", "italian",
        "pt", "portuguese", "nl", "dutch", "pl", "polish", "cs", "czech", "sv", "swedish", "fi",
        "finnish", "tr", "turkish", "vi", "vietnamese", "베트남어", "hu", "hungarian",
    ),
    "Cyrillic": ("ru", "rus", "russian", "러시아어", "uk", "ukrainian", "bg", "bulgarian"),
    "Greek": ("el", "greek"), "Arabic": ("ar", "arabic", "fa", "persian"),
    "Hebrew": ("he", "hebrew"), "Thai": ("th", "thai"), "Devanagari": ("hi", "hindi"),
    "Georgian": ("ka", "georgian"),
}  # fmt: skip
"""For each script, names of languages that are written in it."""


def other_script(name: str, usual: frozenset[int]) -> str | None:
    """If the name of a column contains a language that is not written in the column's usual
    scripts, return these scripts in words; otherwise None.

    Args: name: plain name of the column. usual: numbers of the usual scripts of the column.
    """
    for script, names in _SCRIPT_OF.items():
        if any(part in names for part in name.split("_")):
            found = {SCRIPTS[one] for one in usual}
            if found and script not in found and not (script == "Hiragana" and "Han" in found):
                return " and ".join(sorted(found))
    return None
