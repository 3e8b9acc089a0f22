"""The task of text: predict every token from those before it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.documents import Document, Documents, build_documents
from whyformer.data.rows import ContiguousRows, PackedRows, TextBatch
from whyformer.decoding.expected import seen_bytes
from whyformer.evaluation.perplexity import perplexity_scores
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.randomness import seed_everything
from whyformer.foundation.wording import counted
from whyformer.models.build import Model, TextModel, build_model
from whyformer.recipes.recipe import Packing, Recipe
from whyformer.tasks.task import Progress, with_end
from whyformer.tasks.text_data import read_texts, text_tokenizer
from whyformer.tasks.training_facts import threads, training_fact
from whyformer.tasks.validation_facts import overlap_of_lines
from whyformer.training.loss import Loss, fused_cross_entropy, real_places
from whyformer.training.state import AnyBatch

ROWS = {Packing.CONTIGUOUS: ContiguousRows, Packing.DOCUMENTS: PackedRows}


class Language:
    """A `Task` on text."""

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        if recipe.model.family not in ("gpt", "rnn-lm"):
            raise ConfigError(
                "The task `language` needs `model.family` gpt or rnn-lm, but it is "
                f"{recipe.model.family}. Set --model.family gpt, or choose a recipe such as "
                "tiny-gpt or tiny-lstm-lm."
            )
        if recipe.data.row_tokens > recipe.model.max_length:
            raise ConfigError(
                "`data.row_tokens` must be at most `model.max_length`, but "
                f"{recipe.data.row_tokens} is more than {recipe.model.max_length}. "
                "Lower the one or raise the other."
            )
        texts = read_texts(recipe.data, lowercase=recipe.text.lowercase)
        self.recipe, self.key, self.texts = recipe, texts.key, texts
        self.metric, self.unit = recipe.validation.metric, "tokens"
        self.tokenizer = text_tokenizer(recipe, texts, run / "tokenizers", progress)

        def documents(name: str, read: Callable[[], Iterator[Document]]) -> Documents:
            return build_documents(
                read(),
                self.tokenizer,
                run / name,
                key=f"{texts.key}/{name}",
                progress=partial(progress, f"reading {name}") if progress else None,
            )

        self.train, self.dev = documents("corpus", texts.train), documents("corpus-dev", texts.dev)
        self.fingerprint = self.train.fingerprint
        self.seen = seen_bytes(self.train.ids)
        self.batches = self._rows(self.train, shuffle=True)

    def _rows(self, documents: Documents, *, shuffle: bool) -> ContiguousRows | PackedRows:
        return ROWS[self.recipe.data.packing](
            documents,
            row_tokens=self.recipe.data.row_tokens,
            budget_tokens=self.recipe.training.batch_tokens,
            seed=self.recipe.training.seed,
            shuffle=shuffle,
        )

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """See `Task`."""
        data = self.recipe.data
        also = overlap_of_lines(self.texts.overlap())
        for name, documents, end in (("text", self.train, ""), ("validation", self.dev, also)):
            found = documents.report
            yield with_end(
                f"{name:<11} {counted(found.documents, 'document')}, "
                f"{counted(found.characters, 'character')}, "
                f"{counted(found.tokens, 'token')} of a vocabulary of {len(self.tokenizer):,}, "
                f"{found.characters / found.tokens:.2f} characters a token, "
                f"spelled in bytes {found.spelled / found.tokens:.2%}",
                end,
            )
        if self.train.report.changed:
            changed = counted(self.train.report.changed, "line")
            yield f"round trip  encoding and decoding changes {changed}"
        yield (
            f"batches     {self.batches.count(0):,} an epoch of "
            f"{counted(self.batches.rows, 'row')} of {data.row_tokens} tokens, {data.packing}"
        )
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

    def loss(self, model: nn.Module, batch: TextBatch, smoothing: float) -> Loss:
        """See `Task`."""
        return language_loss(model, batch, smoothing)

    def validate(self, model: Model) -> dict[str, Any]:
        """See `Task`; over the whole dev text, in rows as long as those of training."""
        assert isinstance(model, TextModel)
        rows = self._rows(self.dev, shuffle=False)
        return text_scores(model, rows, self.dev)

    def higher_is_better(self, metric: str) -> bool:
        """See `Task`."""
        known = ("loss", "perplexity", "bits_per_character", "bits_per_byte")
        if metric not in known:
            raise ConfigError(
                f"`validation.metric` {metric} is not a metric of text. Choose from "
                f"{', '.join(known)}."
            )
        return False

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """See `Task`."""
        facts = facts | {"row_tokens": self.recipe.data.row_tokens, "target_bytes": self.seen}
        return Bundle(model, self.tokenizer, self.tokenizer, facts)

    def story(self, batch: AnyBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """See `Task`."""
        assert isinstance(batch, TextBatch)
        texts = [{"text": self.tokenizer.decode(row)} for row in batch.labels.tolist()]
        return texts, {"target": batch.target, "labels": batch.labels}


def language_loss(model: nn.Module, batch: TextBatch, smoothing: float) -> Loss:
    """Sum of the loss over the labels of a batch that are no padding."""
    labels = batch.labels.flatten()
    real = real_places(labels, batch.tokens)
    features = model.features(batch.target, batch.documents).flatten(0, 1)  # pyright: ignore
    if real is not None:
        features, labels = features.index_select(0, real), labels.index_select(0, real)
    return fused_cross_entropy(features, model.projection.weight, labels, smoothing)  # pyright: ignore


def text_scores(
    model: TextModel, rows: ContiguousRows | PackedRows, documents: Documents
) -> dict[str, Any]:
    """Return the mean loss in nats a token, the perplexity, and bits a character and a byte."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total, tokens = 0.0, 0
    with torch.no_grad():
        for index in range(rows.count(0)):
            batch = rows.batch(0, index).to(device)
            total += language_loss(model, batch, 0.0).nll.item()
            tokens += batch.tokens
    model.train(was_training)
    report = documents.report
    scores = perplexity_scores(total, tokens, characters=report.characters, bytes_=report.bytes_)
    return {"loss": total / tokens} | {score.name: score.value for score in scores}
