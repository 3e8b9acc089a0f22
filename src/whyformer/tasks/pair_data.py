"""Prepare the tokenizers, the training corpus and the validation set from a recipe's files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyformer.bundle import Bundle, Outline, TwoTokenizers
from whyformer.data.batch import Batch
from whyformer.data.batching import SubwordSampling, make_batch
from whyformer.data.corpus import Corpus, build_corpus
from whyformer.data.filters import Filters
from whyformer.data.formats.roles import Roles
from whyformer.data.held_out import Key, Overlap, overlap, place
from whyformer.data.mixture import Mixture, mixture_of
from whyformer.data.plan import kept_plan
from whyformer.data.reading import Pair
from whyformer.decoding.training_lengths import learned_limit, seen_bytes
from whyformer.foundation.errors import DataError
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.pair_sources import Sources, key_of_source, key_of_target, read_sources
from whyformer.tasks.starting import extended_tokenizer, with_new_pieces
from whyformer.tasks.taught import is_taught, with_taught_targets
from whyformer.tasks.tokenizers import given_tokenizer, kept_tokenizers
from whyformer.text.pieces import Pieces
from whyformer.text.sentences import sentences
from whyformer.text.tags import Tagged, split_tag, with_tags
from whyformer.text.tokenizer import Tokenizer

TOKENIZER_LINES = 2_000_000
"""Maximum number of lines to train a tokenizer on."""
SENTENCE_SAMPLE = 2000
"""Number of training sources that are sampled to count their sentences."""


@dataclass(frozen=True)
class Item:
    """One source of the validation set and its references. Every reference counts as correct.

    Args: part: number of the corpus in a mixture.
    """

    source: str
    references: list[str]
    part: int = 0


@dataclass(frozen=True)
class Prepared(TwoTokenizers):
    """The prepared data of a recipe: tokenizers, training corpus and validation set."""

    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    corpus: Corpus
    dev_corpus: Corpus
    dev: list[Item]
    key: str
    overlap: Overlap | None = None
    """The counts of validation data that is also in the training data; None if the validation set
    was held out."""
    tables: Sequence[Roles | str] = ()
    """For each file, the columns that are read, or a description of a file without columns."""
    names: Sequence[str] = ("",)
    """The name of each part of the corpora; see `Sources`."""

    @cached_property
    def target_facts(self) -> dict[str, Any]:
        """The facts about the training targets that are saved with the model; see `Expected`."""
        ratio, extra = learned_limit(self.corpus.source_lengths, self.corpus.target_lengths)
        return {
            "target_ratio": ratio,
            "target_extra": extra,
            "target_bytes": seen_bytes(
                self.corpus.ids["target"], self.target_tokenizer.first_piece
            ),
        }

    def validated(self, count: int) -> list[Item]:
        """Return the validation items to decode: at most ``count``, divided equally among the
        corpora of a mixture."""
        parts = {item.part for item in self.dev}
        left = dict.fromkeys(parts, -(-count // len(parts)))
        chosen: list[Item] = []
        for item in self.dev:
            if left[item.part]:
                left[item.part] -= 1
                chosen.append(item)
        return chosen[:count] if len(parts) == 1 else chosen

    def named(self, metric: str, scores: Mapping[int, float]) -> dict[str, float]:
        """Return the scores of the parts of the validation set by name; empty for one part.

        Args: scores: the score of each part.
        """
        several = len(scores) > 1
        return {f"{metric}/{self.names[part]}": one for part, one in scores.items() if several}

    @cached_property
    def most_sentences(self) -> int:
        """The 99th percentile of the number of sentences in a training source, estimated from a
        sample."""
        sample = np.linspace(0, len(self.corpus) - 1, num=min(len(self.corpus), SENTENCE_SAMPLE))
        counts = sorted(len(sentences(self.corpus.texts(int(place))[0])) for place in sample)
        return counts[int(0.99 * (len(counts) - 1))]


def prepare(
    recipe: Recipe,
    run: Path,
    progress: Callable[[str, int], None] | None = None,
    start: Bundle | Outline | None = None,
) -> Prepared:
    """Read, tokenize and map the data of a recipe into ``run``, or open the data already there.

    Args:
        progress: function that is called with the current activity and the number of finished
            lines.
        start: the model to start from, whose tokenizers are used.
    Raises: DataError, ConfigError for data that cannot be used.
    """
    sources = read_sources(recipe, run)
    if is_taught(recipe):
        sources = with_taught_targets(sources, recipe, run, progress)
    source, target = _tokenizers(recipe, sources, run / "tokenizers", progress, start)

    def corpus(name: str, pairs: Callable[[], Iterator[Pair]]) -> Corpus:
        return build_corpus(
            pairs(),
            source,
            target,
            run / name,
            filters=recipe.data.filters,
            key=f"{sources.key}/{name}",
            progress=partial(progress, f"reading {name}") if progress else None,
            workers=torch.get_num_threads(),
        )

    train, dev = corpus("corpus", sources.train), corpus("corpus-dev", sources.dev)
    _refuse_empty_corpora(recipe, train)
    key = key_of_source(recipe)
    items = _items(sources.dev(), recipe.data.filters, key)
    found = None
    if sources.separate:
        found = _overlap(sources, recipe.data.filters, key, key_of_target(recipe))
    return Prepared(
        source, target, train, dev, items, sources.key, found, sources.tables, sources.names
    )


def _refuse_empty_corpora(recipe: Recipe, corpus: Corpus) -> None:
    """Raise DataError if no pair of a corpus of a mixture is left."""
    sizes = [*corpus.parts, *[0] * (len(recipe.data.mix) - len(corpus.parts))]
    for one, size in zip(recipe.data.mix, sizes, strict=False):
        if not size:
            raise DataError(
                f"Each corpus of `data.mix` must keep at least one training pair, but "
                f"`{one.files[0]}` keeps none. Change its data, its `dev`, or the filters."
            )


class CorpusBatches:
    """The batches of a corpus; implements `training.state.BatchSource`."""

    def __init__(
        self,
        corpus: Corpus,
        *,
        seed: int,
        budget_tokens: int,
        tokenizers: tuple[Tokenizer, Tokenizer],
        sampling: float = 0.0,
        max_tokens: int = 256,
        mixture: Mixture | None = None,
    ) -> None:
        self._corpus, self._seed, self._budget = corpus, seed, budget_tokens
        self._tokenizers, self._sampling, self._max_tokens = tokenizers, sampling, max_tokens
        self._mixture = mixture
        self._plan: tuple[int, list[np.ndarray]] = (-1, [])

    @classmethod
    def of(cls, recipe: Recipe, data: Prepared) -> "CorpusBatches":
        """Return the batches that a recipe trains on."""
        return cls(
            data.corpus,
            seed=recipe.training.seed,
            budget_tokens=recipe.training.batch_tokens,
            tokenizers=(data.source_tokenizer, data.target_tokenizer),
            sampling=recipe.text.sampling,
            max_tokens=recipe.data.filters.max_tokens,
            mixture=mixture_of(recipe.data.mix, data.corpus.parts),
        )

    def plan(self, epoch: int) -> list[np.ndarray]:
        """Return the batches of an epoch, each as the indices of its pairs."""
        if self._plan[0] != epoch:
            batches = kept_plan(
                self._corpus.directory / "plan.npz",
                self._corpus.source_lengths,
                self._corpus.target_lengths,
                seed=self._seed,
                epoch=epoch,
                budget_tokens=self._budget,
                fingerprint=self._corpus.fingerprint,
                mixture=self._mixture,
            )
            self._plan = (epoch, batches)
        return self._plan[1]

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return len(self.plan(epoch))

    def batch(self, epoch: int, index: int) -> Batch:
        """Return one batch."""
        sample = None
        if self._sampling:
            sample = SubwordSampling(
                source_tokenizer=self._tokenizers[0],
                target_tokenizer=self._tokenizers[1],
                rate=self._sampling,
                seed=self._seed,
                epoch=epoch,
                max_tokens=self._max_tokens,
            )
        return make_batch(self._corpus, self.plan(epoch)[index], sample=sample)


def _items(pairs: Iterable[Pair], filters: Filters, key: Key) -> list[Item]:
    """Return the validation sources, in an order that does not depend on the order of the files.

    Sources that are equal for the model are one item, with the references of all of them.
    """
    grouped: dict[str, Item] = {}
    for pair in pairs:
        if filters.reason_by_text(pair.source, pair.target) is None:
            item = grouped.setdefault(key(pair.source), Item(pair.source, [], pair.part))
            item.references.append(pair.target)
    return [grouped[one] for one in sorted(grouped, key=lambda one: (place(one), one))]


def _overlap(sources: Sources, filters: Filters, key: Key, key_of_answer: Key) -> Overlap:
    """Count how many validation sources, and how many validation pairs, are also in the training
    data."""
    kept = (p for p in sources.dev() if filters.reason_by_text(p.source, p.target) is None)
    return overlap(
        ((key(pair.source), key_of_answer(pair.target)) for pair in kept),
        ((key(pair.source), key_of_answer(pair.target)) for pair in sources.train()),
    )


def _tokenizers(
    recipe: Recipe,
    sources: Sources,
    directory: Path,
    progress: Callable[[str, int], None] | None,
    start: Bundle | Outline | None,
) -> tuple[Tokenizer, Tokenizer]:
    text, longest = recipe.text, recipe.data.filters.max_characters
    asked = {
        "data": sources.key,
        "max_characters": longest,
        "text": text.model_dump(mode="json"),
    } | with_new_pieces(recipe)

    def texts(sides: tuple[bool, bool]) -> Iterator[str]:
        for number, pair in enumerate(islice(sources.train(), TOKENIZER_LINES), start=1):
            if progress and number % 4096 == 0:
                progress("training the tokenizer", number)
            for take, side in zip(sides, (pair.source, pair.target), strict=True):
                # The corpus drops lines that are too long, so these lines must not affect the
                # vocabulary.
                if take and len(side) <= longest:
                    tag, rest = split_tag(side)
                    yield rest if tag in tags else side

    tags = [one.tag for one in recipe.data.mix if one.tag]

    def learn() -> list[Tokenizer]:
        return _with_tags(without_tags(), tags)

    def without_tags() -> list[Tokenizer]:
        if start is not None:
            if start.shared:
                both = extended_tokenizer(start.source_tokenizer, recipe, texts((True, True)))
                return [both, both]
            return [
                extended_tokenizer(start.source_tokenizer, recipe, texts((True, False))),
                extended_tokenizer(start.target_tokenizer, recipe, texts((False, True))),
            ]

        if text.is_shared:
            both = given_tokenizer(text, texts((True, True)))
            return [both, both]
        return [
            given_tokenizer(text, texts((True, False))),
            given_tokenizer(text, texts((False, True)), "target"),
        ]

    files = () if start is not None else (text.file_of_source, text.file_of_target)
    source, target = kept_tokenizers(directory, ["source", "target"], asked, learn, files=files)
    return source, target


def _with_tags(tokenizers: list[Tokenizer], tags: Sequence[str]) -> list[Tokenizer]:
    """Return the tokenizers of source and target; that of the source, and an equal one of the
    target, have the tags."""
    source, target = tokenizers
    if not tags:
        return tokenizers
    assert isinstance(source, Pieces | Tagged)
    tagged = with_tags(source, tags)
    return [tagged, tagged if source is target else target]
