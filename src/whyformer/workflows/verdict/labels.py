"""The verdicts on runs of the tasks `classify`, `regress` and `tag`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from whyformer.data.labelled import Example
from whyformer.evaluation.baselines.frequent_tags import FrequentTags
from whyformer.evaluation.baselines.linear import predicted_labels, predicted_numbers
from whyformer.evaluation.classification import (
    LABEL_METRICS,
    NUMBER_METRICS,
    moments,
    pearson,
    ranks,
)
from whyformer.evaluation.confusions import Confusions
from whyformer.evaluation.interval import Array, IntervalKind
from whyformer.evaluation.tagging import TAG_METRICS, f1, share, tag_statistics
from whyformer.evaluation.verdict import Measure, Verdict
from whyformer.foundation.errors import MissingExtraError
from whyformer.foundation.wording import counted
from whyformer.tasks.classification import Classification, Classifier, Regression, number
from whyformer.tasks.tagging import Tagger, Tagging
from whyformer.workflows.labelling import load_labeller
from whyformer.workflows.verdict.effort import answered, sampled
from whyformer.workflows.verdict.origin import SELECTED

CHARACTERS_PER_SECOND = 150_000
"""Characters per second of the linear model, on one slow core."""
MOST_SENTENCES = 50_000


def verdict_on_labels(task: Classification, run: Path, seconds: float) -> Verdict:
    """Score the run and a linear model on the held-out texts."""
    found = load_labeller(run)
    assert isinstance(found, Classifier)
    of_numbers = isinstance(task, Regression)
    predictions = answered(
        task.held_out,
        lambda part: found.classify([(one.first, one.second) for one in part]),
        seconds,
    )
    held_out = task.held_out[: len(predictions)]
    if of_numbers:
        mine: list[Any] = [one.number for one in predictions]
        method = "character n-grams and ridge regression"
    else:
        mine = [one.label for one in predictions]
        method = "character n-grams and logistic regression"
    usable = training_examples(task, held_out)
    train = sampled(usable, _most_examples(usable, seconds))
    texts, asked = [texts_of(one) for one in train], [texts_of(one) for one in held_out]
    notes = [SELECTED]
    if len(train) < len(usable):
        notes.append(
            f"The baseline uses {counted(len(train), 'training text')} of "
            f"{len(usable):,}, to limit its time."
        )
    theirs: list[Any] | None = None
    try:
        if of_numbers:
            theirs = predicted_numbers(texts, [number(one) for one in train], asked)
        else:
            theirs = predicted_labels(texts, [one.label for one in train], asked)
    except MissingExtraError as missing:
        notes.append(f"There is no baseline ({method}). {missing}")
    systems = [mine] if theirs is None else [mine, theirs]
    if of_numbers:
        name = task.metric if task.metric in NUMBER_METRICS else "pearson"
        measure, tables = of_number(name, systems, [number(one) for one in held_out])
    else:
        name = task.metric if task.metric in LABEL_METRICS else "accuracy"
        measure, tables = of_label(name, systems, [one.label for one in held_out])
    return verdict(measure, tables, "text", method, notes)


def verdict_on_tags(task: Tagging, run: Path, seconds: float) -> Verdict:
    """Score the run and the most frequent labels on the held-out sentences."""
    found = load_labeller(run)
    assert isinstance(found, Tagger)
    mine = answered(task.dev, lambda part: found.tag([one.words for one in part]), seconds)
    held_out = task.dev[: len(mine)]
    train = sampled(task.train, MOST_SENTENCES)
    tagger = FrequentTags([one.words for one in train], [one.labels for one in train])
    systems = [mine, tagger.tag([one.words for one in held_out])]
    name = task.metric if task.metric in TAG_METRICS else "accuracy"
    wanted = [one.labels for one in held_out]
    measure, tables = of_tags(name, systems, wanted)
    method = "the most frequent label of each word, and of each ending for new words"
    return verdict(measure, tables, "sentence", method, [SELECTED])


def verdict(
    measure: Measure, tables: Sequence[Array], items: str, method: str, notes: Sequence[str]
) -> Verdict:
    """Return the verdict on the statistics of the model and, if there is one, of the baseline."""
    mine, *theirs = tables
    return Verdict(
        measure.score(mine),
        measure.higher_is_better,
        items,
        method,
        measure.score(theirs[0]) if theirs else None,
        measure.compare(theirs[0], mine) if theirs else None,
        tuple(notes),
    )


def of_label(
    name: str, systems: Sequence[Sequence[str]], wanted: Sequence[str]
) -> tuple[Measure, list[Array]]:
    """Return a metric of labels, and the statistics of each system.

    For F1 and Matthews' coefficient, the statistics are counts of (right label, predicted label).
    """
    if name == "accuracy":
        measure = Measure(name, "% of lines, higher is better", True, share, IntervalKind.WILSON)
        rights = [np.array([a == b for a, b in zip(s, wanted, strict=True)]) for s in systems]
        return measure, [np.stack([one, np.ones(len(one))], 1).astype(float) for one in rights]
    labels = sorted({*wanted, *(label for one in systems for label in one)})
    place = {label: at for at, label in enumerate(labels)}
    right = np.array([place[one] for one in wanted])
    cells = [right * len(labels) + np.array([place[one] for one in s]) for s in systems]
    known = np.unique(np.concatenate(cells))

    def value(sums: Array) -> float:
        counts = Confusions(
            known // len(labels), known % len(labels), sums.astype(np.int64), len(labels)
        )
        return counts.f1() if name == "f1" else counts.matthews()

    unit = "% , mean of the classes' F1" if name == "f1" else "correlation × 100"
    measure = Measure(name, f"{unit}, higher is better", True, value)
    return measure, [(one[:, None] == known).astype(float) for one in cells]


def of_tags(
    name: str, systems: Sequence[Sequence[Sequence[str]]], wanted: Sequence[Sequence[str]]
) -> tuple[Measure, list[Array]]:
    """Return a metric of labelled words, and the statistics of each system by sentence."""
    spans = name == "span_f1"
    measure = Measure(
        name,
        "F1 of spans × 100, higher is better" if spans else "% of words, higher is better",
        True,
        f1 if spans else share,
        IntervalKind.BOOTSTRAP if spans else IntervalKind.WILSON,
    )
    return measure, [tag_statistics(one, wanted)[spans] for one in systems]


def of_number(
    name: str, systems: Sequence[Sequence[float]], wanted: Sequence[float]
) -> tuple[Measure, list[Array]]:
    """Return a metric of numbers, and the statistics of each system."""
    y = np.asarray(wanted, dtype=float)
    numbers = [np.asarray(one, dtype=float) for one in systems]
    if name == "mse":
        measure = Measure(
            name, "mean squared error, lower is better", False, lambda s: float(s[0] / s[1])
        )
        return measure, [np.stack([(one - y) ** 2, np.ones_like(y)], 1) for one in numbers]
    if name == "spearman":
        y, numbers = ranks(y), [ranks(one) for one in numbers]
    measure = Measure(name, "correlation × 100, higher is better", True, pearson)
    return measure, [moments(one, y) for one in numbers]


def texts_of(example: Example) -> tuple[str, str | None]:
    """Return the text, and the second text if there is one."""
    return example.first, example.second


def training_examples(task: Classification, held_out: Sequence[Example]) -> list[Example]:
    """Return the training examples without the texts of held-out examples."""
    without = {texts_of(one) for one in held_out}
    return [one for one in task.examples if texts_of(one) not in without]


def _most_examples(examples: Sequence[Example], seconds: float) -> int:
    """Return the number of examples that the linear model can read in the time."""
    characters = sum(len(one.first) + len(one.second or "") for one in examples)
    return max(100, int(len(examples) * seconds * CHARACTERS_PER_SECOND / max(1, characters)))
