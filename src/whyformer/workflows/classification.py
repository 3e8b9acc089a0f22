"""The tasks of labels and of numbers: a text, or two, and what is said of them."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.bundle import WEIGHTS, Bundle, find_bundle, load_bundle
from whyformer.data.labelled import Example, LabelledBatch, LabelledRows, cut, read_examples
from whyformer.data.reading import STDIN
from whyformer.evaluation.classification import (
    LABEL_METRICS,
    NUMBER_METRICS,
    score_labels,
    score_numbers,
)
from whyformer.evaluation.score import Score
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import ConfigError, DataError, UsageError
from whyformer.foundation.files import sha256_of, write_text
from whyformer.foundation.randomness import seed_everything
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.build import Model, build_model
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json, train_tokenizer
from whyformer.training.loop import AnyBatch
from whyformer.training.loss import Loss
from whyformer.workflows.recipe import DataSettings, Recipe, TaskName
from whyformer.workflows.task import Progress

MOST_HELD_OUT = 5000
HEAD = ("pooler.", "answer.")
"""Parameters that learn although the rest is frozen."""


class Classification:
    """A `Task` on texts with labels (classify) or numbers (regress)."""

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        if not isinstance(recipe.model, BERTSettings):
            raise ConfigError(
                f"The task `{recipe.task}` needs `model.family` bert, but it is "
                f"{recipe.model.family}. Set --model.family bert, or choose a recipe such as "
                "sentiment-ko."
            )
        self.recipe, self.numbers = recipe, recipe.task is TaskName.REGRESS
        train, dev = read_labelled(recipe.data)
        self.key = data_key(recipe, run)
        self.start = load_bundle(recipe.start_from) if recipe.start_from else None
        if self.start is not None and not isinstance(self.start.model, BERT):
            raise ConfigError(
                f"`start_from` must be a run of task masked, but `{recipe.start_from}` holds a "
                f"model of kind `{self.start.model.settings.family}`. Choose another run."
            )
        self.classes = [] if self.numbers else sorted({example.label for example in train})
        if not self.numbers and len(self.classes) < 2:
            raise DataError(
                f"There must be two labels or more, but all are `{self.classes[0]}`. "
                "Check which column holds the label."
            )
        self.tokenizer = self._tokenizer(train, run / "tokenizers")
        shape = self.start.model.settings if self.start else recipe.model
        outputs = 1 if self.numbers else len(self.classes)
        self.shape = shape.model_copy(update={"outputs": outputs, "dropout": recipe.model.dropout})
        self.batches, self.dev = self._rows(train), self._rows(dev)
        self.fingerprint = self.batches.fingerprint
        self.mean, self.deviation = _spread([float(self._label(e)) for e in train])

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """See `Task`."""
        training = self.recipe.training
        for name, rows in (("texts", self.batches), ("validation", self.dev)):
            yield (
                f"{name:<11} {len(rows):,}, {int(rows.lengths.sum()):,} tokens of a vocabulary of "
                f"{len(self.tokenizer):,}, longest {int(rows.lengths.max())}"
            )
        what = "a number" if self.numbers else f"{len(self.classes)}: {', '.join(self.classes)}"
        yield f"labels      {what}"
        begins = self.recipe.start_from or "fresh weights"
        learns = "the head only" if self.recipe.frozen else "all weights"
        yield (
            f"model       {parameters:,} parameters that learn ({learns}): {self.shape.summary}; "
            f"begins with {begins}; on {device}, {torch.get_num_threads()} threads"
        )
        length = f"{training.minutes:g} minutes" if training.minutes else f"{training.updates:,}"
        yield (
            f"training    {length}{'' if training.minutes else ' updates'}, {training.optimizer}, "
            f"rate {training.learning_rate:g} {training.schedule} after {training.warmup} updates "
            f"of warm-up, dropout {self.shape.dropout:g}; best by {self.recipe.validation.metric} "
            "(`whyformer config show` lists all)"
        )

    def model(self, device: torch.device) -> Model:
        """See `Task`."""
        seed_everything(self.recipe.training.seed)
        sizes = (len(self.tokenizer), len(self.tokenizer))
        model = build_model(self.shape, sizes, shared=True, device=device)
        assert isinstance(model, BERT)
        if self.start is not None:
            given = dict(self.start.model.named_parameters())
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if name in given and given[name].shape == parameter.shape:
                        parameter.copy_(given[name])
        if self.recipe.frozen:
            for name, parameter in model.named_parameters():
                parameter.requires_grad = name.startswith(HEAD)
        return model

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
        about = {"labels": self.classes, "mean": self.mean, "deviation": self.deviation}
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
            if example.label not in self.classes:
                raise DataError(
                    f"Line {example.line} of the dev set has the label `{example.label}`, which no "
                    f"training text has. Known: {', '.join(self.classes)}."
                )
            return self.classes.index(example.label)
        return number(example)

    def _scores(
        self, found: Sequence[Any], wanted: Sequence[Any], *, resamples: int
    ) -> list[Score]:
        if self.numbers:
            real = [self.mean + self.deviation * one for one in found]
            return score_numbers(real, wanted, resamples=resamples)
        return score_labels(found, wanted, len(self.classes), resamples=resamples)

    def _tokenizer(self, examples: Sequence[Example], directory: Path) -> Tokenizer:
        """Take the tokenizer of the run that this one starts from, or learn one from the texts."""
        if self.start is not None:
            return self.start.source_tokenizer
        settings = self.recipe.text
        asked = json.dumps({"data": self.key, "text": settings.model_dump(mode="json")})
        key = hashlib.sha256(asked.encode()).hexdigest()
        file = directory / "source.json"
        if (directory / "key").exists() and (directory / "key").read_text() == key:
            return tokenizer_from_json(file.read_text(encoding="utf-8"))
        texts = chain.from_iterable((one.first, one.second or "") for one in examples)
        tokenizer = train_tokenizer(
            settings.units, texts, vocabulary=settings.vocabulary, lowercase=settings.lowercase
        )
        write_text(file, tokenizer.to_json())
        write_text(directory / "key", key)
        return tokenizer


def number(example: Example) -> float:
    """Return the number that an example's label is. Raises: DataError when it is none."""
    try:
        return float(example.label)
    except ValueError:
        raise DataError(
            f"Line {example.line} must be labelled with a number, but it is labelled "
            f"`{example.label}`. Choose --task classify for labels that are words."
        ) from None


