"""Prepare the tokenizers, the training corpus and the validation set from a recipe's files."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyformer.bundle import Bundle, Outline, TwoTokenizers
from whyformer.data import catalog
from whyformer.data.batch import Batch
from whyformer.data.batching import SubwordSampling, make_batch
from whyformer.data.corpus import Corpus, build_corpus
from whyformer.data.filters import CorpusReport, Filters
from whyformer.data.formats.names import plain_name
from whyformer.data.formats.roles import Roles
from whyformer.data.held_out import Draw, Key, Overlap, key_of, overlap, place
from whyformer.data.plan import kept_plan
from whyformer.data.reading import Pair, pair_files, pair_key, pair_roles, parallel, read_pairs
from whyformer.data.synthetic import synthetic_pairs
from whyformer.decoding.expected import learned_limit, seen_bytes
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.recipes.recipe import Builtin, Recipe
from whyformer.tasks.standard_input import kept_input, refuse_two_inputs
from whyformer.tasks.starting import extended_tokenizer, with_new_pieces, with_start_key
from whyformer.tasks.tokenizers import given_tokenizer, kept_tokenizers
from whyformer.text.sentences import sentences
from whyformer.text.tokenizer import Tokenizer

MAX_HELD_OUT = 2000
"""Maximum number of held-out pairs."""
TOKENIZER_LINES = 2_000_000
"""Maximum number of lines to train a tokenizer on."""
SENTENCE_SAMPLE = 2000
"""Number of training sources that are sampled to count their sentences."""


@dataclass(frozen=True)
class Item:
    """One source of the validation set and its references. Every reference counts as correct."""

    source: str
    references: list[str]


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

    @cached_property
    def most_sentences(self) -> int:
        """The 99th percentile of the number of sentences in a training source, estimated from a
        sample."""
        sample = np.linspace(0, len(self.corpus) - 1, num=min(len(self.corpus), SENTENCE_SAMPLE))
        counts = sorted(len(sentences(self.corpus.texts(int(place))[0])) for place in sample)
        return counts[int(0.99 * (len(counts) - 1))]


@dataclass(frozen=True)
class _Sources:
    """The training and validation pairs, which can be read repeatedly, and a hash of all pairs."""

    train: Callable[[], Iterator[Pair]]
    dev: Callable[[], Iterator[Pair]]
    key: str
    tables: Sequence[Roles | str] = ()
    """For each file, the columns that are read, or a description of a file without columns."""
    separate: bool = False
    """Whether the validation set was given separately, so that it may overlap with the training
    data."""


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
    sources = _trimmed(_sources(recipe, run), keep_spaces=recipe.text.keep_spaces)
    sources = replace(sources, key=with_start_key(sources.key, recipe))
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
    key = _key_of_source(recipe)
    items = _items(sources.dev(), recipe.data.filters, key)
    found = None
    if sources.separate:
        found = _overlap(sources, recipe.data.filters, key, _key_of_target(recipe))
    return Prepared(source, target, train, dev, items, sources.key, found, sources.tables)


def data_key(recipe: Recipe, run: Path) -> str:
    """Return a hash of the data. A resumed run compares this hash to detect changed data."""
    key = _trimmed(_sources(recipe, run), keep_spaces=recipe.text.keep_spaces).key
    return with_start_key(key, recipe)


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
    ) -> None:
        self._corpus, self._seed, self._budget = corpus, seed, budget_tokens
        self._tokenizers, self._sampling, self._max_tokens = tokenizers, sampling, max_tokens
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


def _sources(recipe: Recipe, run: Path) -> _Sources:
    data, seed = recipe.data, recipe.training.seed
    if data.builtin and data.train:
        raise ConfigError(
            f"`data.builtin` {data.builtin} and `data.train` cannot both be given. Leave one out."
        )
    if data.builtin is Builtin.CMUDICT:
        split = catalog.pronunciation_split(stress=data.stress)
        dev = [Pair(1, word, phones) for word, several in split.dev.items() for phones in several]
        return _Sources(lambda: iter(split.train), lambda: iter(dev), _key_of(split.train))
    if data.builtin:
        train, dev = (
            list(synthetic_pairs(data.builtin.value, count, seed=seed + part))
            for part, count in enumerate((4000, 200))
        )
        return _Sources(lambda: iter(train), lambda: iter(dev), _key_of(train))
    if not data.train:
        raise ConfigError(
            "There is nothing to train on: `data.train` is empty. "
            "Give --data PATH: a table of pairs such as a TSV, or the common prefix of two files."
        )
    names: dict[str, Any] = {"source": data.source, "target": data.target}
    options = {**names, "reading": data.reading}
    refuse_two_inputs([*data.train, *data.dev])
    paths = [kept_input(path, run) for path in data.train]
    train_files = parallel(paths, **options)
    dev_files = parallel([kept_input(path, run) for path in data.dev], **options)
    dev_files = dev_files or [(path, None) for path in siblings(paths, names)]
    key = "/".join(pair_key(*one, **options) for one in [*train_files, *dev_files])
    key += f"/{data.dev_share if not dev_files else ''}"

    def read(files: list[tuple[str, str | None]]) -> Iterator[Pair]:
        return chain.from_iterable(read_pairs(*one, **options, optional=True) for one in files)

    tables: list[Roles | str] = []
    for one in [*train_files, *dev_files]:
        sides = pair_files(*one, **names)
        if len(sides) == 2:
            tables.append(f"source = the lines of {sides[0]}, target = the lines of {sides[1]}")
        else:
            tables.append(pair_roles(sides[0], **options, optional=True))
    _refuse_opposite([table for table in tables if isinstance(table, Roles)])

    if dev_files:
        return _Sources(
            lambda: read(train_files), lambda: read(dev_files), key, tables, separate=True
        )
    key_of_text = _key_of_source(recipe)
    draw, report = Draw(2 * MAX_HELD_OUT), CorpusReport()
    for report.read, pair in enumerate(read(train_files), start=1):
        reason = data.filters.reason_by_text(pair.source, pair.target)
        if reason is None:
            draw.add(key_of_text(pair.source))
        else:
            report.drop(reason, pair.place)
    if not draw.count:
        raise DataError(report.nothing_left())
    chosen = draw.held_out(data.dev_share, MAX_HELD_OUT)
    if not chosen:
        raise DataError(
            f"`{paths[0]}` must have at least two different sources, of which one is held "
            "out for validation. Give more pairs, or a validation set with --dev."
        )

    def part(held: bool) -> Iterator[Pair]:
        return (p for p in read(train_files) if (place(key_of_text(p.source)) in chosen) == held)

    return _Sources(lambda: part(False), lambda: part(True), key, tables)


def _refuse_opposite(tables: Sequence[Roles]) -> None:
    """Raise DataError if a file has the same two columns as the first file, but in the opposite
    order."""
    for table in tables[1:]:
        first, names = (
            [plain_name(name) for name in one.columns.values()] for one in (tables[0], table)
        )
        if names == first[::-1] and names != first:
            raise DataError(
                f"All files must have the same direction, but `{tables[0].table.path}` is read "
                f"from {' to '.join(first)} and `{table.table.path}` from {' to '.join(names)}. "
                f"Give --columns {','.join(first)}."
            )


def _trimmed(sources: _Sources, *, keep_spaces: bool) -> _Sources:
    """Remove leading and trailing spaces of all texts, unless ``keep_spaces`` is set."""
    if keep_spaces:
        return replace(sources, key=f"{sources.key}/spaces")

    def trimmed(pairs: Callable[[], Iterator[Pair]]) -> Callable[[], Iterator[Pair]]:
        return lambda: (
            pair._replace(source=pair.source.strip(), target=pair.target.strip())
            for pair in pairs()
        )

    return replace(sources, train=trimmed(sources.train), dev=trimmed(sources.dev))


def _key_of_source(recipe: Recipe) -> Key:
    return key_of(recipe.text.lowers_source, keep_spaces=recipe.text.keep_spaces)


def _key_of_target(recipe: Recipe) -> Key:
    return key_of(recipe.text.lowers_target, keep_spaces=recipe.text.keep_spaces)


def siblings(train: list[str], names: dict[str, str | None]) -> list[str]:
    """For each path ``…/train``, return the path ``…/dev`` if the files of ``…/dev`` exist."""
    found: list[str] = []
    for path in train:
        place = Path(path)
        sibling = place.with_name(place.name.replace("train", "dev", 1))
        if sibling == place:
            continue
        try:
            files = pair_files(str(sibling), **names)
        except DataError:
            continue
        if all(Path(file).exists() for file in files):
            found.append(str(sibling))
    return found


def _items(pairs: Iterable[Pair], filters: Filters, key: Key) -> list[Item]:
    """Return the validation sources, in an order that does not depend on the order of the files.

    Sources that are equal for the model are one item, with the references of all of them.
    """
    grouped: dict[str, Item] = {}
    for pair in pairs:
        if filters.reason_by_text(pair.source, pair.target) is None:
            item = grouped.setdefault(key(pair.source), Item(pair.source, []))
            item.references.append(pair.target)
    return [grouped[one] for one in sorted(grouped, key=lambda one: (place(one), one))]


def _overlap(sources: _Sources, filters: Filters, key: Key, key_of_answer: Key) -> Overlap:
    """Count how many validation sources, and how many validation pairs, are also in the training
    data."""
    kept = (p for p in sources.dev() if filters.reason_by_text(p.source, p.target) is None)
    return overlap(
        ((key(pair.source), key_of_answer(pair.target)) for pair in kept),
        ((key(pair.source), key_of_answer(pair.target)) for pair in sources.train()),
    )


def _tokenizers(
    recipe: Recipe,
    sources: _Sources,
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
                    yield side

    def learn() -> list[Tokenizer]:
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


def _key_of(pairs: Iterable[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.source}\t{pair.target}\n".encode())
    return digest.hexdigest()
