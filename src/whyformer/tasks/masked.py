"""The task of hidden tokens: BERT's pre-training on text."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.documents import Documents, build_documents
from whyformer.data.pretraining_rows import Fill, PretrainingBatch, PretrainingRows
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.randomness import seed_everything
from whyformer.foundation.wording import counted, either
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.build import Model, build_model
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.task import Progress, with_end
from whyformer.tasks.text_data import read_texts, text_tokenizer
from whyformer.tasks.training_facts import threads, training_fact
from whyformer.tasks.validation_facts import overlap_of_lines
from whyformer.text.pieces import UNITS
from whyformer.text.symbols import PAD
from whyformer.text.tokenizer import Tokenizer
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.state import AnyBatch


class Pretraining:
    """A `Task` on text with hidden tokens."""

    family = "bert"
    """Which kind of model learns."""
    metrics: Mapping[str, bool] = {
        "loss": False, "masked_accuracy": True, "next_sentence_accuracy": True
    }  # fmt: skip
    """Metric -> whether more is better."""

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        if recipe.model.family != self.family:
            raise ConfigError(
                f"The task `{recipe.task}` needs `model.family` {self.family}, but it is "
                f"{recipe.model.family}. Set --model.family {self.family}, or choose a recipe such "
                f"as tiny-{self.family}."
            )
        if isinstance(recipe.model, BERTSettings) and recipe.model.outputs:
            raise ConfigError(
                f"`model.outputs` must be 0 for the task `{recipe.task}`, which has its own heads, "
                f"but it is {recipe.model.outputs}. Leave it out."
            )
        if recipe.data.next_sentence and recipe.data.rows is not Fill.DOCUMENTS:
            raise ConfigError(
                "`data.rows` full fills rows without asking what follows, but `data.next_sentence` "
                "is true. Set it to false, or data.rows to documents."
            )
        if recipe.data.row_tokens > recipe.model.max_length:
            raise ConfigError(
                "`data.row_tokens` must be at most `model.max_length`, but "
                f"{recipe.data.row_tokens} is more than {recipe.model.max_length}. "
                "Lower the one or raise the other."
            )
        texts = read_texts(recipe.data, lowercase=recipe.text.lowercase)
        self.recipe, self.key, self.texts = recipe, texts.key, texts
        self.metric, self.unit = recipe.validation.metric, "masked tokens"
        self.tokenizer = text_tokenizer(recipe, texts, run / "tokenizers", progress)
        self.train, self.dev = (
            build_documents(
                read(),
                self.tokenizer,
                run / name,
                key=f"{texts.key}/{name}",
                progress=partial(progress, f"reading {name}") if progress else None,
            )
            for name, read in (("corpus", texts.train), ("corpus-dev", texts.dev))
        )
        self.fingerprint = self.train.fingerprint
        self.batches = self._rows(self.train, shuffle=True)

    def _rows(self, documents: Documents, *, shuffle: bool) -> PretrainingRows:
        data = self.recipe.data
        line_end = self.tokenizer.encode("\n")
        if data.next_sentence and len(line_end) != 1:
            raise ConfigError(
                "`data.next_sentence` needs a tokenizer that keeps line ends, but `text.units` is "
                f"{self.tokenizer.units}. Choose "
                f"{either(name for name, kind in UNITS.items() if not kind.gaps)}."
            )
        return PretrainingRows(
            documents,
            row_tokens=data.row_tokens,
            budget_tokens=self.recipe.training.batch_tokens,
            vocabulary=len(self.tokenizer),
            line_end=line_end[0] if len(line_end) == 1 else -1,
            next_sentence=data.next_sentence,
            fill=data.rows,
            rate=data.mask_rate,
            starts_word=word_starts(self.tokenizer) if data.whole_words else None,
            seed=self.recipe.training.seed,
            shuffle=shuffle,
        )

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """See `Task`."""
        data, training = self.recipe.data, self.recipe.training
        also = overlap_of_lines(self.texts.overlap())
        for name, documents, end in (("text", self.train, ""), ("validation", self.dev, also)):
            found = documents.report
            yield with_end(
                f"{name:<11} {counted(found.documents, 'document')}, "
                f"{counted(found.characters, 'character')}, "
                f"{counted(found.tokens, 'token')} of a vocabulary of {len(self.tokenizer):,}, "
                f"longest {found.longest:,}, "
                f"spelled in bytes {found.spelled / found.tokens:.2%}",
                end,
            )
        rows, batches = self.batches.plan(0)
        pairs = ", half of them with a second text that does not follow" * data.next_sentence
        across = ", filled across documents" * (data.rows is Fill.FULL)
        yield (
            f"batches     {len(batches):,} an epoch of at most {training.batch_tokens:,} tokens; "
            f"{counted(len(rows), 'row')} of at most {data.row_tokens}{pairs}{across}"
        )
        what = "words" if data.whole_words else "tokens"
        yield f"hidden      {data.mask_rate:.0%} of the {what}, others every epoch"
        yield (
            f"model       {parameters:,} parameters: {self.recipe.model.summary}; on {device}, "
            + threads()
        )
        yield training_fact(self.recipe, self.recipe.model.dropout)

    def model(self, device: torch.device) -> Model:
        """See `Task`."""
        seed_everything(self.recipe.training.seed)
        sizes = (len(self.tokenizer), len(self.tokenizer))
        return build_model(self.recipe.model, sizes, shared=True, device=device)

    def loss(self, model: nn.Module, batch: PretrainingBatch, smoothing: float) -> Loss:
        """See `Task`."""
        return pretraining_loss(model, batch, smoothing)

    def validate(self, model: Model) -> dict[str, Any]:
        """See `Task`; over all dev rows, hidden in one fixed way."""
        assert isinstance(model, BERT)
        return pretraining_scores(model, self._rows(self.dev, shuffle=False))

    def higher_is_better(self, metric: str) -> bool:
        """See `Task`."""
        asked = self.recipe.data.next_sentence
        known = [one for one in self.metrics if asked or one != "next_sentence_accuracy"]
        if metric not in known:
            raise ConfigError(
                f"`validation.metric` {metric} is not a metric of hidden tokens. Choose from "
                f"{', '.join(known)}"
                f"{'' if asked else ' (next_sentence_accuracy needs data.next_sentence)'}."
            )
        return self.metrics[metric]

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """See `Task`."""
        return Bundle(model, self.tokenizer, self.tokenizer, facts)

    def story(self, batch: AnyBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """See `Task`."""
        assert isinstance(batch, PretrainingBatch)
        texts = [{"text": " ".join(self.tokenizer.tokens(row))} for row in batch.ids.tolist()]
        return texts, {"ids": batch.ids, "labels": batch.labels, "segments": batch.segments}


def pretraining_loss(model: nn.Module, batch: PretrainingBatch, smoothing: float) -> Loss:
    """Sum of the loss over hidden tokens, and as often the mean loss of the next sentence.

    Paper: Devlin et al. 2018 (arXiv:1810.04805), A.2: the sum of the two mean losses.
    """
    assert isinstance(model, BERT)
    x = model(batch.ids, batch.real, batch.segments)
    chosen = batch.labels != PAD
    smoothed, nll = fused_cross_entropy(
        model.masked.features(x[chosen]), model.masked.table(), batch.labels[chosen], smoothing
    )
    if batch.follows is not None:
        answer = model.next_sentence(model.pooled(x))
        smoothed = smoothed + batch.tokens * F.cross_entropy(answer, batch.follows)
    return Loss(smoothed, nll)


def pretraining_scores(model: BERT, rows: PretrainingRows) -> dict[str, Any]:
    """Return the mean loss of hidden tokens in nats, and how many percent are restored."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total, tokens, right, followed, texts = 0.0, 0, 0, 0, 0
    with torch.no_grad():
        for index in range(rows.count(0)):
            batch = rows.batch(0, index).to(device)
            x = model(batch.ids, batch.real, batch.segments)
            chosen = batch.labels != PAD
            labels = batch.labels[chosen]
            logits = model.masked(x[chosen])
            total += F.cross_entropy(logits, labels, reduction="sum").item()
            right += int((logits.argmax(-1) == labels).sum())
            tokens += len(labels)
            if batch.follows is not None:
                answer = model.next_sentence(model.pooled(x)).argmax(-1)
                followed += int((answer == batch.follows).sum())
                texts += len(answer)
    model.train(was_training)
    scores = {"loss": total / max(1, tokens), "masked_accuracy": 100 * right / max(1, tokens)}
    return scores | ({"next_sentence_accuracy": 100 * followed / texts} if texts else {})


def word_starts(tokenizer: Tokenizer) -> np.ndarray:
    """Return for each id whether it begins a word: it is a space, or a piece that starts with one.

    A space stands before every word but the first of a text, whose tokens belong to no start before
    them and so form one word as well. With units of words every token is one.
    """
    if tokenizer.gaps:
        return np.ones(len(tokenizer), dtype=bool)
    shown = tokenizer.tokens(range(len(tokenizer)))
    return np.array([piece[:1] in (" ", "▁", "\n") for piece in shown])
