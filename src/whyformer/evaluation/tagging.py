"""Scores of labelled words: accuracy over words and F1 over spans."""

from collections.abc import Iterable, Sequence

import numpy as np

from whyformer.evaluation.interval import RESAMPLES, SEED, Array, IntervalKind, interval_of
from whyformer.evaluation.metric import scored
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError
from whyformer.foundation.wording import counted

TAG_METRICS = ("accuracy", "span_f1")

Span = tuple[int, int, str]
"""A span: the index of its first word, the index after its last word, and its type."""


PREFIXES = frozenset("BIESLU")
SAME = {"L": "E", "U": "S"}
"""BILOU marks the last word with L and a single word with U; IOBES uses E and S."""


def scheme_of(sentences: Iterable[Sequence[str]]) -> str | None:
    """Return the scheme in which labels mark spans; None if the labels do not mark spans.

    All labels must be O or a prefix and a type, such as B-PER. The prefixes determine the scheme:
    BILOU, IOBES (also called BIOES), IOB2 (also called BIO), IOB1, IOE1 or IOE2. IOB1 uses B
    only where two spans of the same type meet, and IOE1 uses E only there. `IOB` is a mixture of
    IOB1 and IOB2; `IOE` is a mixture of IOE1 and IOE2.

    >>> scheme_of([["B-PER", "I-PER", "O"]]), scheme_of([["I-PER", "O"]]), scheme_of([["NOUN"]])
    ('IOB2', 'IOB1', None)
    """
    prefixes: set[str] = set()
    fits = {"IOB1": True, "IOB2": True, "IOE1": True, "IOE2": True}
    for labels in sentences:
        read = [label.partition("-") for label in labels]
        if any(
            label != "O" and (how not in PREFIXES or not kind)
            for label, (how, _, kind) in zip(labels, read, strict=True)
        ):
            return None
        before, before_kind = "O", ""
        for how, _, kind in [*read, ("O", "", "")]:
            same = before != "O" and how != "O" and kind == before_kind
            fits["IOB1"] &= how != "B" or same
            fits["IOB2"] &= how != "I" or same
            fits["IOE1"] &= before != "E" or same
            fits["IOE2"] &= before != "I" or same
            before, before_kind = how, kind
            prefixes.add(how)
    return _scheme(prefixes - {"O"}, fits)


def _scheme(prefixes: set[str], fits: dict[str, bool]) -> str | None:
    if prefixes & {"L", "U"}:
        return None if prefixes & {"E", "S"} else "BILOU"
    if "S" in prefixes or {"B", "E"} <= prefixes:
        return "IOBES"
    family = "IOE" if "E" in prefixes else "IOB" if prefixes else None
    if family is None:
        return None
    return next((name for name in (f"{family}2", f"{family}1") if fits[name]), family)


def spans(labels: Sequence[str]) -> set[Span]:
    """Return the spans marked by labels, in any scheme of `scheme_of`.

    A span ends as its scheme requires, and before O or a label of another type. A label that does
    not continue a span starts a new one, so every sequence of labels is valid. The CoNLL-2000
    script conlleval and the default mode of seqeval have the same rules.

    >>> sorted(spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-PER"]))
    [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC'), (5, 6, 'PER')]
    """
    found: set[Span] = set()
    start, before, before_kind = 0, "O", ""
    for place, label in enumerate([*labels, "O"]):
        how, _, kind = label.partition("-")
        how = SAME.get(how, how) if how in PREFIXES else "O"
        if before != "O" and (before in "ES" or how in "BSO" or kind != before_kind):
            found.add((start, place, before_kind))
        if how in "BS" or before in "ESO" or kind != before_kind:
            start = place
        before, before_kind = how, kind
    return found


def score_tags(
    predicted: Sequence[Sequence[str]],
    wanted: Sequence[Sequence[str]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Score]:
    """Return the accuracy over words and, for labels that mark spans, the F1 over spans.

    A span is correct if both ends and its type are correct (Tjong Kim Sang and De Meulder 2003,
    §2.3). F1 is the micro average over all types. For the intervals, whole sentences are resampled.
    The signature names the scheme of the correct labels.
    Raises: DataError when there are no sentences, or the numbers of sentences or labels differ.

    >>> found = score_tags([["B-X", "O"], ["O"]], [["B-X", "I-X"], ["O"]], resamples=0)
    >>> [f"{score.name} {score.value:.1f}" for score in found]
    ['accuracy 66.7', 'span_f1 0.0']
    """
    if len(predicted) != len(wanted):
        raise DataError(
            "There must be labels for each sentence, but there are labels for "
            f"{counted(len(predicted), 'sentence')} and the file has {len(wanted):,}."
        )
    if not wanted:
        raise DataError("There must be at least one sentence to score, but the input is empty.")
    words, found = tag_statistics(predicted, wanted)
    parts = [("accuracy", share, words, "% of words, higher is better", IntervalKind.WILSON)]
    scheme = scheme_of(wanted)
    if scheme is not None:
        unit = "F1 of spans × 100, higher is better"
        parts.append(("span_f1", f1, found, unit, IntervalKind.BOOTSTRAP))
    scores = []
    for name, value, table, unit, kind in parts:
        interval = interval_of(kind, value, table, resamples=resamples, seed=seed)
        signature = f"{name}|scheme:{scheme}|mode:conlleval" if name == "span_f1" else name
        scores.append(scored(name, value(table.sum(0)), unit, signature, interval, len(table)))
    return scores


def tag_statistics(
    predicted: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]
) -> tuple[Array, Array]:
    """Return two tables with a row for each sentence.

    The first table has the numbers of correct labels and of words. The second table has the numbers
    of correct spans, predicted spans and reference spans.
    Raises: DataError if the number of predicted labels of a sentence is wrong.
    """
    words = np.zeros((len(wanted), 2))
    found = np.zeros((len(wanted), 3))
    for number, (labels, right) in enumerate(zip(predicted, wanted, strict=True)):
        if len(labels) != len(right):
            raise DataError(
                f"Sentence {number + 1} must have {counted(len(right), 'label')}, but it "
                f"has {len(labels)}."
            )
        words[number] = sum(a == b for a, b in zip(labels, right, strict=True)), len(right)
        mine, theirs = spans(labels), spans(right)
        found[number] = len(mine & theirs), len(mine), len(theirs)
    return words, found


def share(sums: Array) -> float:
    """Return the percentage of correct labels. Args: sums: numbers of correct labels and words."""
    return 100 * float(sums[0] / sums[1]) if sums[1] else 0.0


def f1(sums: Array) -> float:
    """Return F1 × 100. Args: sums: numbers of correct spans, predicted spans and reference
    spans."""
    right, mine, theirs = sums
    return 200 * float(right / (mine + theirs)) if mine + theirs else 0.0
