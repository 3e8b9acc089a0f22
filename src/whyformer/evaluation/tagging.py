"""How well the words of sentences were labelled: words that are right, and spans that are."""

from collections.abc import Iterable, Sequence

import numpy as np

from whyformer.evaluation.interval import RESAMPLES, SEED, Array, IntervalKind, interval_of
from whyformer.evaluation.metric import scored
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError

TAG_METRICS = ("accuracy", "span_f1")

Span = tuple[int, int, str]
"""First word, the word after the last, and the type."""


def marks_spans(labels: Iterable[str]) -> bool:
    """Say whether labels mark spans: each is O, or begins with B- or I-, and not all are O."""
    found = set(labels)
    return bool(found - {"O"}) and all(one == "O" or one[:2] in ("B-", "I-") for one in found)


def spans(labels: Sequence[str]) -> set[Span]:
    """Return the spans that labels in BIO form mark.

    B- begins a span and I- of the same type goes on with it. An I- that continues nothing begins a
    span as well, as in the CoNLL-2000 script conlleval, so that every labelling means something.

    >>> sorted(spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-PER"]))
    [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC'), (5, 6, 'PER')]
    """
    found: set[Span] = set()
    start, kind = 0, ""
    for place, label in enumerate([*labels, "O"]):
        how, _, now = label.partition("-")
        goes_on = how == "I" and kind != "" and now == kind
        if not goes_on:
            if kind:
                found.add((start, place, kind))
            start, kind = place, now if how in ("B", "I") else ""
    return found


def score_tags(
    predicted: Sequence[Sequence[str]],
    wanted: Sequence[Sequence[str]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Score]:
    """Return how many percent of words are right and, for labels in BIO form, the F1 of spans.

    A span is right when its ends and its type are (Tjong Kim Sang and De Meulder 2003, §2.3); F1 is
    over all spans of all types together. Intervals resample whole sentences.
    Raises: DataError when there is nothing to score or the lengths differ.

    >>> found = score_tags([["B-X", "O"], ["O"]], [["B-X", "I-X"], ["O"]], resamples=0)
    >>> [f"{score.name} {score.value:.1f}" for score in found]
    ['accuracy 66.7', 'span_f1 0.0']
    """
    if len(predicted) != len(wanted):
        raise DataError(
            f"Every sentence must have its labels, but {len(predicted)} sentences were labelled "
            f"and {len(wanted)} were given."
        )
    if not wanted:
        raise DataError("There must be at least one sentence to score, but the input is empty.")
    words = np.zeros((len(wanted), 2))
    found = np.zeros((len(wanted), 3))
    for number, (said, right) in enumerate(zip(predicted, wanted, strict=True)):
        if len(said) != len(right):
            raise DataError(
                f"Sentence {number + 1} must have {len(right)} labels, but it has {len(said)}."
            )
        words[number] = sum(a == b for a, b in zip(said, right, strict=True)), len(right)
        mine, theirs = spans(said), spans(right)
        found[number] = len(mine & theirs), len(mine), len(theirs)
    parts = [("accuracy", _share, words, "% of words, higher is better", IntervalKind.WILSON)]
    if marks_spans(label for right in wanted for label in right):
        unit = "F1 of spans × 100, higher is better"
        parts.append(("span_f1", f1, found, unit, IntervalKind.BOOTSTRAP))
    scores = []
    for name, value, table, unit, kind in parts:
        interval = interval_of(kind, value, table, resamples=resamples, seed=seed)
        scores.append(scored(name, value(table.sum(0)), unit, name, interval, len(table)))
    return scores


def _share(sums: Array) -> float:
    return 100 * float(sums[0] / sums[1]) if sums[1] else 0.0


def f1(sums: Array) -> float:
    """Return F1 × 100. Args: sums: spans found and right, found, wanted."""
    right, mine, theirs = sums
    return 200 * float(right / (mine + theirs)) if mine + theirs else 0.0
