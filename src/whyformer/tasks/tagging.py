"""The task `tag`: predict a label for each word of a text, such as its part of speech."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from whyformer.bundle import Bundle
from whyformer.data.formats.roles import Roles
from whyformer.data.survey.profile import Kind
from whyformer.data.tagged import (
    NOTHING,
    Tagged,
    TaggedBatch,
    TaggedRows,
    blanks_left_out,
    read_tagged,
    tag_roles,
    word_columns,
    word_rows,
)
from whyformer.evaluation.score import Score
from whyformer.evaluation.tagging import TAG_METRICS, scheme_of, score_tags
from whyformer.foundation.errors import DataError, refuse_mixed
from whyformer.foundation.wording import counted
from whyformer.models.bert import BERT, AnswerOf
from whyformer.models.build import Model
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import TASKS, ItemForm
from whyformer.tasks.files_facts import files_facts, words_described
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
from whyformer.tasks.task import Caution, Progress, batches_on_device, evaluation_mode, with_end
from whyformer.tasks.validation_facts import few_fact, overlap_fact
from whyformer.text.normalization import normalize
from whyformer.text.tokenizer import Tokenizer
from whyformer.training.distillation import Outputs
from whyformer.training.loss import Loss


@TASKS.register("tag")
class Tagging(LabelledTask):
    """The task of predicting a label for every word of a sentence.

    Paper: Devlin et al. 2018 (arXiv:1810.04805), §5.3: the label of a word is predicted at its
        first piece.
    """

    default_recipe = "tag"
    items = ItemForm.TAGGED_WORDS
    unit, loss_unit = "words", "nats per word"
    metrics: ClassVar[Mapping[str, bool]] = {"loss": False, **dict.fromkeys(TAG_METRICS, True)}
    metric_needs: ClassVar[Mapping[str, str]] = {"span_f1": "labels such as O, B-X and I-X"}

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        super().__init__(recipe, run, progress)
        data = recipe.data
        columns: dict[str, Any] = {
            "text": data.source, "label": data.target, "reading": data.reading
        }  # fmt: skip
        found = read_split(
            recipe,
            self.given,
            lambda path: read_tagged(path, **columns),
            lambda one: " ".join(one.words),
            lambda one: one.labels,
            lambda one: " ".join(one.labels),
        )
        train, dev = found.train, found.dev
        self.dropped, self.overlap = found.dropped, found.overlap
        paths = (*data.train, *data.dev)
        self.files: list[Roles | str] = []
        for path in paths:
            words = word_columns(path, **columns)
            self.files.append(words_described(path, words) if words else tag_roles(path, **columns))
        first = self.files[0]
        self.columns = remembered_columns(first) if isinstance(first, Roles) else {}
        self.blanks = blanks_left_out((*train, *dev))
        self.classes = sorted({label for one in (*train, *dev) for label in one.labels})
        learned = {label for one in train for label in one.labels}
        self.not_learned = [label for label in self.classes if label not in learned]
        if len(self.classes) < 2:
            raise DataError(
                "The data must have at least two different labels, but all labels are "
                f"`{''.join(self.classes)}`. Check which column contains the labels."
            )
        texts = (" ".join(one.words) for one in train)
        self.tokenizer = own_tokenizer(recipe, self.given, self.key, texts, run / "tokenizers")
        self.shape = shape_of(recipe, len(self.classes), AnswerOf.TOKENS)
        self.longest = min(data.row_tokens, self.shape.max_length)
        self.batches = self.rows = self._rows(train)
        self.train = train
        self.dev_rows, self.dev = self._rows(dev), dev
        self.fingerprint = self.rows.fingerprint

    @property
    def validation_items(self) -> int:
        """The number of items in the validation set; see `Task.validation_items`."""
        return len(self.dev)

    def _rows(self, sentences: Sequence[Tagged]) -> TaggedRows:
        place = {label: number for number, label in enumerate(self.classes)}
        rows, labels = [], []
        for one in sentences:
            numbers = [place[label] for label in one.labels]
            for row in word_rows(self.tokenizer, one.words, self.longest):
                rows.append(row)
                labels.append(numbers[: len(row.places)])
                numbers = numbers[len(row.places) :]
        training = self.recipe.training
        return TaggedRows(rows, labels, budget_tokens=training.batch_tokens, seed=training.seed)

    def data_facts(self) -> Iterator[str]:
        """Yield the lines about the data; see `LabelledTask.data_facts`."""
        yield from files_facts(self.files)
        overlap = overlap_fact(self.overlap, "sentence", "labels")
        for name, rows, sentences, end in (
            ("sentences", self.rows, self.train, ""),
            ("validation", self.dev_rows, self.dev, overlap),
        ):
            what = f"{len(sentences):,}, {counted(rows.words, 'word')}"
            yield with_end(rows_facts(name, rows, what, len(self.tokenizer)), end)
        items = [(" ".join(one.words), " ".join(one.labels)) for one in self.train]
        yield from unknown_finding(self.rows.unknown, int(self.rows.lengths.sum()))
        yield from amount_finding(Kind.TAGGED, len(items), start_from=self.recipe.start_from)
        yield from label_findings(self.recipe.data, items, Kind.TAGGED)
        yield from super().data_facts()
        if self.blanks:
            yield Caution(f"            {self.blanks}")
        if self.not_learned:
            yield Caution(
                f"            warning: {counted(len(self.not_learned), 'label')} of the validation "
                f"set never occur in training: {listed(self.not_learned)}"
            )
        yield from few_fact(len(self.dev), "sentence", separate=self.overlap is not None)
        if self.overlap is None:
            held_out = (" ".join(one.words) for one in self.dev)
            yield from held_out_finding(Kind.TAGGED, held_out, (text for text, _ in items))
        yield f"labels      {len(self.classes)}: {', '.join(self.classes)}"

    def loss(self, model: nn.Module, batch: TaggedBatch, smoothing: float) -> Loss:
        """Return the cross-entropy at the first piece of every word, summed over a batch; see
        `Task.loss`."""
        return label_loss(*self.outputs(model, batch), smoothing)

    def outputs(self, model: nn.Module, batch: TaggedBatch) -> Outputs:
        """Return the logits of the labels, at the first piece of every word; see `Task.outputs`."""
        assert isinstance(model, BERT)
        first = batch.labels != NOTHING
        return Outputs(model.token_answers(batch.ids, batch.real)[first], batch.labels[first])

    def validate(self, model: Model) -> dict[str, Any]:
        """Return the mean loss and the metric on the validation set; see `Task.validate`."""
        assert isinstance(model, BERT)
        rows = self.dev_rows
        with evaluation_mode(model):
            batches = batches_on_device(rows, model)
            total = sum(self.loss(model, batch, 0.0).nll.item() for batch in batches)
            tagger = Tagger(model, self.tokenizer, self.classes, self.longest)
            found = tagger.tag([one.words for one in self.dev])
        scores = score_tags(found, [one.labels for one in self.dev], resamples=0)
        return {"loss": total / rows.words} | {score.name: score.value for score in scores}

    def available_metrics(self) -> dict[str, bool]:
        """Return the metrics that this recipe and its data support; see
        `Task.available_metrics`."""
        spans = scheme_of(one.labels for one in self.dev) is not None
        return {one: higher for one, higher in self.metrics.items() if spans or one != "span_f1"}

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """Return the model with everything that is needed to use it; see `Task.bundle`."""
        about = {"labels": self.classes, "row_tokens": self.longest, "columns": self.columns}
        return Bundle(model, self.tokenizer, self.tokenizer, facts | about)


def _are_words(item: Any) -> bool:
    return (
        isinstance(item, Sequence)
        and not isinstance(item, str | bytes)
        and all(isinstance(word, str) for word in item)
    )


@dataclass(frozen=True)
class Tagger:
    """A loaded run of the task `tag`; it labels words.

    Args:
        labels: the labels, in the order of the model's outputs.
        longest: maximum length of a row in tokens. A longer sentence continues in further rows.
        columns: names of the columns of the training data.
    """

    model: BERT
    tokenizer: Tokenizer
    labels: list[str]
    longest: int
    columns: dict[str, str | None] = field(default_factory=dict)

    def tag(
        self, sentences: Sequence[Sequence[str]], *, batch_tokens: int = 4096
    ) -> list[list[str]]:
        """Return a label for every word of each sentence.

        Raises: UsageError when a sentence is not a list of words.
        """
        found = self.tag_with_probabilities(sentences, batch_tokens=batch_tokens)
        return [[label for label, _ in words] for words in found]

    def tag_with_probabilities(
        self, sentences: Sequence[Sequence[str]], *, batch_tokens: int = 4096
    ) -> list[list[tuple[str, float]]]:
        """Return, for every word of each sentence, the most probable label and its probability.

        Raises: UsageError when a sentence is not a list of words.
        """
        refuse_mixed("sentences", sentences, "lists of words", _are_words)
        rows, owners = [], []
        for number, words in enumerate(sentences):
            new_rows = word_rows(self.tokenizer, words, self.longest)
            rows += new_rows
            owners += [number] * len(new_rows)
        dummy_labels = [[0] * len(row.places) for row in rows]
        batches = TaggedRows(rows, dummy_labels, budget_tokens=batch_tokens)
        device = next(self.model.parameters()).device
        predicted: dict[int, list[tuple[str, float]]] = {}
        self.model.eval()
        with torch.inference_mode():
            for index in range(batches.count(0)):
                batch = batches.batch(0, index).to(device)
                shares = self.model.token_answers(batch.ids, batch.real).softmax(-1)
                best = zip(*(one.tolist() for one in shares.max(-1)), strict=True)
                for place, (likely, labels) in zip(batch.indices, best, strict=True):
                    predicted[int(place)] = [
                        (self.labels[labels[at]], likely[at]) for at in rows[int(place)].places
                    ]
        found: list[list[tuple[str, float]]] = [[] for _ in sentences]
        for number, owner in enumerate(owners):
            found[owner] += predicted[number]
        return found

    def unknown_labels(self, sentences: Iterable[Tagged]) -> str | None:
        """Return a text for the user about labels that the run does not know; None if it knows all
        labels.

        Raises: DataError if the run knows none of the labels.
        """
        known = {normalize(label) for label in self.labels}
        counts = Counter(label for one in sentences for label in one.labels)
        unknown = [label for label in counts if label not in known]
        if not unknown:
            return None
        if len(unknown) == len(counts):
            raise DataError(
                f"The run must know the labels of the file, but it knows none of "
                f"{listed(unknown)}. Known: {listed(self.labels)}. Name the column of the labels "
                "with --columns, or choose the run that was trained on these labels."
            )
        words = sum(counts[label] for label in unknown)
        return (
            f"The run does not know {listed(unknown)}, the labels of {counted(words, 'word')} of "
            f"{counts.total():,}: they count as errors."
        )

    def evaluate(self, sentences: Iterable[Tagged]) -> list[Score]:
        """Return every metric of the task, with 95 % confidence intervals."""
        given = list(sentences)
        # In runs of older versions, labels may not be in NFC.
        predicted = [
            [normalize(label) for label in labels]
            for labels in self.tag([one.words for one in given])
        ]
        return score_tags(predicted, [one.labels for one in given])
