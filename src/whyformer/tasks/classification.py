"""The tasks of labels and of numbers: a text, or two, and what is said of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.labelled import Example, LabelledBatch, LabelledRows, cut, read_examples
from whyformer.decoding.expected import Expected
from whyformer.evaluation.classification import (
    LABEL_METRICS,
    NUMBER_METRICS,
    score_labels,
    score_numbers,
)
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import ConfigError, DataError, refuse_mixed
from whyformer.models.bert import BERT, AnswerOf
from whyformer.models.build import Model
from whyformer.recipes.recipe import Recipe, TaskName
from whyformer.tasks.fine_tuning import (
    data_key,
    drop_facts,
    fresh_encoder,
    need_encoder,
    own_tokenizer,
    read_split,
    read_start,
    rows_facts,
    shape_of,
    training_facts,
)
from whyformer.tasks.task import Progress, with_end
from whyformer.tasks.validation_facts import few_fact, overlap_fact
from whyformer.text.normalization import normalize
from whyformer.text.tokenizer import Tokenizer
from whyformer.training.loss import Loss
from whyformer.training.state import AnyBatch

EVALUATED_TOGETHER = 1024
"""Texts whose probabilities of all labels are in memory at once while a file is evaluated."""
LARGEST_NUMBER = 1e30
"""Largest label of a regression: its square must be finite in 32 bits."""
SHOWN_LABELS = 20


class Classification:
    """A `Task` on texts with labels (classify) or numbers (regress)."""

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        need_encoder(recipe)
        self.recipe, self.numbers = recipe, recipe.task is TaskName.REGRESS
        self.metric, self.unit = recipe.validation.metric, "texts"
        self.columns = {
            "text": recipe.data.source, "second": recipe.data.second, "label": recipe.data.target
        }  # fmt: skip
        self.expected = Expected(keep_spaces=recipe.text.keep_spaces)

        def trimmed(one: Example) -> Example:
            trim = self.expected.trimmed
            return one._replace(first=trim(one.first), second=one.second and trim(one.second))

        self.start = read_start(recipe)
        found = read_split(
            recipe,
            self.start,
            lambda path: map(trimmed, read_examples(path, **self.columns)),
            lambda one: f"{one.first}/{one.second or ''}",
            lambda one: () if self.numbers else (one.label,),
            lambda one: str(number(one)) if self.numbers else one.label,
        )
        train, dev = found.train, found.dev
        self.dropped, self.overlap = found.dropped, found.overlap
        self.key = data_key(recipe, run)
        self.classes = [] if self.numbers else sorted({example.label for example in train})
        self.places = {label: place for place, label in enumerate(self.classes)}
        if not self.numbers and len(self.classes) < 2:
            raise DataError(
                f"There must be two labels or more, but all are `{self.classes[0]}`. "
                "Check which column holds the label."
            )
        texts = chain.from_iterable((one.first, one.second or "") for one in train)
        self.tokenizer = own_tokenizer(recipe, self.start, self.key, texts, run / "tokenizers")
        outputs = 1 if self.numbers else len(self.classes)
        self.shape = shape_of(recipe, self.start, outputs, AnswerOf.TEXT)
        self.batches, self.dev = self._rows(train), self._rows(dev)
        self.fingerprint = self.batches.fingerprint
        self.mean, self.deviation = _spread([float(self._label(e)) for e in train])

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """See `Task`."""
        size = len(self.tokenizer)
        yield rows_facts("texts", self.batches, f"{len(self.batches):,}", size)
        also = overlap_fact(self.overlap, "text", "number" if self.numbers else "label")
        yield with_end(rows_facts("validation", self.dev, f"{len(self.dev):,}", size), also)
        yield from drop_facts(self.dropped)
        yield from few_fact(len(self.dev), "text", separate=self.overlap is not None)
        what = "a number" if self.numbers else f"{len(self.classes)}: {listed(self.classes)}"
        yield f"labels      {what}"
        yield from training_facts(self.recipe, self.shape, parameters, device)

    def model(self, device: torch.device) -> Model:
        """See `Task`."""
        size = len(self.tokenizer)
        return fresh_encoder(self.recipe, self.shape, size, self.start, device)

    def loss(self, model: nn.Module, batch: LabelledBatch, smoothing: float) -> Loss:
        """See `Task`: cross-entropy, or squared error of numbers in deviations from their mean."""
        assert isinstance(model, BERT)
        answers = model.answers(batch.ids, batch.real, batch.segments)
        if self.numbers:
            wanted = (batch.labels - self.mean) / self.deviation
            error = F.mse_loss(answers[:, 0], wanted.to(answers), reduction="sum")
            return Loss(error, error.detach())
        nll = F.cross_entropy(answers, batch.labels, reduction="sum")
        smoothed = F.cross_entropy(
            answers, batch.labels, reduction="sum", label_smoothing=smoothing
        )
        return Loss(smoothed, nll.detach())

    def validate(self, model: Model) -> dict[str, Any]:
        """See `Task`."""
        assert isinstance(model, BERT)
        device = next(model.parameters()).device
        was_training = model.training
        model.eval()
        total, found, wanted = 0.0, [], []
        with torch.no_grad():
            for index in range(self.dev.count(0)):
                batch = self.dev.batch(0, index).to(device)
                total += self.loss(model, batch, 0.0).nll.item()
                answers = model.answers(batch.ids, batch.real, batch.segments)
                found += (answers[:, 0] if self.numbers else answers.argmax(-1)).tolist()
                wanted += batch.labels.tolist()
        model.train(was_training)
        scores = {score.name: score.value for score in self._scores(found, wanted, resamples=0)}
        return {"loss": total / len(wanted)} | scores

    def higher_is_better(self, metric: str) -> bool:
        """See `Task`."""
        known = ("loss", *(NUMBER_METRICS if self.numbers else LABEL_METRICS))
        if metric not in known:
            raise ConfigError(
                f"`validation.metric` {metric} is not a metric of task {self.recipe.task}. "
                f"Choose from {', '.join(known)}."
            )
        return metric not in ("loss", "mse")

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """See `Task`."""
        about = {
            "labels": self.classes,
            "mean": self.mean,
            "deviation": self.deviation,
            "row_tokens": self.recipe.data.row_tokens,
            "columns": self.columns,
            "keep_spaces": self.expected.keep_spaces,
        }
        return Bundle(model, self.tokenizer, self.tokenizer, facts | about)

    def story(self, batch: AnyBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """See `Task`."""
        assert isinstance(batch, LabelledBatch)
        texts = [{"text": self.tokenizer.decode(row[1:])} for row in batch.ids.tolist()]
        return texts, {"ids": batch.ids, "labels": batch.labels, "segments": batch.segments}

    def _rows(self, examples: Sequence[Example]) -> LabelledRows:
        longest = min(self.recipe.data.row_tokens, self.shape.max_length)
        rows = [cut(self.tokenizer, one.first, one.second, longest) for one in examples]
        return LabelledRows(
            rows,
            [self._label(one) for one in examples],
            budget_tokens=self.recipe.training.batch_tokens,
            seed=self.recipe.training.seed,
        )

    def _label(self, example: Example) -> int | float:
        if not self.numbers:
            place = self.places.get(example.label)
            if place is None:
                raise DataError(
                    f"{example.place}: the label `{example.label}` of the validation set must "
                    f"occur in the training data. Known: {listed(self.classes)}."
                )
            return place
        return number(example)

    def _scores(
        self, found: Sequence[Any], wanted: Sequence[Any], *, resamples: int
    ) -> list[Score]:
        if self.numbers:
            real = [self.mean + self.deviation * one for one in found]
            return score_numbers(real, wanted, resamples=resamples)
        return score_labels(found, wanted, len(self.classes), resamples=resamples)


def _is_pair(item: Any) -> bool:
    if not isinstance(item, tuple | list) or len(item) != 2:
        return False
    return isinstance(item[0], str) and isinstance(item[1], str | None)


def number(example: Example) -> float:
    """Return the number that an example's label is. Raises: DataError when it is none."""
    try:
        value = float(example.label)
    except ValueError:
        raise DataError(
            f"{example.place}: the label must be a number, but it is `{example.label}`. "
            "Choose --task classify for labels that are words."
        ) from None
    if not abs(value) <= LARGEST_NUMBER:
        raise DataError(
            f"{example.place}: the label must be a finite number of at most {LARGEST_NUMBER:g}, "
            f"but it is `{example.label}`. Correct the line, or leave it out."
        )
    return value


