"""The task `translate`: read a source sequence and generate a target sequence."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.data.batch import Batch
from whyformer.data.batching import make_batch
from whyformer.data.formats.roles import Roles
from whyformer.data.plan import plan_epoch
from whyformer.decoding.expected import Expected
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.evaluation.metric import METRICS, metric_named
from whyformer.evaluation.report import evaluate_texts
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.randomness import seed_everything
from whyformer.foundation.wording import counted
from whyformer.models.build import Model, SourceModel, build_model
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import TransformerSettings
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import STARTING, TASKS, ItemForm
from whyformer.tasks.facts import facts_before_training, limit_fact
from whyformer.tasks.pair_data import CorpusBatches, Prepared, prepare
from whyformer.tasks.pair_sources import data_key
from whyformer.tasks.starting import begin, given_tokenizers, read_start
from whyformer.tasks.task import (
    Caution,
    Progress,
    Task,
    evaluation_mode,
)
from whyformer.tasks.taught import is_taught
from whyformer.text.tags import Tagged
from whyformer.training.distillation import Outputs
from whyformer.training.loop import sequence_features, sequence_loss
from whyformer.training.loss import Loss

BLEU_WORDS = 4
"""BLEU counts n-grams of up to this number of words."""
GREEDY = {"beam": 1, "nbest": 1, "method": "beam", "groups": 1}


@TASKS.register("translate")
class Translation(Task):
    """The task of translating a source sequence to a target sequence."""

    default_recipe = "translate"
    families = ("transformer", "rnn")
    items = ItemForm.PAIRS
    reads = STARTING | frozenset({
        "data.mix", "data.target", "data.filters.max_tokens", "data.filters.max_ratio",
        "data.filters.max_characters", "text.shared", "text.keep_spaces", "text.sampling",
        "text.source_units", "text.target_units", "text.source_lowercase", "text.target_lowercase",
        "text.source_from_file", "text.target_from_file",
        "training.label_smoothing", "training.convert", "validation.sentences", "decoding",
    })  # fmt: skip

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        if not isinstance(recipe.model, TransformerSettings | RecurrentSettings):
            raise ConfigError(
                f"The task `{recipe.task}` needs `model.family` transformer or rnn, but it is "
                f"{recipe.model.family}. Choose one of them, or --task language."
            )
        longest, most = recipe.model.longest_source, recipe.data.filters.max_tokens
        if longest is not None and most >= longest:  # 1 for eos
            raise ConfigError(
                f"`data.filters.max_tokens` allows {counted(most, 'token')} and eos, but the "
                f"model has {counted(longest, 'position')}. Set "
                f"--data.filters.max-tokens {longest - 1} or less, or --model.max-length "
                f"{most + 1} or more."
            )
        self.longest = recipe.model.longest_target
        self.start = read_start(recipe)
        self.data: Prepared = prepare(recipe, run, progress, given_tokenizers(recipe, self.start))
        self.asked, self.metric = recipe.validation.metric, metric_for(recipe, self.data)
        validation = recipe.validation.model_copy(update={"metric": self.metric})
        self.recipe = recipe = recipe.model_copy(update={"validation": validation})
        self.batches = self.pair_batches = CorpusBatches.of(recipe, self.data)
        self.key, self.fingerprint = self.data.key, self.data.corpus.fingerprint

    @classmethod
    def data_key(cls, recipe: Recipe, run: Path) -> str:
        """Return a hash of the data; see `Task.data_key`."""
        return data_key(recipe, run)

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """Yield the lines that a run prints before its first update; see `Task.facts`."""
        if is_taught(self.recipe):
            nbest = self.recipe.distil.nbest
            nearest = "the output"
            if nbest > 1:
                nearest = f"the nearest to the target of {counted(nbest, 'output')}"
            yield f"targets     {nearest} of {counted(len(self.recipe.distil.teachers), 'teacher')}"
        yield from facts_before_training(
            self.recipe, self.data, self.pair_batches, parameters, device
        )
        expected = Expected.from_facts(expected_facts(self.recipe, self.data))
        yield limit_fact(self.recipe.decoding, self.data, self.longest, expected)
        if self.metric != self.asked:
            yield Caution(
                f"            {self.asked} needs targets of at least {BLEU_WORDS} words, and most "
                f"validation targets are shorter, so {self.metric} selects the best weights"
            )

    def model(self, device: torch.device) -> SourceModel:
        """Return the initialized model; see `Task.model`."""
        return self.model_with(self.recipe, device)

    def model_with(self, recipe: Recipe, device: torch.device) -> SourceModel:
        """Return the initialized model with the dropout and the frozen weights of another
        recipe."""
        seed_everything(recipe.training.seed)
        data = self.data
        tokenizers = (data.source_tokenizer, data.target_tokenizer)
        sizes = (len(data.source_tokenizer), len(data.target_tokenizer))
        model = build_model(recipe.model, sizes, shared=data.one_vocabulary, device=device)
        assert isinstance(model, SourceModel)
        begin(model, recipe, self.start, tokenizers)
        return model

    def loss(self, model: nn.Module, batch: Batch, smoothing: float) -> Loss:
        """Return the loss, summed over the targets of a batch; see `Task.loss`."""
        return sequence_loss(model, batch, smoothing)

    def outputs(self, model: nn.Module, batch: Batch) -> Outputs:
        """Return the logits of the real target tokens of a batch; see `Task.outputs`."""
        features, labels = sequence_features(model, batch)
        return Outputs(model.projection(features), labels)  # pyright: ignore

    def validate(self, model: Model) -> dict[str, Any]:
        """Return the mean loss and the metric on the validation set; see `Task.validate`. For the
        metric, only a part of the validation set is decoded."""
        assert isinstance(model, SourceModel)
        with evaluation_mode(model):
            return self._mean_loss(model) | _decoded_score(self.recipe, model, self.data)

    def _mean_loss(self, model: SourceModel) -> dict[str, float]:
        """Return the mean loss over the validation set and, for a mixture, over the validation set
        of each corpus, in nats per token."""
        corpus, device = self.data.dev_corpus, next(model.parameters()).device
        ends = np.cumsum(corpus.parts)
        losses: list[float] = []
        counts: list[int] = []
        for start, end in zip(ends - corpus.parts, ends, strict=True):
            loss, tokens = 0.0, 0
            for indices in plan_epoch(
                corpus.source_lengths[start:end],
                corpus.target_lengths[start:end],
                seed=0,
                epoch=0,
                budget_tokens=self.recipe.training.batch_tokens,
                fingerprint=corpus.fingerprint,
            ):
                batch = make_batch(corpus, indices + start).to(device)
                loss += self.loss(model, batch, 0.0).nll.item()
                tokens += batch.tokens
            losses.append(loss)
            counts.append(tokens)
        parts = {
            number: loss / tokens
            for number, (loss, tokens) in enumerate(zip(losses, counts, strict=True))
            if tokens
        }
        return {"loss": sum(losses) / sum(counts)} | self.data.named("loss", parts)

    @property
    def validation_items(self) -> int:
        """The number of items in the validation set; see `Task.validation_items`."""
        return len(self.data.dev_corpus)

    def available_metrics(self) -> dict[str, bool]:
        """Return the loss and all registered metrics of texts."""
        return {"loss": False} | {name: metric_named(name).higher_is_better for name in METRICS}

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """Return the model with everything that is needed to use it; see `Task.bundle`."""
        facts = facts | expected_facts(self.recipe, self.data)
        first = self.data.tables[0] if self.data.tables else None
        if isinstance(first, Roles) and list(first.columns.values()) != ["1", "2"]:
            facts |= {"columns": first.columns}
        return Bundle(model, self.data.source_tokenizer, self.data.target_tokenizer, facts)

    def preview(self, batch: Batch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """Return the texts of a batch for display, and its tensors; see `Task.preview`."""
        texts = [self.data.corpus.texts(int(index)) for index in batch.indices]
        tensors = {"source": batch.source, "target": batch.target, "labels": batch.labels}
        return [{"source": source, "target": target} for source, target in texts], tensors


def metric_for(recipe: Recipe, data: Prepared) -> str:
    """Return the recipe's metric. If this metric is BLEU, but most targets are too short for BLEU,
    return chrF.

    BLEU counts n-grams of up to four words. If all targets are shorter, BLEU is 0 even for perfect
    outputs.
    """
    if recipe.validation.metric != "bleu":
        return recipe.validation.metric
    longest = (max(len(one.split()) for one in item.references) for item in data.dev)
    long_enough = sum(words >= BLEU_WORDS for words in longest)
    return "bleu" if 2 * long_enough >= len(data.dev) else "chrf"


def expected_facts(recipe: Recipe, data: Prepared) -> dict[str, Any]:
    """Return the facts about the training texts that are saved with a model; see `Expected`."""
    return {
        "keep_spaces": recipe.text.keep_spaces,
        "longest_source": int(data.corpus.source_lengths.max()),
        "most_sentences": data.most_sentences,
        **data.target_facts,
        **tag_facts(recipe, data),
    }


def tag_facts(recipe: Recipe, data: Prepared) -> dict[str, Any]:
    """Return the facts about the tags of sources; empty for a model without tags."""
    if not isinstance(data.source_tokenizer, Tagged):
        return {}
    needed = bool(recipe.data.mix) and all(one.tag for one in recipe.data.mix)
    return {"tags": list(data.source_tokenizer.tags), "needs_tag": needed}


def _decoded_score(recipe: Recipe, model: SourceModel, data: Prepared) -> dict[str, float]:
    """Decode a part of the validation set and return the recipe's metric. If the metric is `loss`,
    nothing is decoded, and the result is empty."""
    metric = recipe.validation.metric
    if metric == "loss":
        return {}
    items = data.validated(recipe.validation.sentences)
    expected = Expected.from_facts(expected_facts(recipe, data))
    translator = Translator(
        [model], data.source_tokenizer, data.target_tokenizer, expected=expected
    )
    search = SearchSettings.model_validate(recipe.decoding.model_dump() | GREEDY)
    texts = [t.text for t in translator.translate([item.source for item in items], search)]

    def score(chosen: Sequence[int]) -> float:
        found = evaluate_texts(
            [[texts[one] for one in chosen]],
            [items[one].references for one in chosen],
            [metric],
            names=["model"],
            lowercase=recipe.text.lowers_target,
            resamples=0,
        )
        return found.scores["model"][0].value

    of_part: dict[int, list[int]] = {}
    for number, item in enumerate(items):
        of_part.setdefault(item.part, []).append(number)
    parts = {part: score(chosen) for part, chosen in sorted(of_part.items())}
    return {metric: score(range(len(items)))} | data.named(metric, parts)
