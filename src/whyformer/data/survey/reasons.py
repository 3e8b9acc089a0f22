"""What can be wrong with a line, and which lines are left out for it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from whyformer.data.survey.profile import Kind


class Reason(StrEnum):
    """What is wrong with a line, the most certain first. The values are those of `--keep`."""

    EMPTY = "empty"
    HEADER = "header"
    CONTROL = "control"
    DUPLICATE = "duplicate"
    UNTRANSLATED = "untranslated"
    SCRIPT = "script"
    LANGUAGE = "language"
    LENGTH = "length"
    NUMBERS = "numbers"
    HTML = "html"
    VALIDATION = "validation"
    SEVERAL = "several"
    HTML_BOTH = "html-both"
    IDENTICAL = "identical"
    SWAPPED = "swapped"

    @property
    def bit(self) -> int:
        """The bit of this reason in `Judgement.flags`."""
        return 1 << ORDER[self]


ORDER = {reason: number for number, reason in enumerate(Reason)}

_ALWAYS = (Reason.EMPTY, Reason.HEADER, Reason.CONTROL, Reason.DUPLICATE)
_DROPPED: Mapping[Kind, Iterable[Reason]] = {
    Kind.PAIRS: (
        *_ALWAYS, Reason.UNTRANSLATED, Reason.SCRIPT, Reason.LANGUAGE, Reason.LENGTH,
        Reason.NUMBERS, Reason.HTML,
    ),
    Kind.LABELLED: _ALWAYS,
    Kind.TAGGED: _ALWAYS,
    Kind.TEXT: (Reason.CONTROL,),
}  # fmt: skip
POSSIBLE: Mapping[Kind, tuple[Reason, ...]] = {
    Kind.PAIRS: tuple(Reason),
    Kind.LABELLED: (*_ALWAYS, Reason.HTML, Reason.VALIDATION, Reason.SEVERAL),
    Kind.TAGGED: (
        Reason.EMPTY, Reason.CONTROL, Reason.DUPLICATE, Reason.HTML, Reason.VALIDATION,
        Reason.SEVERAL,
    ),
    Kind.TEXT: (Reason.CONTROL, Reason.DUPLICATE, Reason.HTML, Reason.VALIDATION),
}  # fmt: skip
"""The reasons that are looked for. Swapped pairs are not left out: their sides are exchanged."""


def dropped_by_default(kind: Kind, *, given_validation: bool) -> frozenset[Reason]:
    """Return the reasons for which a line is left out.

    A line that is only suspicious stays: several targets, HTML on both sides, identical sides.
    Args: given_validation: whether validation data was given; lines that are also in it are left
        out.
    """
    more = (Reason.VALIDATION,) if given_validation and kind is not Kind.TEXT else ()
    return frozenset((*_DROPPED[kind], *more))


WORDS = {
    Reason.EMPTY: "a side is empty",
    Reason.HEADER: "a header line inside the data",
    Reason.CONTROL: "control or unreadable characters",
    Reason.DUPLICATE: "repeats an earlier line",
    Reason.SWAPPED: "source and target are swapped",
    Reason.UNTRANSLATED: "target is a copy of the source",
    Reason.SCRIPT: "a side is in the wrong script",
    Reason.LANGUAGE: "both sides are in the same language",
    Reason.LENGTH: "the lengths do not fit",
    Reason.NUMBERS: "the numbers differ",
    Reason.HTML: "HTML on one side only",
    Reason.VALIDATION: "nearly equal to a validation source",
    Reason.SEVERAL: "the source has several targets",
    Reason.HTML_BOTH: "HTML on both sides",
    Reason.IDENTICAL: "source and target are identical",
}
_OF_TEXTS = {
    Reason.EMPTY: "the text or its label is empty",
    Reason.HTML: "HTML",
    Reason.VALIDATION: "nearly equal to a validation text",
    Reason.SEVERAL: "the same text has different labels",
}
_OF_TEXT = {Reason.DUPLICATE: "a long line that repeats an earlier one"}


def words(reason: Reason, kind: Kind) -> str:
    """Return the words for a reason."""
    if kind is Kind.TEXT and reason in _OF_TEXT:
        return _OF_TEXT[reason]
    return WORDS[reason] if kind is Kind.PAIRS else _OF_TEXTS.get(reason, WORDS[reason])
