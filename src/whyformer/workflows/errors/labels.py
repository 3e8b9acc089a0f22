"""The error reports of runs of the tasks `classify`, `regress` and `tag`."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whyformer.data.labelled import Example
from whyformer.data.tagged import Tagged
from whyformer.evaluation.calibration import Curve, curve
from whyformer.evaluation.score import Score
from whyformer.tasks.classification import (
    Classification,
    Classifier,
    Prediction,
    Regression,
    number,
)
from whyformer.tasks.tagging import Tagger, Tagging
from whyformer.workflows.errors.pairs import counted_kinds
from whyformer.workflows.errors.report import (
    SHOWN_CONTRADICTIONS,
    ErrorReport,
    Mistake,
    most_common,
)
from whyformer.workflows.errors.training import TrainingItems
from whyformer.workflows.labelling import load_labeller

BETWEEN = " | "
"""Text between the two texts of a pair."""


def errors_of_labels(
    task: Classification, run: Path, items: Sequence[Example], where: str, count: int
) -> ErrorReport:
    """Label the texts with the run, and describe the wrong labels or numbers; the most confident
    labels and the largest errors are first."""
    found = load_labeller(run)
    assert isinstance(found, Classifier)
    predictions = found.classify([(one.first, one.second) for one in items])
    if isinstance(task, Regression):
        judged = _judged_numbers(items, predictions, task.deviation)
    else:
        judged = _judged_labels(items, predictions)
    training = TrainingItems((text_of(one), task.answer_of(one)) for one in task.examples)
    kinds = [training.sources.kinds(text_of(one)) for one in items]
    return _report(
        run,
        where,
        kinds,
        judged.worst,
        training,
        Counter((items[n].label, predictions[n].label) for n in judged.worst)
        if task.classes
        else Counter(),
        scores=found.evaluate(items),
        mistakes=tuple(
            Mistake(
                n + 1,
                text_of(items[n]),
                predictions[n].label,
                items[n].label,
                judged.rates[n],
                judged.sure[n] if judged.sure else None,
                tuple(kinds[n]),
                training.neighbours(text_of(items[n])),
            )
            for n in judged.worst[:count]
        ),
        calibration=judged.calibration,
        notes=judged.notes,
    )


@dataclass(frozen=True)
class _Judged:
    """Which predictions are wrong.

    Args:
        worst: indices of the wrong predictions, the worst first.
        rates: the size of each error; see `Mistake`.
        sure: the probability of each prediction; empty for numbers.
    """

    worst: list[int]
    rates: list[float]
    sure: list[float] = field(default_factory=list)
    calibration: Curve | None = None
    notes: tuple[str, ...] = ()


def _judged_labels(items: Sequence[Example], predictions: Sequence[Prediction]) -> _Judged:
    sure = [max(one.probabilities.values()) for one in predictions]
    right = [p.label == one.label for p, one in zip(predictions, items, strict=True)]
    worst = sorted((n for n, fits in enumerate(right) if not fits), key=lambda n: -sure[n])
    return _Judged(worst, [float(not fits) for fits in right], sure, curve(sure, right))


def _judged_numbers(
    items: Sequence[Example], predictions: Sequence[Prediction], deviation: float
) -> _Judged:
    """Compare numbers. A number counts as wrong if its error is larger than the standard deviation
    of the training numbers, which is the typical error of an answer that ignores the text."""
    rates = [
        abs((p.number or 0.0) - number(one)) / deviation
        for p, one in zip(predictions, items, strict=True)
    ]
    worst = sorted((n for n, rate in enumerate(rates) if rate > 1), key=lambda n: -rates[n])
    note = (
        f"A number counts as wrong if its error is larger than {deviation:.3g}, the standard "
        "deviation of the numbers in the training data."
    )
    return _Judged(worst, rates, notes=(note,))


def errors_of_tags(
    task: Tagging, run: Path, items: Sequence[Tagged], where: str, count: int
) -> ErrorReport:
    """Label the words with the run, and describe the sentences with wrong labels."""
    found = load_labeller(run)
    assert isinstance(found, Tagger)
    labelled = found.tag_with_probabilities([one.words for one in items])
    answers = [[label for label, _ in words] for words in labelled]
    sure = [[probability for _, probability in words] for words in labelled]
    training = TrainingItems((" ".join(one.words), " ".join(one.labels)) for one in task.train)
    known = {word for one in task.train for word in one.words}
    faults = [
        [place for place, (a, b) in enumerate(zip(answer, one.labels, strict=True)) if a != b]
        for answer, one in zip(answers, items, strict=True)
    ]
    wrong = [n for n, places in enumerate(faults) if places]
    kinds: list[list[str]] = []
    for one, places in zip(items, faults, strict=True):
        new = any(one.words[place] not in known for place in places)
        of_text = training.sources.kinds(" ".join(one.words))
        kinds.append([*of_text, *(["wrong label of a new word"] if new else [])])
    confused = Counter(
        (items[n].labels[place], answers[n][place]) for n in wrong for place in faults[n]
    )
    worst = sorted(wrong, key=lambda n: (-len(faults[n]) / len(items[n].words), n))
    return _report(
        run,
        where,
        kinds,
        wrong,
        training,
        confused,
        scores=found.evaluate(items),
        mistakes=tuple(
            Mistake(
                n + 1,
                " ".join(items[n].words),
                " ".join(answers[n]),
                " ".join(items[n].labels),
                len(faults[n]) / len(items[n].words),
                math.prod(sure[n]),
                tuple(kinds[n]),
                training.neighbours(" ".join(items[n].words)),
            )
            for n in worst[:count]
        ),
        calibration=curve(
            [one for words in sure for one in words],
            [
                answer == right
                for n, one in enumerate(items)
                for answer, right in zip(answers[n], one.labels, strict=True)
            ],
        ),
    )


def _report(
    run: Path,
    where: str,
    kinds: Sequence[Sequence[str]],
    wrong: Sequence[int],
    training: TrainingItems,
    confused: Counter[tuple[str, str]],
    *,
    scores: Sequence[Score],
    mistakes: tuple[Mistake, ...],
    calibration: Curve | None,
    notes: tuple[str, ...] = (),
) -> ErrorReport:
    """Return the report on labels.

    Args:
        kinds: the kinds of each item.
        wrong: indices of the items with wrong answers.
        confused: number of times that (right label, answer) occurred.
    """
    contradictions = training.contradictions()
    return ErrorReport(
        run=str(run),
        where=where,
        unit="label",
        items=len(kinds),
        wrong=len(wrong),
        scores=tuple(scores),
        kinds=counted_kinds(kinds, wrong),
        confusions=most_common(list(confused.items())),
        mistakes=mistakes,
        contradictory=len(contradictions),
        contradictions=tuple(contradictions[:SHOWN_CONTRADICTIONS]),
        curve=calibration,
        notes=notes,
    )


def text_of(example: Example) -> str:
    """Return the text, or both texts, of an example."""
    return example.first if example.second is None else example.first + BETWEEN + example.second
