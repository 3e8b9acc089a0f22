"""Texts for the user about the validation set: its origin, its overlap with the training data, and
its size."""

from collections.abc import Iterator

from whyformer.data.held_out import FEW, Overlap
from whyformer.foundation.wording import counted
from whyformer.tasks.task import Caution

NATURAL = 0.05
"""Two separate texts normally have at most this fraction of their lines in common."""


def overlap_fact(overlap: Overlap | None, noun: str, answer: str) -> str:
    """Return the end of the line about the validation set: whether its items are also in the
    training data.

    Args:
        overlap: counts of validation items that are also in the training data; None if the
            validation set was held out of the training data.
        noun: name of an input, such as "source".
        answer: name of its expected output, such as "target".
    """
    if overlap is None:
        return ", held out of the training data"
    if not overlap.inputs:
        return "; none of them is in the training data"
    return Caution(
        f"; warning: {also_trained_on(overlap, noun)} ({overlap.examples:,} with the same "
        f"{answer}), so scores are too good"
    )


def overlap_of_lines(overlap: Overlap | None) -> str:
    """Return the text about overlap for a validation text whose lines were compared with the
    training text."""
    if overlap is None or not overlap.inputs:
        return overlap_fact(overlap, "line", "")
    also = also_trained_on(overlap, "line")
    if overlap.inputs <= NATURAL * overlap.of:
        return f"; {also}"
    return Caution(f"; warning: {also}, so scores are too good")


def also_trained_on(overlap: Overlap, noun: str) -> str:
    """Return a text such as "2 of 60 different texts are also in the training data"."""
    verb = "is" if overlap.inputs == 1 else "are"
    whole = counted(overlap.of, f"different {noun}")
    return f"{overlap.inputs:,} of {whole} {verb} also in the training data"


def few_fact(count: int, noun: str, *, separate: bool) -> Iterator[str]:
    """Yield a warning when a validation set is too small.

    Args:
        count: number of validation examples.
        noun: name of an example, such as "pair".
        separate: whether the validation set was given separately. Otherwise, the set was held out
            of the training data.
    """
    if count < FEW:
        advice = f"give more {noun}s or a validation set with --dev"
        if separate:
            advice = "use a larger validation set"
        examples = counted(count, noun)
        yield Caution(f"            warning: scores on {examples} are unreliable; {advice}")
