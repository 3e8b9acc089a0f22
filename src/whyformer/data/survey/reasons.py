"""The possible faults of a line, and which of them are reasons to leave the line out."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from whyformer.data.survey.profile import Kind


class Reason(StrEnum):
    """A fault of a line; the most certain faults come first. The value of each member is the name
    of the fault for `--keep`."""

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
"""For each kind of data, the faults that are searched for. Swapped pairs are not left out; instead,
their sides are exchanged."""


def dropped_by_default(kind: Kind, *, given_validation: bool) -> frozenset[Reason]:
    """Return the faults for which a line is left out by default.

    A suspicious line is kept: a source with several targets, HTML on both sides, or identical
    sides.
    Args: given_validation: whether the user gave validation data. Only then, lines that are also in
        the validation data are left out.
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
    Reason.LENGTH: "unusual length ratio",
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
    """Return the description of a reason for the user."""
    if kind is Kind.TEXT and reason in _OF_TEXT:
        return _OF_TEXT[reason]
    return WORDS[reason] if kind is Kind.PAIRS else _OF_TEXTS.get(reason, WORDS[reason])
