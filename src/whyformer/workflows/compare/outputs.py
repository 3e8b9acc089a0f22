"""The outputs of a trained run on the test items, and the right answers."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from whyformer.data.documents import Documents, build_documents
from whyformer.data.labelled import Example
from whyformer.data.tagged import Tagged
from whyformer.evaluation.classification import LABEL_METRICS, NUMBER_METRICS
from whyformer.evaluation.interval import Array
from whyformer.evaluation.metric import METRICS, metric_named
from whyformer.evaluation.tagging import TAG_METRICS, scheme_of
from whyformer.evaluation.verdict import Measure
from whyformer.foundation.errors import ConfigError, UsageError
from whyformer.foundation.files import write_text
from whyformer.foundation.wording import either
from whyformer.tasks.classification import Classification, Classifier, Regression, number
from whyformer.tasks.language import Language
from whyformer.tasks.tagging import Tagger, Tagging
from whyformer.tasks.task import Task
from whyformer.tasks.text_data import read_documents
from whyformer.tasks.translation import Translation
from whyformer.text.normalization import normalize
from whyformer.workflows.engines import Engines
from whyformer.workflows.evaluate import read_items
from whyformer.workflows.labelling import labelled_items, load_labeller
from whyformer.workflows.reading_of_training import as_in_training
from whyformer.workflows.verdict.labels import of_label, of_number, of_tags
from whyformer.workflows.verdict.pairs import DEFAULT_METRIC
from whyformer.workflows.verdict.text import Nats, bits_per_character, held_out_rows, scale_of

WITH_TEST = {
    "translate": tuple(METRICS),
    "classify": tuple(LABEL_METRICS),
    "regress": tuple(NUMBER_METRICS),
    "tag": TAG_METRICS,
    "language": ("bits_per_character",),
}
"""The tasks that can be scored on a test file, with their metrics there."""


class Kind:
    """The kinds of outputs."""

    PAIRS, LABELS, NUMBERS, TAGS, NATS, SCORE = (
        "pairs", "labels", "numbers", "tags", "nats", "score",
    )  # fmt: skip


@dataclass(frozen=True)
class Outputs:
    """What one run answered.

    Args:
        kind: see `Kind`.
        metric: the metric that compares ``found`` with ``wanted``.
        higher_is_better: whether a higher score is better.
        wanted: the right answer of each item, or what it is a list of; the same for every run.
        found: the answer of the run to each item; for the kind `score`, the score of the
            validation.
        settings: settings of the metric.
    """

    kind: str
    metric: str
    higher_is_better: bool
    wanted: list[Any]
    found: list[Any]
    settings: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the outputs as JSON."""
        write_text(path, json.dumps(asdict(self), ensure_ascii=False))

    @staticmethod
    def read(path: Path) -> "Outputs":
        """Read outputs."""
        return Outputs(**json.loads(path.read_text(encoding="utf-8")))


def outputs_of(
    task: Task, run: Path, scores: dict[str, Any], metric: str | None, test: Path | None
) -> Outputs:
    """Return the outputs of the best weights of a run.

    Args:
        scores: the scores of the best validation.
        metric: a metric of the task; None means that of the recipe.
        test: a file of test items, such as pairs or labelled texts; None means the validation set
            of the run.
    Raises: UsageError, ConfigError for a metric that the task does not have.
    """
    if test is not None:
        refuse_test(task.recipe.task, metric)
    if isinstance(task, Translation):
        return _of_pairs(task, run, metric, test)
    if isinstance(task, Classification):
        return _of_labels(task, run, metric, test)
    if isinstance(task, Tagging) and metric in (None, *TAG_METRICS):
        return _of_tags(task, run, metric, test)
    if isinstance(task, Language) and metric in (None, "loss", "bits_per_character"):
        return _of_text(task, run, test)
    name = metric or task.metric
    if name not in scores:
        known = either([one for one in scores if one != "step"])
        raise ConfigError(f"The metric `{name}` is not one of the validation's: {known}.")
    return Outputs(Kind.SCORE, name, task.higher_is_better(name), [], [float(scores[name])])


def refuse_test(task: str, metric: str | None) -> None:
    """Refuse a test file where it could not be scored. Call it before anything is trained.

    Raises: UsageError
    """
    if task not in WITH_TEST:
        raise UsageError(
            f"`--test` is for the tasks {either(list(WITH_TEST))}, but the task is {task}. Leave "
            "it out: the validation set is used."
        )
    known = WITH_TEST[task]
    if metric is not None and metric not in known:
        raise UsageError(
            f"With `--test`, the metric of the task {task} can be {either(list(known))}, but it is "
            f"{metric}. Choose one of them, or leave --test out."
        )