def read_labelled(data: DataSettings) -> tuple[list[Example], list[Example]]:
    """Return the examples of a recipe to learn from and to judge by.

    Raises: ConfigError, DataError for what cannot be used.
    """
    if data.builtin or not data.train:
        raise ConfigError("Give --data FILE: a TSV or JSONL file of texts with their labels.")
    if STDIN in (*data.train, *data.dev):
        raise ConfigError("Texts with labels are read from files. Give the path of one.")

    def read(paths: Iterable[str]) -> list[Example]:
        names = {"text": data.source, "second": data.second, "label": data.target}
        return [one for path in paths for one in read_examples(path, **names)]

    found = read(data.train)
    if data.dev:
        return found, read(data.dev)
    held = [one for one in found if _held_out(one, data.dev_share)][:MOST_HELD_OUT]
    lines = {one.line for one in held}
    kept = [one for one in found if one.line not in lines]
    if not held or not kept:
        raise DataError(
            f"{len(found)} texts are too few to hold out {data.dev_share:.0%} for validation. Give "
            "more, a larger --data.dev-share, or a set of its own with --dev."
        )
    return kept, held


def data_key(recipe: Recipe, run: Path) -> str:
    """Return the hash by which a resumed run knows that its data and its start are unchanged."""
    data = recipe.data
    files = [sha256_of(Path(path)) for path in (*data.train, *data.dev)]
    start = sha256_of(find_bundle(Path(recipe.start_from)) / WEIGHTS) if recipe.start_from else ""
    return "/".join([*files, start, f"{data.source}:{data.second}:{data.target}", recipe.task])


def _held_out(example: Example, share: float) -> bool:
    digest = hashlib.sha256(f"whyformer/{example.first}/{example.second}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def _spread(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, max(1e-9, (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5)


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text."""

    label: str
    """The most probable label, or the number."""
    probabilities: dict[str, float]
    """Of every label; empty for numbers."""


@dataclass(frozen=True)
class Classifier:
    """A loaded run that labels texts."""

    bundle: Bundle
    model: BERT

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the model's outputs; none for numbers."""
        return self.bundle.facts["labels"]

    def classify(
        self, texts: Sequence[tuple[str, str | None]], *, batch_tokens: int = 4096
    ) -> list[Prediction]:
        """Return a prediction for each text, or pair of texts, in order."""
        longest = self.model.settings.max_length
        tokenizer = self.bundle.source_tokenizer
        rows = [cut(tokenizer, first, second, longest) for first, second in texts]
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
            return Prediction(f"{facts['mean'] + facts['deviation'] * row.item():.4f}", {})
        shares = row.softmax(-1).tolist()
        best = max(range(len(shares)), key=shares.__getitem__)
        return Prediction(self.labels[best], dict(zip(self.labels, shares, strict=True)))

    def evaluate(self, examples: Sequence[Example]) -> list[Score]:
        """Return every metric of the task, with 95 % bootstrap intervals."""
        found = self.classify([(one.first, one.second) for one in examples])
        if not self.labels:
            return score_numbers([float(p.label) for p in found], [number(e) for e in examples])
        place = {label: index for index, label in enumerate(self.labels)}
        for one in examples:
            if one.label not in place:
                raise DataError(
                    f"Line {one.line} has the label `{one.label}`, which this run does not know. "
                    f"Known: {', '.join(self.labels)}."
                )
        wanted = [place[one.label] for one in examples]
        return score_labels([place[p.label] for p in found], wanted, len(place))


def load_classifier(run: Path, *, device: str = "auto") -> Classifier:
    """Load a run of task classify or regress.

    Raises: BundleError when it is missing or damaged; UsageError when it labels nothing.
    """
    bundle = load_bundle(run, device=choose_device(device))
    if not isinstance(bundle.model, BERT) or not bundle.model.settings.outputs:
        raise UsageError(
            f"`{run}` labels nothing: its model is of kind `{bundle.model.settings.family}` "
            "without a head for labels. Train one with --task classify."
        )
    return Classifier(bundle, bundle.model)
