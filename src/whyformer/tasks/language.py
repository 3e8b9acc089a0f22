"""The task `language`: predict each token of a text from the tokens before it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.documents import Documents
from whyformer.data.rows import ContiguousRows, PackedRows, TextBatch
from whyformer.decoding.training_lengths import seen_bytes
from whyformer.evaluation.perplexity import perplexity_scores
from whyformer.foundation.wording import counted
from whyformer.models.build import Model, TextModel
from whyformer.recipes.recipe import Packing, Recipe
from whyformer.recipes.task_declaration import TASKS
from whyformer.tasks.task import Progress, batches_on_device, evaluation_mode
from whyformer.tasks.text_task import TextTask
from whyformer.training.distillation import Outputs
from whyformer.training.loss import Loss, as_product, fused_cross_entropy, real_places

ROWS = {Packing.CONTIGUOUS: ContiguousRows, Packing.DOCUMENTS: PackedRows}


@TASKS.register("language")
class Language(TextTask):
    """The task of predicting the next token of a text."""

    default_recipe = "tiny-gpt"
    families = ("gpt", "rnn-lm")
    reads = TextTask.reads | {"data.packing", "decoding"}
    metrics = {
        "loss": False, "perplexity": False, "bits_per_character": False, "bits_per_byte": False
    }  # fmt: skip

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        super().__init__(recipe, run, progress)
        self.seen = seen_bytes(self.train.ids, self.tokenizer.first_piece)
        self.batches = self.rows = self._rows(self.train, shuffle=True)

    def _rows(self, documents: Documents, *, shuffle: bool) -> ContiguousRows | PackedRows:
        return ROWS[self.recipe.data.packing](
            documents,
            row_tokens=self.recipe.data.row_tokens,
            budget_tokens=self.recipe.training.batch_tokens,
            seed=self.recipe.training.seed,
            shuffle=shuffle,
        )

    def batch_facts(self) -> Iterator[str]:
        """Yield the lines about the batches; see `TextTask.batch_facts`."""
        data = self.recipe.data
        if self.train.report.changed:
            changed = counted(self.train.report.changed, "line")
            yield f"round trip  encoding and decoding changes {changed}"
        yield (
            f"batches     {self.batches.count(0):,} per epoch, each of "
            f"{counted(self.rows.rows, 'row')} of {data.row_tokens} tokens, {data.packing}"
        )

    def loss(self, model: nn.Module, batch: TextBatch, smoothing: float) -> Loss:
        """Return the loss, summed over the targets of a batch; see `Task.loss`."""
        return language_loss(model, batch, smoothing)

    def outputs(self, model: nn.Module, batch: TextBatch) -> Outputs:
        """Return the logits of all labels except padding; see `Task.outputs`."""
        features, labels = language_features(model, batch)
        return Outputs(model.projection(features), labels)  # pyright: ignore

    def validate(self, model: Model) -> dict[str, Any]:
        """Return the mean loss and the metric on the validation set; see `Task.validate`. The whole
        validation text is used, in rows of the same length as in training."""
        assert isinstance(model, TextModel)
        return text_scores(model, self.validation_rows(), self.dev, self.loss)

    def validation_rows(self, documents: Documents | None = None) -> ContiguousRows | PackedRows:
        """Return a text in rows of the same length as in training. Args: documents: None means the
        validation text."""
        return self._rows(self.dev if documents is None else documents, shuffle=False)

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """Return the model with everything that is needed to use it; see `Task.bundle`."""
        facts = facts | {"row_tokens": self.recipe.data.row_tokens, "target_bytes": self.seen}
        return Bundle(model, self.tokenizer, self.tokenizer, facts)

    def preview(self, batch: TextBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """Return the texts of a batch for display, and its tensors; see `Task.preview`."""
        texts = [{"text": self.tokenizer.decode(row)} for row in batch.labels.tolist()]
        return texts, {"target": batch.target, "labels": batch.labels}


def language_loss(model: nn.Module, batch: TextBatch, smoothing: float) -> Loss:
    """Return the loss of a batch, summed over all labels except padding."""
    features, labels = language_features(model, batch)
    vectors, matrix = as_product(model.projection, features)  # pyright: ignore[reportArgumentType]
    return fused_cross_entropy(vectors, matrix, labels, smoothing)


def language_features(
    model: nn.Module, batch: TextBatch
) -> tuple[Float[Tensor, "tokens d_model"], Int[Tensor, "tokens"]]:
    """Return the features and the labels of a batch, without padding."""
    labels = batch.labels.flatten()
    real = real_places(labels, batch.tokens)
    features = model.features(batch.target, batch.documents).flatten(0, 1)  # pyright: ignore
    if real is not None:
        features, labels = features.index_select(0, real), labels.index_select(0, real)
    return features, labels


def text_scores(
    model: TextModel,
    rows: ContiguousRows | PackedRows,
    documents: Documents,
    loss_of: Callable[[nn.Module, TextBatch, float], Loss] = language_loss,
) -> dict[str, Any]:
    """Return the scores of a model on a text: mean loss in nats per token, perplexity, bits per
    character and bits per byte."""
    total, tokens = 0.0, 0
    with evaluation_mode(model):
        for batch in batches_on_device(rows, model):
            total += loss_of(model, batch, 0.0).nll.item()
            tokens += batch.tokens
    report = documents.report
    scores = perplexity_scores(total, tokens, characters=report.characters, bytes_=report.bytes_)
    return {"loss": total / tokens} | {score.name: score.value for score in scores}