def _of_pairs(task: Translation, run: Path, metric: str | None, test: Path | None) -> Outputs:
    name = metric or (task.metric if task.metric in METRICS else DEFAULT_METRIC)
    lowercase = task.recipe.text.lowers_target
    measure = metric_named(name, lowercase=lowercase)
    if test is None:
        sources = [item.source for item in task.data.dev]
        references = [list(item.references) for item in task.data.dev]
    else:
        sources, references = read_items(test, run=run)
    chosen = Engines([run]).choose({})
    answers = chosen.translator.translate(sources, chosen.settings)
    return Outputs(
        Kind.PAIRS,
        name,
        measure.higher_is_better,
        [[normalize(one) for one in some] for some in references],
        [normalize(answer.text) for answer in answers],
        {"lowercase": lowercase},
    )


def _of_labels(task: Classification, run: Path, metric: str | None, test: Path | None) -> Outputs:
    labeller = load_labeller(run)
    assert isinstance(labeller, Classifier)
    items = task.held_out if test is None else labelled_items(labeller, run, test)
    examples = [one for one in items if isinstance(one, Example)]
    predictions = labeller.classify([(one.first, one.second) for one in examples])
    if isinstance(task, Regression):
        name = metric or (task.metric if task.metric in NUMBER_METRICS else "pearson")
        known, wanted = NUMBER_METRICS, [number(one) for one in examples]
        found: list[Any] = [one.number for one in predictions]
    else:
        name = metric or (task.metric if task.metric in LABEL_METRICS else "accuracy")
        known, wanted = LABEL_METRICS, [one.label for one in examples]
        found = [one.label for one in predictions]
    if name not in known:
        raise ConfigError(f"The metric `{name}` is not one of this task's: {either(list(known))}.")
    kind = Kind.NUMBERS if isinstance(task, Regression) else Kind.LABELS
    return Outputs(kind, name, name != "mse", list(wanted), found)


def _of_tags(task: Tagging, run: Path, metric: str | None, test: Path | None) -> Outputs:
    labeller = load_labeller(run)
    assert isinstance(labeller, Tagger)
    items = task.dev if test is None else labelled_items(labeller, run, test)
    sentences = [one for one in items if isinstance(one, Tagged)]
    wanted = [list(one.labels) for one in sentences]
    name = metric or (task.metric if task.metric in TAG_METRICS else "accuracy")
    if name == "span_f1" and scheme_of(wanted) is None:
        raise ConfigError(
            "The metric `span_f1` needs labels that mark spans, such as B-PER and I-PER, but the "
            "labels of the test items do not. Use --metric accuracy."
        )
    found = labeller.tag([one.words for one in sentences])
    return Outputs(Kind.TAGS, name, True, wanted, [list(labels) for labels in found])


def _of_text(task: Language, run: Path, test: Path | None) -> Outputs:
    with tempfile.TemporaryDirectory() as scratch:
        documents = task.dev if test is None else _documents(task, run, test, Path(scratch))
        rows = held_out_rows(task, documents)
        tokens = [sum(end - start for start, end in row) for row in rows]
        nats = Nats(run, documents).of_rows(rows)
        scale = {"scale": scale_of(documents)}
    return Outputs(Kind.NATS, "bits_per_character", False, tokens, nats, scale)


def _documents(task: Language, run: Path, test: Path, scratch: Path) -> Documents:
    data = task.recipe.data
    made = read_documents(str(test), data.documents, reading=as_in_training(run, test, None))
    return build_documents(made, task.tokenizer, scratch / "text", key=str(test))


def statistics(outputs: Sequence[Outputs]) -> tuple[Measure, list[Array]] | None:
    """Return a metric, and the statistics of each item for each run; None without items.

    The items of all runs must be the same. For a language model, they are not if the arms divide
    the text into different tokens.
    """
    first = outputs[0]
    if first.kind == Kind.SCORE or any(one.wanted != first.wanted for one in outputs):
        return None
    systems = [one.found for one in outputs]
    if first.kind == Kind.LABELS:
        return of_label(first.metric, systems, first.wanted)
    if first.kind == Kind.NUMBERS:
        return of_number(first.metric, systems, first.wanted)
    if first.kind == Kind.TAGS:
        return of_tags(first.metric, systems, first.wanted)
    if first.kind == Kind.NATS:
        tokens = np.array(first.wanted, dtype=float)
        measure = bits_per_character(first.settings["scale"])
        return measure, [np.stack([np.array(one), tokens], 1) for one in systems]
    metric = metric_named(first.metric, **first.settings)
    measure = Measure(metric.name, metric.unit, metric.higher_is_better, metric.value)
    return measure, [metric.statistics(one, first.wanted) for one in systems]


def score_of(one: Outputs) -> float:
    """Return the score of a run on all items."""
    if one.kind == Kind.SCORE:
        return one.found[0]
    found = statistics([one])
    assert found is not None
    measure, (table,) = found
    return measure.value(table.sum(0))
