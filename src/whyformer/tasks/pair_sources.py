"""Read the pairs of a recipe: training and validation pairs of one corpus or of a mixture."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from whyformer.data import catalog
from whyformer.data.filters import CorpusReport
from whyformer.data.formats.names import plain_name
from whyformer.data.formats.roles import Roles
from whyformer.data.held_out import Draw, Key, key_of, place
from whyformer.data.mixture import MixedCorpus, names_of
from whyformer.data.reading import Pair, pair_files, pair_key, pair_roles, parallel, read_pairs
from whyformer.data.synthetic import synthetic_pairs
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.recipes.recipe import Builtin, Recipe
from whyformer.tasks.standard_input import kept_input, refuse_two_inputs
from whyformer.tasks.starting import with_start_key
from whyformer.text.tags import tagged

MAX_HELD_OUT = 2000
"""Maximum number of held-out pairs of a corpus."""


BUILTIN_PAIRS = (4000, 200)
"""Number of training and of validation pairs of a synthetic task."""


@dataclass(frozen=True)
class Sources:
    """The training and validation pairs, which can be read repeatedly, and a hash of all pairs.

    The source of each pair begins with the tag of its corpus, if it has one. `Pair.part` is the
    number of its corpus.
    """

    train: Callable[[], Iterator[Pair]]
    dev: Callable[[], Iterator[Pair]]
    key: str
    tables: Sequence[Roles | str] = ()
    """For each file, the columns that are read, or a description of a file without columns."""
    separate: bool = False
    """Whether the validation set was given separately, so that it may overlap with the training
    data."""
    names: Sequence[str] = ("",)
    """The name of each corpus, and last, with `data.dev`, the name of this validation set."""


@dataclass(frozen=True)
class _Files:
    """The files of one corpus."""

    train: list[tuple[str, str | None]]
    dev: list[tuple[str, str | None]]
    options: dict[str, Any]
    corpus: MixedCorpus = field(default_factory=lambda: MixedCorpus(files=["-"]))

    def read(self, files: list[tuple[str, str | None]]) -> Iterator[Pair]:
        """Yield the pairs of some of the files."""
        return chain.from_iterable(read_pairs(*one, **self.options, optional=True) for one in files)

    @property
    def key(self) -> str:
        """A hash of all pairs."""
        return "/".join(pair_key(*one, **self.options) for one in [*self.train, *self.dev])

    def tables(self) -> Iterator[Roles | str]:
        """Yield the columns that are read from each file, or a description of the file."""
        names = {name: self.options[name] for name in ("source", "target")}
        for one in [*self.train, *self.dev]:
            sides = pair_files(*one, **names)
            if len(sides) == 2:
                yield f"source = the lines of {sides[0]}, target = the lines of {sides[1]}"
            else:
                yield pair_roles(sides[0], **self.options, optional=True)


def read_sources(recipe: Recipe, run: Path) -> Sources:
    """Return the pairs of a recipe.

    Raises: ConfigError, DataError for data that cannot be used.
    """
    sources = _trimmed(_untrimmed(recipe, run), recipe)
    return replace(sources, key=with_start_key(sources.key, recipe))


def _untrimmed(recipe: Recipe, run: Path) -> Sources:
    data, seed = recipe.data, recipe.training.seed
    if data.builtin is Builtin.CMUDICT:
        split = catalog.pronunciation_split(stress=data.stress)
        dev = [Pair(1, word, phones) for word, several in split.dev.items() for phones in several]
        return Sources(lambda: iter(split.train), lambda: iter(dev), _key_of(split.train))
    if data.builtin:
        train, dev = (
            list(synthetic_pairs(data.builtin.value, count, seed=seed + part))
            for part, count in enumerate(BUILTIN_PAIRS)
        )
        return Sources(lambda: iter(train), lambda: iter(dev), _key_of(train))
    if not data.corpora:
        raise ConfigError(
            "There is nothing to train on: `data.train` is empty. "
            "Give --data PATH: a table of pairs such as a TSV, or the common prefix of two files."
        )
    return _of_files(recipe, run)


def data_key(recipe: Recipe, run: Path) -> str:
    """Return a hash of the data. A resumed run compares this hash to detect changed data."""
    return read_sources(recipe, run).key


def _of_files(recipe: Recipe, run: Path) -> Sources:
    data = recipe.data
    refuse_two_inputs(data.files)
    corpora = [_files_of(recipe, one, run) for one in data.corpora]
    names = names_of(data.mix) if data.mix else [""]
    given = _separate(recipe, run)
    tables = [table for one in [*corpora, *given] for table in one.tables()]
    _refuse_opposite([table for table in tables if isinstance(table, Roles)])
    validated = [not given and one.corpus.validated for one in corpora]
    if not given and not any(validated):
        raise ConfigError(
            "At least one corpus of `data.mix` must be used for validation, but all have "
            "`validated` false. Remove one, or give --dev."
        )
    held = [one and not files.dev for one, files in zip(validated, corpora, strict=True)]
    key = "/".join(one.key for one in [*corpora, *given])
    key += f"/{data.dev_share if any(held) else ''}"
    chosen = [
        _held_out(recipe, files) if hold else frozenset[int]()
        for files, hold in zip(corpora, held, strict=True)
    ]
    everywhere = frozenset[int]().union(*chosen)
    key_of_text = key_of_source(recipe)

    def train() -> Iterator[Pair]:
        for number, files in enumerate(corpora):
            for pair in files.read(files.train):
                if not everywhere or place(key_of_text(pair.source)) not in everywhere:
                    yield pair._replace(part=number)

    def dev() -> Iterator[Pair]:
        for number, files in enumerate([*corpora, *given]):
            if number < len(corpora) and chosen[number]:
                for pair in files.read(files.train):
                    if place(key_of_text(pair.source)) in chosen[number]:
                        yield pair._replace(part=number)
            elif number == len(corpora) or validated[number]:
                for pair in files.read(files.dev):
                    yield pair._replace(part=number)

    if given and data.mix:
        names = [*names, "dev"]
    return Sources(train, dev, key, tables, separate=not any(held), names=names)


def _files_of(recipe: Recipe, corpus: MixedCorpus, run: Path) -> _Files:
    """Return the files of a corpus; those of its validation set are `siblings` of its training
    files if they are not given."""
    data = recipe.data
    names = {"source": corpus.source or data.source, "target": corpus.target or data.target}
    options: dict[str, Any] = {**names, "reading": data.reading}
    paths = [kept_input(path, run) for path in corpus.files]
    train = parallel(paths, **options)
    dev = parallel([kept_input(path, run) for path in corpus.dev], **options)
    if not data.dev and corpus.validated:
        dev = dev or [(path, None) for path in siblings(paths, names)]
    return _Files(train, dev, options, corpus)


def _separate(recipe: Recipe, run: Path) -> list[_Files]:
    """Return the validation set of `data.dev`, or nothing.

    Raises: ConfigError if a corpus of a mixture has its own validation set, too.
    """
    data = recipe.data
    if not data.dev:
        return []
    both = [one for one in data.mix if one.dev]
    if both or (data.mix and all(one.tag for one in data.mix)):
        why = "has its own" if both else "needs its tag"
        name = names_of(both or data.mix)[0]
        raise ConfigError(
            f"`data.dev` is one validation set for all corpora, but the corpus `{name}` {why}. "
            "Give each corpus of `data.mix` its validation set with `dev`."
        )
    options: dict[str, Any] = {
        "source": data.source, "target": data.target, "reading": data.reading
    }  # fmt: skip
    return [_Files([], parallel([kept_input(path, run) for path in data.dev], **options), options)]


def _held_out(recipe: Recipe, files: _Files) -> frozenset[int]:
    """Return the places of the sources of a corpus that are held out for validation."""
    data, key_of_text = recipe.data, key_of_source(recipe)
    draw, report = Draw(2 * MAX_HELD_OUT), CorpusReport()
    for report.read, pair in enumerate(files.read(files.train), start=1):
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
            f"`{files.train[0][0]}` must have at least two different sources, of which one is held "
            "out for validation. Give more pairs, or a validation set with --dev."
        )
    return chosen


def _trimmed(sources: Sources, recipe: Recipe) -> Sources:
    """Remove leading and trailing spaces of all texts, unless `text.keep_spaces` is set, and put
    the tags before the sources."""
    tags = [one.tag for one in recipe.data.corpora] + [None]
    keep, key = recipe.text.keep_spaces, sources.key

    def changed(pairs: Callable[[], Iterator[Pair]]) -> Iterator[Pair]:
        for pair in pairs():
            source, target = (text if keep else text.strip() for text in (pair.source, pair.target))
            yield pair._replace(source=tagged(source, tags[pair.part]), target=target)

    if keep:
        key += "/spaces"
    if any(tags):
        key += f"/tags {' '.join(tag or '-' for tag in tags)}"
    return replace(
        sources, key=key, train=lambda: changed(sources.train), dev=lambda: changed(sources.dev)
    )


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


def key_of_source(recipe: Recipe) -> Key:
    """Return the function that maps a source to its key; see `key_of`."""
    return key_of(recipe.text.lowers_source, keep_spaces=recipe.text.keep_spaces)


def key_of_target(recipe: Recipe) -> Key:
    """Return the function that maps a target to its key; see `key_of`."""
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


def _key_of(pairs: Iterable[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.source}\t{pair.target}\n".encode())
    return digest.hexdigest()
