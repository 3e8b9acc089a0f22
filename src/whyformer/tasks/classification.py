"""The tasks `classify` and `regress`: predict a label or a number for a text or a text pair."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.labelled import (
    Example,
    LabelledBatch,
    LabelledRows,
    cut,
    example_roles,
    read_examples,
)
from whyformer.data.survey.profile import Kind
from whyformer.decoding.expected import Expected
from whyformer.evaluation.classification import (
    LABEL_METRICS,
    NUMBER_METRICS,
    score_labels,
    score_numbers,
)
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError, refuse_mixed
from whyformer.models.bert import BERT, AnswerOf
from whyformer.models.build import Model
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import TASKS, ItemForm
from whyformer.tasks.files_facts import files_facts
from whyformer.tasks.fine_tuning import (
    LabelledTask,
    label_loss,
    listed,
    own_tokenizer,
    read_split,
    remembered_columns,
    rows_facts,
    shape_of,
)
from whyformer.tasks.survey_facts import (
    amount_finding,
    held_out_finding,
    label_findings,
    unknown_finding,
)
from whyformer.tasks.task import Progress, batches_on_device, evaluation_mode, with_end
from whyformer.tasks.validation_facts import few_fact, overlap_fact
from whyformer.text.normalization import normalize
from whyformer.text.tokenizer import Tokenizer
from whyformer.training.distillation import Outputs
from whyformer.training.loss import Loss

EVALUATED_TOGETHER = 1024
"""Number of texts that an evaluation classifies at once. A larger number would need more memory for
the probabilities."""
LARGEST_NUMBER = 1e30
"""Maximum absolute value of a label of a regression. The square of a label must be finite in
float32."""


@TASKS.register("classify")
class Classification(LabelledTask):
    """The task of predicting the label of a text or of a pair of texts."""

    default_recipe = "classify"
    items = ItemForm.LABELLED_TEXTS
    reads = LabelledTask.reads | {
        "data.second", "text.keep_spaces", "model.pooling", "model.character_ngrams",
        "model.character_ngram_rows", "model.character_ngram_dropout",
    }  # fmt: skip
    unit, loss_unit = "texts", "nats per text"
    numeric: ClassVar[bool] = False
    """Whether the labels of this task are numbers."""
    metrics: ClassVar[Mapping[str, bool]] = {"loss": False, **dict.fromkeys(LABEL_METRICS, True)}

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        super().__init__(recipe, run, progress)
        data = recipe.data
        columns: dict[str, Any] = {
            "text": data.source, "second": data.second, "label": data.target,
            "reading": data.reading, "number": self.numeric,
        }  # fmt: skip
        self.expected = Expected(keep_spaces=recipe.text.keep_spaces)

        def trimmed(one: Example) -> Example:
            trim = self.expected.trimmed
            return one._replace(first=trim(one.first), second=one.second and trim(one.second))

        found = read_split(
            recipe,
            self.given,
            lambda path: map(trimmed, read_examples(path, **columns)),
            lambda one: f"{one.first}/{one.second or ''}",
            self.labels_of,
            self.answer_of,
        )
        train, dev = found.train, found.dev
        self.files = [example_roles(path, **columns) for path in (*data.train, *data.dev)]
        self.columns = remembered_columns(self.files[0])
        self.dropped, self.overlap = found.dropped, found.overlap
        self.classes = self.classes_of(train)
        self.places = {label: place for place, label in enumerate(self.classes)}
        texts = chain.from_iterable((one.first, one.second or "") for one in train)
        self.tokenizer = own_tokenizer(recipe, self.given, self.key, texts, run / "tokenizers")
        self.shape = shape_of(recipe, max(1, len(self.classes)), AnswerOf.TEXT)
        self.batches = self.rows = self._rows(train)
        self.dev = self._rows(dev)
        self.fingerprint = self.rows.fingerprint
        self.examples, self.held_out = train, dev
        self.mean, self.deviation = _spread([float(self.target_of(one)) for one in train])

    @property
    def validation_items(self) -> int:
        """The number of items in the validation set; see `Task.validation_items`."""
        return len(self.held_out)

    def labels_of(self, example: Example) -> Sequence[str]:
        """For an example, return the labels that must occur both in training and in validation
        data. If the label is a number, the result is empty."""
        return (example.label,)

    def answer_of(self, example: Example) -> str:
        """Return the expected output as text; "" if the example has no label."""
        return example.label

    def classes_of(self, train: Sequence[Example]) -> list[str]:
        """Return all labels, in the order of the model's outputs. For numbers, the result is
        empty."""
        classes = sorted({example.label for example in train})
        if len(classes) < 2:
            raise DataError(
                "The data must have at least two different labels, but all labels are "
                f"`{classes[0]}`. Check which column contains the label."
            )
        return classes

    def target_of(self, example: Example) -> int | float:
        """Return the expected output as a number: the index of the example's label in `classes`."""
        place = self.places.get(example.label)
        if place is None:
            raise DataError(
                f"{example.place}: the label `{example.label}` of the validation set must "
                f"occur in the training data. Known: {listed(self.classes)}."
            )
        return place

    def data_facts(self) -> Iterator[str]:
        """Yield the lines about the data; see `LabelledTask.data_facts`."""
        size = len(self.tokenizer)
        yield from files_facts(self.files)
        yield rows_facts("texts", self.rows, f"{len(self.rows):,}", size)
        yield from unknown_finding(self.rows.unknown, int(self.rows.lengths.sum()))
        count, start_from = len(self.examples), self.recipe.start_from
        yield from amount_finding(Kind.LABELLED, count, start_from=start_from)
        texts = [(_joined(one), one.label) for one in self.examples]
        yield from label_findings(self.recipe.data, texts)
        overlap = overlap_fact(self.overlap, "text", "label" if self.classes else "number")
        yield with_end(rows_facts("validation", self.dev, f"{len(self.dev):,}", size), overlap)
        yield from super().data_facts()
        yield from few_fact(len(self.dev), "text", separate=self.overlap is not None)
        if self.overlap is None:
            held_out = map(_joined, self.held_out)
            yield from held_out_finding(Kind.LABELLED, held_out, (text for text, _ in texts))
        classes = f"{len(self.classes)}: {listed(self.classes)}"
        yield f"labels      {classes if self.classes else 'a number'}"

    def loss(self, model: nn.Module, batch: LabelledBatch, smoothing: float) -> Loss:
        """Return the cross-entropy of the labels, summed over a batch; see `Task.loss`."""
        return label_loss(*self.outputs(model, batch), smoothing)

    def outputs(self, model: nn.Module, batch: LabelledBatch) -> Outputs:
        """Return the logits of the labels; see `Task.outputs`."""
        if not self.classes:
            return super().outputs(model, batch)
        assert isinstance(model, BERT)
        return Outputs(model.answers(batch.ids, batch.real, batch.segments), batch.labels)

    def validate(self, model: Model) -> dict[str, Any]:
        """Return the mean loss and the metric on the validation set; see `Task.validate`."""
        assert isinstance(model, BERT)
        total, found, wanted = 0.0, [], []
        with evaluation_mode(model):
            for batch in batches_on_device(self.dev, model):
                total += self.loss(model, batch, 0.0).nll.item()
                found += self.predictions(model.answers(batch.ids, batch.real, batch.segments))
                wanted += batch.labels.tolist()
        scores = {score.name: score.value for score in self.scores(found, wanted)}
        return {"loss": total / len(wanted)} | scores

    def predictions(self, outputs: Tensor) -> list[Any]:
        """Return, for each row of outputs, the index of the predicted label, or the predicted
        number."""
        return outputs.argmax(-1).tolist()

    def scores(self, found: Sequence[Any], wanted: Sequence[Any]) -> list[Score]:
        """Return the metrics of predictions, without confidence intervals."""
        return score_labels(found, wanted, len(self.classes), resamples=0)

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """Return the model with everything that is needed to use it; see `Task.bundle`."""
        about = {
            "labels": self.classes,
            "mean": self.mean,
            "deviation": self.deviation,
            "row_tokens": self.recipe.data.row_tokens,
            "columns": self.columns,
            "keep_spaces": self.expected.keep_spaces,
        }
        return Bundle(model, self.tokenizer, self.tokenizer, facts | about)

    def preview(self, batch: LabelledBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """Return the texts of a batch for display, and its tensors; see `Task.preview`."""
        texts, tensors = super().preview(batch)
        return texts, tensors | {"segments": batch.segments}

    def _rows(self, examples: Sequence[Example]) -> LabelledRows:
        longest = min(self.recipe.data.row_tokens, self.shape.max_length)
        rows = [cut(self.tokenizer, one.first, one.second, longest) for one in examples]
        return LabelledRows(
            rows,
            [self.target_of(one) for one in examples],
            budget_tokens=self.recipe.training.batch_tokens,
            seed=self.recipe.training.seed,
        )


@TASKS.register("regress")
class Regression(Classification):
    """The task of predicting a number for a text or for a pair of texts.

    The output of the model is (number - mean) / standard deviation, with the statistics of the
    training data.
    """

    default_recipe = "regress"
    reads = Classification.reads - {"training.label_smoothing", "distil"}
    loss_unit = "squared error per text"
    numeric = True
    metrics = {"loss": False} | {name: name != "mse" for name in NUMBER_METRICS}

    def labels_of(self, example: Example) -> Sequence[str]:
        """Return no labels, because the labels of this task are numbers; see
        `Classification.labels_of`."""
        return ()

    def answer_of(self, example: Example) -> str:
        """Return the number as text; "" if the example has no label; see
        `Classification.answer_of`."""
        return str(number(example)) if example.label else ""

    def classes_of(self, train: Sequence[Example]) -> list[str]:
        """Return no labels, because the output of the model is a number; see
        `Classification.classes_of`."""
        return []

    def target_of(self, example: Example) -> float:
        """Return the label of an example as a number; see `Classification.target_of`."""
        return number(example)

    def loss(self, model: nn.Module, batch: LabelledBatch, smoothing: float) -> Loss:
        """Return the squared error in units of the standard deviation, summed over a batch; see
        `Task.loss`."""
        assert isinstance(model, BERT)
        outputs = model.answers(batch.ids, batch.real, batch.segments)[:, 0]
        wanted = (batch.labels - self.mean) / self.deviation
        error = F.mse_loss(outputs, wanted.to(outputs), reduction="sum")
        return Loss(error, error.detach())

    def predictions(self, outputs: Tensor) -> list[Any]:
        """Return the predicted number for each row of outputs; see `Classification.predictions`."""
        return [self.mean + self.deviation * one for one in outputs[:, 0].tolist()]

    def scores(self, found: Sequence[Any], wanted: Sequence[Any]) -> list[Score]:
        """Return the metrics of predicted numbers, without confidence intervals; see
        `Classification.scores`."""
        return score_numbers(found, wanted, resamples=0)


def _is_pair(item: Any) -> bool:
    if not isinstance(item, tuple | list) or len(item) != 2:
        return False
    return isinstance(item[0], str) and isinstance(item[1], str | None)


def number(
    example: Example, advice: str = "Choose --task classify for labels that are words."
) -> float:
    """Return the label of an example as a number.

    Args: advice: a sentence that tells the user what to do if the label is a word.
    Raises: DataError when the label is not a number.
    """
    try:
        value = float(example.label)
    except ValueError:
        if "," in example.label and re.fullmatch(r"[+-]?\d[\d.,]*", example.label):
            advice = (
                "Write a point instead of a decimal comma (3.5), and no separators of thousands "
                "(1000)."
            )
        raise DataError(
            f"{example.place}: the label must be a number, but it is `{example.label}`. {advice}"
        ) from None
    if not abs(value) <= LARGEST_NUMBER:
        raise DataError(
            f"{example.place}: the label must be a finite number of at most {LARGEST_NUMBER:g}, "
            f"but it is `{example.label}`. Correct the line, or leave it out."
        )
    return value


def _joined(example: Example) -> str:
    return f"{example.first}{example.second or ''}"


def _spread(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, max(1e-9, (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5)


@dataclass(frozen=True)
class Prediction:
    """The prediction of a model for one text."""

    label: str
    """The most probable label or, in a regression, the predicted number with six digits."""
    probabilities: dict[str, float]
    """The probability of each label; empty in a regression."""
    number: float | None = None
    """In a regression, the predicted number; None for labels."""


@dataclass(frozen=True)
class Classifier:
    """A loaded run of the task `classify` or `regress`; it labels texts."""

    bundle: Bundle
    model: BERT

    @property
    def labels(self) -> list[str]:
        """All labels, in the order of the model's outputs; empty for a regression."""
        return self.bundle.facts["labels"]

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer with which the texts are encoded."""
        return self.bundle.source_tokenizer

    @property
    def columns(self) -> dict[str, str | None]:
        """The names of the columns of the training data."""
        return self.bundle.facts.get("columns", {})

    def classify(
        self, texts: Sequence[tuple[str, str | None]], *, batch_tokens: int = 4096
    ) -> list[Prediction]:
        """Return a prediction for each text, or for each pair of texts, in the given order.

        Raises: UsageError for an item that is not a pair (text, second text or None).
        """
        refuse_mixed("texts", texts, "pairs such as (text, None) or (text, second)", _is_pair)
        # Runs of older versions did not store `row_tokens`.
        longest = self.model.settings.max_length
        longest = min(longest, self.bundle.facts.get("row_tokens", longest))
        tokenizer = self.tokenizer
        trim = Expected.from_facts(self.bundle.facts).trimmed
        between = self.bundle.facts.get("pair_separators", 1)
        rows = [
            cut(tokenizer, trim(first), second and trim(second), longest, separators=between)
            for first, second in texts
        ]
        batches = LabelledRows(rows, [0] * len(rows), budget_tokens=batch_tokens)
        device = next(self.model.parameters()).device
        found: dict[int, Prediction] = {}
        self.model.eval()
        with torch.inference_mode():
            for index in range(batches.count(0)):
                batch = batches.batch(0, index).to(device)
                answers = self.model.answers(batch.ids, batch.real, batch.segments)
                for place, row in zip(batch.indices, answers, strict=True):
                    found[int(place)] = self._prediction(row)
        return [found[index] for index in range(len(rows))]

    def _prediction(self, row: Tensor) -> Prediction:
        if not self.labels:
            facts = self.bundle.facts
            number = facts["mean"] + facts["deviation"] * row.item()
            return Prediction(f"{number:.6g}", {}, number)
        shares = row.softmax(-1).tolist()
        best = max(range(len(shares)), key=shares.__getitem__)
        return Prediction(self.labels[best], dict(zip(self.labels, shares, strict=True)))

    def evaluate(self, examples: Sequence[Example]) -> list[Score]:
        """Return every metric of the task, with 95 % confidence intervals."""
        place: dict[str, int] = {}
        for label in self.labels:  # in runs of older versions, labels may not be in NFC
            place.setdefault(normalize(label), len(place))
        for one in examples:
            if self.labels and one.label not in place:
                raise DataError(
                    f"{one.place}: the label `{one.label}` is unknown to this run. "
                    f"Known: {listed(self.labels)}. If line 1 is a header, name its columns with "
                    "--columns."
                )
        advice = "This run predicts numbers. Name the column of the number with --columns."
        numbers = [] if self.labels else [number(one, advice) for one in examples]
        found: list[Prediction] = []
        for start in range(0, len(examples), EVALUATED_TOGETHER):
            some = examples[start : start + EVALUATED_TOGETHER]
            predictions = self.classify([(one.first, one.second) for one in some])
            found += [replace(one, probabilities={}) for one in predictions]
        if not self.labels:
            return score_numbers([p.number for p in found if p.number is not None], numbers)
        wanted = [place[one.label] for one in examples]
        return score_labels([place[normalize(p.label)] for p in found], wanted, len(place))
