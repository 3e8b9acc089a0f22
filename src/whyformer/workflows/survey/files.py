"""Open data files for a survey: find the kind of data in the files, and read their items."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from whyformer.data.formats.names import plain_name
from whyformer.data.formats.roles import Roles
from whyformer.data.formats.tables import cells_of
from whyformer.data.labelled import example_roles
from whyformer.data.lines import STDIN, read_lines, readable
from whyformer.data.reading import Reading, pair_files, pair_roles, parallel, read_pairs
from whyformer.data.survey.profile import Kind
from whyformer.data.tagged import read_tagged, tag_roles, word_columns
from whyformer.foundation.errors import DataError, UsageError, nearest
from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import DataSettings
from whyformer.tasks.files_facts import described, words_described
from whyformer.tasks.pair_sources import siblings
from whyformer.tasks.text_data import text_roles
from whyformer.workflows.survey.kind import kind_of

KINDS = {
    "translate": Kind.PAIRS, "classify": Kind.LABELLED, "regress": Kind.LABELLED,
    "tag": Kind.TAGGED, "language": Kind.TEXT, "masked": Kind.TEXT, "replaced": Kind.TEXT,
}  # fmt: skip
"""For each task, the kind of its data."""
MOST_FAULTS = 0.2
"""If more than this share of the lines cannot be read, the first error is raised."""
KEPT_FAULTS = 5
SECOND = "\u2029"
"""Character between two texts with one label. It is the paragraph separator of Unicode, which
counts as a space."""


class Item(NamedTuple):
    """One line or record of the data: a pair, a text with its label, or a line of text."""

    line: int
    source: str
    """The source or the text. Two texts are separated by `SECOND`."""
    target: str
    """The target, or the label; for labelled words, the labels separated by spaces."""
    path: str

    @property
    def place(self) -> str:
        """The file and the line of the item, as text."""
        return f"{self.path}:{self.line}"


@dataclass
class Faults:
    """Lines that cannot be read, or not completely."""

    count: int = 0
    errors: list[DataError] = field(default_factory=list)
    """The first errors, which are shown in messages."""
    watch: Callable[[str, int, str, str], None] | None = None
    """Function that is called for each line that is left out, with the path, the number of the
    line, the reason and the text."""

    def add(
        self, path: str, line: int, make: Callable[[], DataError], text: str, *, kept: bool
    ) -> None:
        """Count a fault. For the arguments, see `OnFault`."""
        self.count += 1
        error = None
        if len(self.errors) < KEPT_FAULTS:
            error = make()
            self.errors.append(error)
        if self.watch is not None and not kept:
            self.watch(path, line, _reason(error or make()), text)


def _reason(error: DataError) -> str:
    """Return the part of an error message that describes the error, without place and advice."""
    return str(error).partition(": ")[2].partition(". ")[0]


@dataclass
class Files:
    """Data files that can be read several times.

    Args:
        data: the files, their columns, and the settings for reading them.
        kind: the kind of data in the files.
    """

    data: DataSettings
    kind: Kind
    described: list[str] = field(default_factory=list)
    """A line about each file: its format and its columns."""
    headings: frozenset[tuple[str, str]] = frozenset()
    """The names of the columns that are read."""
    validation: list[str] = field(default_factory=list)
    """Files of validation data: given by the user, or found beside the training data."""
    suffixes: tuple[str, str] | None = None
    """The suffixes of two parallel files."""
    second: bool = False
    """Whether each label belongs to two texts."""
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.validation = list(self.data.dev)
        if self.kind is Kind.PAIRS:
            names = {"source": self.data.source, "target": self.data.target}
            self.validation = self.validation or siblings(self.data.train, names)
            self._describe_pairs()
        else:
            for path in self.data.train:
                readable(path)
                self._describe(path)

    @property
    def task_words(self) -> tuple[str, str]:
        """The names of the two sides: source and target, or text and label."""
        return ("source", "target") if self.kind is Kind.PAIRS else ("text", "label")

    @property
    def paths(self) -> list[Path]:
        """The files of the training data."""
        if self.kind is not Kind.PAIRS:
            return [Path(path) for path in self.data.train]
        names = {"source": self.data.source, "target": self.data.target}
        files = parallel(self.data.train, **names, reading=self.data.reading)
        return [Path(side) for one in files for side in pair_files(*one, **names)]

    def read(self) -> Iterator[Item]:
        """Yield the items of the training data. Each call starts the count of faults at zero."""
        self.faults.count, self.faults.errors = 0, []
        return self._read(self.data.train, self.faults)

    def read_validation(self) -> Iterator[Item]:
        """Yield the items of the validation data."""
        return self._read(self.validation, None)

    def refuse_faults(self, count: int) -> None:
        """Raise the first error if a large share of the lines cannot be read.

        Args: count: number of items that were read.
        """
        faults = self.faults
        if faults.errors and (not count or faults.count > MOST_FAULTS * (count + faults.count)):
            raise faults.errors[0]

    def _reading(self, path: str, faults: Faults | None) -> Reading:
        reading = self.data.reading
        return replace(reading, on_fault=partial(faults.add, path)) if faults else reading

    def _describe_pairs(self) -> None:
        data = self.data
        names = {"source": data.source, "target": data.target}
        files = parallel(data.train, **names, reading=data.reading)
        headings = set[tuple[str, str]]()
        for number, one in enumerate(files):
            sides = pair_files(*one, **names)
            if len(sides) == 2:
                left, right = sides
                self.described.append(
                    f"source = the lines of {left}, target = the lines of {right}"
                )
                if number == 0:
                    self.suffixes = _suffixes(left, right)
                continue
            roles = pair_roles(
                sides[0],
                source=data.source,
                target=data.target,
                reading=data.reading,
                optional=True,
            )
            self.described.append(described(roles))
            if roles.table.named:
                headings.add((plain_name(roles.columns["source"]), _target_name(roles)))
        self.headings = frozenset(headings)

    def _describe(self, path: str) -> None:
        data, reading = self.data, self.data.reading
        roles: Roles | None
        if self.kind is Kind.LABELLED:
            roles = self._labelled_roles(path, reading)
        elif self.kind is Kind.TAGGED:
            columns = word_columns(path, data.source, data.target, reading)
            if columns is not None:
                self.described.append(words_described(path, columns))
                return
            roles = tag_roles(path, text=data.source, label=data.target, reading=reading)
        else:
            roles = text_roles(path, data.source, reading)
        self.described.append(described(roles) if roles else f"{path}: lines of text")
        self.second = self.second or (roles is not None and "second text" in roles.columns)
        if roles and roles.table.named and "label" in roles.columns:
            names = roles.columns
            pair = plain_name(names["text"]), plain_name(names["label"])
            self.headings = self.headings | {pair}

    def _labelled_roles(self, path: str, reading: Reading) -> Roles:
        data = self.data
        return example_roles(
            path, text=data.source, second=data.second, label=data.target, reading=reading
        )

    def _read(self, paths: Sequence[str], faults: Faults | None) -> Iterator[Item]:
        read = {
            Kind.LABELLED: self._labelled, Kind.TAGGED: self._tagged, Kind.TEXT: self._text,
        }  # fmt: skip
        if self.kind is not Kind.PAIRS:
            one = read[self.kind]
            return chain.from_iterable(one(path, self._reading(path, faults)) for path in paths)
        data = self.data
        source, target = data.source, data.target
        files = parallel(paths, source=source, target=target, reading=data.reading)
        return chain.from_iterable(
            (
                Item(pair.line, pair.source, pair.target, pair.path or path)
                for pair in read_pairs(
                    path,
                    other,
                    source=source,
                    target=target,
                    reading=self._reading(path, faults),
                    optional=True,
                )
            )
            for path, other in files
        )

    def _labelled(self, path: str, reading: Reading) -> Iterator[Item]:
        roles = self._labelled_roles(path, reading)
        for line, (*texts, label) in cells_of(roles.table, [*roles.columns.values()], strict=False):
            yield Item(line, SECOND.join(texts), label.strip(), path)

    def _tagged(self, path: str, reading: Reading) -> Iterator[Item]:
        data = self.data
        if word_columns(path, data.source, data.target, reading) is not None:
            found = read_tagged(path, text=data.source, label=data.target, reading=reading)
            for one in found:
                yield Item(one.line, " ".join(one.words), " ".join(one.labels), path)
            return
        roles = tag_roles(path, text=data.source, label=data.target, reading=reading)
        for line, (text, label) in cells_of(roles.table, [*roles.columns.values()], strict=False):
            words, labels = text.split(), label.split()
            if len(words) == len(labels):
                yield Item(line, " ".join(words), " ".join(labels), path)
            else:
                roles.table.refuse(line, _unequal(path, line, words, labels), [text, label])

    def _text(self, path: str, reading: Reading) -> Iterator[Item]:
        roles = text_roles(path, self.data.source, reading)
        if roles is None:
            lines = read_lines(path, reading.encoding, reading.on_fault)
            return (Item(number, line, "", path) for number, line in enumerate(lines, start=1))
        cells = cells_of(roles.table, [*roles.columns.values()], strict=False)
        return (Item(number, text, "", path) for number, (text,) in cells)


def _target_name(roles: Roles) -> str:
    return plain_name(roles.columns["target"])


def _unequal(path: str, line: int, words: Sequence[str], labels: Sequence[str]) -> DataError:
    return DataError(
        f"{path}:{line}: every word must have a label, but the line has "
        f"{counted(len(words), 'word')} and {counted(len(labels), 'label')}. "
        "Separate words and labels by spaces."
    )


def _suffixes(left: str, right: str) -> tuple[str, str]:
    """Return the suffixes of two files, without suffixes of compression such as .gz. If both are
    equal, return "source" and "target"."""
    names = [Path(path).name for path in (left, right)]
    for ending in (".gz", ".xz", ".bz2", ".zst"):
        names = [name.removesuffix(ending) for name in names]
    first, second = (Path(name).suffix.lstrip(".") for name in names)
    return (first, second) if first and second and first != second else ("source", "target")


def opened(data: DataSettings, task: str | None) -> Files:
    """Open the files of the given settings.

    Args: task: the task that the files are for; None determines the kind of data by the content.
    Raises: DataError or UsageError when the files cannot be read.
    """
    if STDIN in data.dev:
        raise UsageError(
            "Validation data is read twice, so it cannot come from standard input. Write it to a "
            "file."
        )
    if STDIN in data.train:
        raise UsageError(
            "There is nothing to read: standard input is empty or a terminal. Give a file, or send "
            "data to standard input."
        )
    if task is not None and task not in KINDS:
        raise UsageError(f"`--task` must be a task, but it is `{task}`.{nearest(task, KINDS)}")
    return Files(data, kind_of(data) if task is None else KINDS[task])
