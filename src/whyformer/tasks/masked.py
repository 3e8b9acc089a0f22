"""The task `masked`: predict the masked tokens of a text (the pre-training of BERT)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.documents import Documents
from whyformer.data.pretraining_rows import Fill, PretrainingBatch, PretrainingRows
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.wording import counted, either
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.build import Model
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import TASKS
from whyformer.tasks.task import Progress, batches_on_device, evaluation_mode
from whyformer.tasks.text_task import TextTask
from whyformer.text.pieces import UNITS
from whyformer.text.symbols import PAD
from whyformer.text.tokenizer import Tokenizer
from whyformer.training.distillation import Outputs
from whyformer.training.loss import Loss, fused_cross_entropy


@TASKS.register("masked")
class Pretraining(TextTask):
    """The task of predicting the masked tokens of a text."""

    default_recipe = "tiny-bert"
    families = ("bert",)
    reads = TextTask.reads | {
        "data.next_sentence", "data.rows", "data.mask_rate", "data.whole_words"
    }  # fmt: skip
    unit, loss_unit = "masked tokens", "nats per masked token"
    metrics = {"loss": False, "masked_accuracy": True, "next_sentence_accuracy": True}
    metric_needs = {"next_sentence_accuracy": "data.next_sentence"}

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        if isinstance(recipe.model, BERTSettings) and recipe.model.outputs:
            raise ConfigError(
                f"`model.outputs` must be 0 for the task `{recipe.task}`, which trains the "
                f"pre-training heads, but it is {recipe.model.outputs}. Leave it out."
            )
        if recipe.data.next_sentence and recipe.data.rows is not Fill.DOCUMENTS:
            raise ConfigError(
                "`data.rows: full` cannot be combined with `data.next_sentence: true`. Set "
                "data.next_sentence to false, or data.rows to documents."
            )
        super().__init__(recipe, run, progress)
        self.batches = self.rows = self._rows(self.train, shuffle=True)
        self._refuse_no_rows("training", self.rows)
        self._refuse_no_rows("validation", self._rows(self.dev, shuffle=False))

    def _rows(self, documents: Documents, *, shuffle: bool) -> PretrainingRows:
        data = self.recipe.data
        line_end = self.tokenizer.encode("\n")
        if data.next_sentence and len(line_end) != 1:
            raise ConfigError(
                "`data.next_sentence` needs a tokenizer that keeps line ends, but `text.units` is "
                f"{self.tokenizer.units}. Choose "
                f"{either(name for name, kind in UNITS.items() if kind.learned and not kind.gaps)}."
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

    def _refuse_no_rows(self, name: str, rows: PretrainingRows) -> None:
        """Raise DataError if a text gives no rows, because its mean loss would be undefined."""
        if not rows.count(0):
            raise DataError(
                f"The {name} text must have at least one row, but it has none: with "
                "`data.next_sentence`, a row needs a second line, from the same document or from "
                "another one. Give more text, divide it into documents with --data.documents "
                "paragraphs or lines, or set --data.next-sentence false."
            )

    def batch_facts(self) -> Iterator[str]:
        """Yield the lines about the batches; see `TextTask.batch_facts`."""
        data, training = self.recipe.data, self.recipe.training
        rows, batches = self.rows.plan(0)
        pairs = ", half of them with a second text that does not follow the first"
        pairs *= data.next_sentence
        across = ", filled across documents" * (data.rows is Fill.FULL)
        yield (
            f"batches     {len(batches):,} per epoch, each of at most {training.batch_tokens:,} "
            f"tokens; {counted(len(rows), 'row')} of at most {data.row_tokens}{pairs}{across}"
        )
        what = "words" if data.whole_words else "tokens"
        yield f"masked      {data.mask_rate:.0%} of the {what}, chosen again in every epoch"

    def loss(self, model: nn.Module, batch: PretrainingBatch, smoothing: float) -> Loss:
        """Return the loss, summed over the targets of a batch; see `Task.loss`."""
        return pretraining_loss(model, batch, smoothing)

    def outputs(self, model: nn.Module, batch: PretrainingBatch) -> Outputs:
        """Return the logits of the masked tokens; see `Task.outputs`.

        Raises: ConfigError for next-sentence prediction, which has no teacher.
        """
        if batch.follows is not None or not isinstance(model, BERT):
            return super().outputs(model, batch)
        chosen = batch.labels != PAD
        x = model(batch.ids, batch.real, batch.segments)
        return Outputs(model.masked(x[chosen]), batch.labels[chosen])

    def validate(self, model: Model) -> dict[str, Any]:
        """Return the mean loss and the metric on the validation set; see `Task.validate`. All
        validation rows are used, each time with the same masked tokens."""
        assert isinstance(model, BERT)
        return pretraining_scores(model, self._rows(self.dev, shuffle=False))

    def available_metrics(self) -> dict[str, bool]:
        """Return the metrics that this recipe and its data support; see
        `Task.available_metrics`."""
        without = "" if self.recipe.data.next_sentence else "next_sentence_accuracy"
        return {name: higher for name, higher in self.metrics.items() if name != without}

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """Return the model with everything that is needed to use it; see `Task.bundle`."""
        return Bundle(model, self.tokenizer, self.tokenizer, facts)

    def preview(self, batch: PretrainingBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """Return the texts of a batch for display, and its tensors; see `Task.preview`."""
        texts = [{"text": " ".join(self.tokenizer.tokens(row))} for row in batch.ids.tolist()]
        return texts, {"ids": batch.ids, "labels": batch.labels, "segments": batch.segments}


def pretraining_loss(model: nn.Module, batch: PretrainingBatch, smoothing: float) -> Loss:
    """Return the loss of a batch. With n masked tokens, it is n · (mean loss of the masked tokens +
    mean loss of next-sentence prediction).

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
    """Return the scores of a model: the mean loss of the masked tokens in nats, and accuracies in
    percent."""
    total, tokens, right, followed, texts = 0.0, 0, 0, 0, 0
    with evaluation_mode(model):
        for batch in batches_on_device(rows, model):
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
    scores = {"loss": total / max(1, tokens), "masked_accuracy": 100 * right / max(1, tokens)}
    return scores | ({"next_sentence_accuracy": 100 * followed / texts} if texts else {})


def word_starts(tokenizer: Tokenizer) -> np.ndarray:
    """Return, for each id, whether its token starts a word, that is, begins with a space.

    The first word of a text does not begin with a space, so its tokens come before the first token
    that starts a word. These tokens are treated as one word. If the units are words, each token is
    a word.
    """
    if tokenizer.gaps:
        return np.ones(len(tokenizer), dtype=bool)
    shown = tokenizer.tokens(range(len(tokenizer)))
    return np.array([piece[:1] in (" ", "▁", "\n") for piece in shown])