def listed(labels: Sequence[str]) -> str:
    """Return the first labels, for a message."""
    more = f", and {len(labels) - SHOWN_LABELS} more" if len(labels) > SHOWN_LABELS else ""
    return ", ".join(labels[:SHOWN_LABELS]) + more


def _spread(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, max(1e-9, (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5)


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text."""

    label: str
    """The most probable label, or the number in six digits."""
    probabilities: dict[str, float]
    """Of every label; empty for numbers."""
    number: float | None = None
    """What a model of numbers says."""


@dataclass(frozen=True)
class Classifier:
    """A loaded run that labels texts."""

    bundle: Bundle
    model: BERT

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the model's outputs; none for numbers."""
        return self.bundle.facts["labels"]

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the texts."""
        return self.bundle.source_tokenizer

    @property
    def columns(self) -> dict[str, str | None]:
        """Names of the columns that the run was trained with."""
        return self.bundle.facts.get("columns", {})

    def classify(
        self, texts: Sequence[tuple[str, str | None]], *, batch_tokens: int = 4096
    ) -> list[Prediction]:
        """Return a prediction for each text, or pair of texts, in order.

        Raises: UsageError for what is no pair of a text and a second text or None.
        """
        refuse_mixed("texts", texts, "pairs such as (text, None) or (text, second)", _is_pair)
        longest = self.model.settings.max_length  # of runs older than `row_tokens` in their facts
        longest = min(longest, self.bundle.facts.get("row_tokens", longest))
        tokenizer = self.tokenizer
        trim = Expected.from_facts(self.bundle.facts).trimmed
        rows = [
            cut(tokenizer, trim(first), second and trim(second), longest) for first, second in texts
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
        """Return every metric of the task, with 95 % intervals."""
        place: dict[str, int] = {}
        for label in self.labels:  # of older runs perhaps not in NFC, as the file's are
            place.setdefault(normalize(label), len(place))
        for one in examples:
            if self.labels and one.label not in place:
                raise DataError(
                    f"{one.place}: the label `{one.label}` is unknown to this run. "
                    f"Known: {listed(self.labels)}. If line 1 is a header, name its columns with "
                    "--columns."
                )
        found: list[Prediction] = []
        for start in range(0, len(examples), EVALUATED_TOGETHER):
            some = examples[start : start + EVALUATED_TOGETHER]
            predictions = self.classify([(one.first, one.second) for one in some])
            found += [replace(one, probabilities={}) for one in predictions]
        if not self.labels:
            said = [p.number for p in found if p.number is not None]
            return score_numbers(said, [number(e) for e in examples])
        wanted = [place[one.label] for one in examples]
        return score_labels([place[normalize(p.label)] for p in found], wanted, len(place))
