"""The task of words: a label for each word of a sentence, such as names and parts of speech."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.tagged import NOTHING, Tagged, TaggedBatch, TaggedRows, read_tagged, word_rows
from whyformer.evaluation.score import Score
from whyformer.evaluation.tagging import TAG_METRICS, scheme_of, score_tags
from whyformer.foundation.errors import ConfigError, DataError, refuse_mixed
from whyformer.foundation.wording import counted
from whyformer.models.bert import BERT, AnswerOf
from whyformer.models.build import Model
from whyformer.recipes.recipe import Recipe
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


class Tagging:
    """A `Task` on sentences with a label for every word.

    Paper: Devlin et al. 2018 (arXiv:1810.04805), §5.3: the first piece of a word answers for it.
    """

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        need_encoder(recipe)
        data = recipe.data
        self.recipe, self.metric, self.unit = recipe, recipe.validation.metric, "words"
        self.start = read_start(recipe)
        found = read_split(
            recipe,
            self.start,
            lambda path: read_tagged(path, text=data.source, label=data.target),
            lambda one: " ".join(one.words),
            lambda one: one.labels,
            lambda one: " ".join(one.labels),
        )
        train, dev = found.train, found.dev
        self.dropped, self.overlap = found.dropped, found.overlap
        self.key = data_key(recipe, run)
        self.classes = sorted({label for one in (*train, *dev) for label in one.labels})
        if len(self.classes) < 2:
            raise DataError(
                f"There must be two labels or more, but all are `{''.join(self.classes)}`. "
                "Check which column holds the labels."
            )
        texts = (" ".join(one.words) for one in train)
        self.tokenizer = own_tokenizer(recipe, self.start, self.key, texts, run / "tokenizers")
        self.shape = shape_of(recipe, self.start, len(self.classes), AnswerOf.TOKENS)
        self.longest = min(data.row_tokens, self.shape.max_length)
        self.batches, self.train = self._rows(train), train
        self.dev_rows, self.dev = self._rows(dev), dev
        self.fingerprint = self.batches.fingerprint

    def _rows(self, sentences: Sequence[Tagged]) -> TaggedRows:
        place = {label: number for number, label in enumerate(self.classes)}
        rows, labels = [], []
        for one in sentences:
            said = [place[label] for label in one.labels]
            for row in word_rows(self.tokenizer, one.words, self.longest):
                rows.append(row)
                labels.append(said[: len(row.places)])
                said = said[len(row.places) :]
        training = self.recipe.training
        return TaggedRows(rows, labels, budget_tokens=training.batch_tokens, seed=training.seed)

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """See `Task`."""
        also = overlap_fact(self.overlap, "sentence", "labels")
        for name, rows, sentences, end in (
            ("sentences", self.batches, self.train, ""),
            ("validation", self.dev_rows, self.dev, also),
        ):
            what = f"{len(sentences):,}, {counted(rows.words, 'word')}"
            yield with_end(rows_facts(name, rows, what, len(self.tokenizer)), end)
        yield from drop_facts(self.dropped)
        yield from few_fact(len(self.dev), "sentence", separate=self.overlap is not None)
        yield f"labels      {len(self.classes)}: {', '.join(self.classes)}"
        yield from training_facts(self.recipe, self.shape, parameters, device)

    def model(self, device: torch.device) -> Model:
        """See `Task`."""
        size = len(self.tokenizer)
        return fresh_encoder(self.recipe, self.shape, size, self.start, device)

    def loss(self, model: nn.Module, batch: TaggedBatch, smoothing: float) -> Loss:
        """See `Task`: cross-entropy at the first piece of every word."""
        assert isinstance(model, BERT)
        spoken = batch.labels != NOTHING
        answers = model.token_answers(batch.ids, batch.real)[spoken]
        labels = batch.labels[spoken]
        nll = F.cross_entropy(answers, labels, reduction="sum")
        smoothed = F.cross_entropy(answers, labels, reduction="sum", label_smoothing=smoothing)
        return Loss(smoothed, nll.detach())

    def validate(self, model: Model) -> dict[str, Any]:
        """See `Task`."""
        assert isinstance(model, BERT)
        device = next(model.parameters()).device
        was_training = model.training
        model.eval()
        rows = self.dev_rows
        with torch.no_grad():
            batches = (rows.batch(0, index).to(device) for index in range(rows.count(0)))
            total = sum(self.loss(model, batch, 0.0).nll.item() for batch in batches)
        model.train(was_training)
        tagger = Tagger(model, self.tokenizer, self.classes, self.longest)
        said = tagger.tag([one.words for one in self.dev])
        model.train(was_training)
        scores = score_tags(said, [one.labels for one in self.dev], resamples=0)
        return {"loss": total / rows.words} | {score.name: score.value for score in scores}

    def higher_is_better(self, metric: str) -> bool:
        """See `Task`."""
        spans = scheme_of(one.labels for one in self.dev) is not None
        known = ("loss", *(TAG_METRICS if spans else TAG_METRICS[:1]))
        if metric not in known:
            raise ConfigError(
                f"`validation.metric` {metric} is not a metric of these labels. Choose from "
                f"{', '.join(known)}"
                f"{'' if spans else ' (span_f1 needs labels such as O, B-X and I-X)'}."
            )
        return metric != "loss"

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """See `Task`."""
        columns = {"text": self.recipe.data.source, "label": self.recipe.data.target}
        about = {"labels": self.classes, "row_tokens": self.longest, "columns": columns}
        return Bundle(model, self.tokenizer, self.tokenizer, facts | about)

    def story(self, batch: AnyBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """See `Task`."""
        assert isinstance(batch, TaggedBatch)
        texts = [{"text": self.tokenizer.decode(row[1:])} for row in batch.ids.tolist()]
        return texts, {"ids": batch.ids, "labels": batch.labels}


def _are_words(item: Any) -> bool:
    return (
        isinstance(item, Sequence)
        and not isinstance(item, str | bytes)
        and all(isinstance(word, str) for word in item)
    )


@dataclass(frozen=True)
class Tagger:
    """A model that labels words.

    Args:
        labels: in the order of the model's outputs.
        longest: tokens of a row; a longer sentence continues in another row.
        columns: names of the columns that the run was trained with.
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

        Raises: UsageError for a sentence that is no list of words.
        """
        refuse_mixed("sentences", sentences, "lists of words", _are_words)
        rows, owners = [], []
        for number, words in enumerate(sentences):
            mine = word_rows(self.tokenizer, words, self.longest)
            rows += mine
            owners += [number] * len(mine)
        nothing = [[0] * len(row.places) for row in rows]
        batches = TaggedRows(rows, nothing, budget_tokens=batch_tokens)
        device = next(self.model.parameters()).device
        said: dict[int, list[str]] = {}
        self.model.eval()
        with torch.inference_mode():
            for index in range(batches.count(0)):
                batch = batches.batch(0, index).to(device)
                best = self.model.token_answers(batch.ids, batch.real).argmax(-1).tolist()
                for place, one in zip(batch.indices, best, strict=True):
                    said[int(place)] = [self.labels[one[at]] for at in rows[int(place)].places]
        found: list[list[str]] = [[] for _ in sentences]
        for number, owner in enumerate(owners):
            found[owner] += said[number]
        return found

    def evaluate(self, sentences: Iterable[Tagged]) -> list[Score]:
        """Return every metric of the task, with 95 % intervals."""
        given = list(sentences)
        said = [
            [normalize(label) for label in labels]  # of older runs perhaps not in NFC
            for labels in self.tag([one.words for one in given])
        ]
        return score_tags(said, [one.labels for one in given])
