"""Read pairs from any data file, or from two parallel files; see `data.formats`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from whyformer.data.formats.recognition import Format, Wanted, delimiter_hint, recognized
from whyformer.data.formats.roles import Roles, roles_of_pairs
from whyformer.data.formats.tables import Table, cells_of, open_table
from whyformer.data.lines import STDIN, OnFault, read_lines, readable
from whyformer.data.opening import ENDINGS, unpacked_suffix
from whyformer.foundation.errors import DataError
from whyformer.foundation.files import sha256_of


@dataclass(frozen=True)
class Reading:
    """How data files are read."""

    encoding: str | None = None
    """The encoding of the files; see `read_lines`."""
    header: bool | None = None
    """Whether the first line names the columns; see `open_table`."""
    delimiter: str | None = None
    """The character between the columns; see `open_table`."""
    on_fault: OnFault | None = field(default=None, compare=False)
    """Function that is called for a faulty line; see `read_lines`. The function is also called for
    a row that does not fit the table; such a row is left out."""

    @property
    def key(self) -> str:
        """The settings as text; "" for the default settings. A hash of the data must include this
        text, because the settings change how the data is read."""
        key = "" if self == Reading() else f":{self.encoding}:{self.header}"
        return key if self.delimiter is None else f"{key}:{self.delimiter}"

    def table(
        self,
        path: str | Path,
        wanted: Wanted,
        asked: Sequence[str | None] = (),
        *,
        format: Format | None = None,
    ) -> Table | None:
        """Return the table in a file; see `open_table`."""
        options: dict[str, Any] = {
            "encoding": self.encoding, "header": self.header, "delimiter": self.delimiter
        }  # fmt: skip
        table = open_table(path, wanted, asked=asked, format=format, **options)
        if table is not None:
            table.on_fault = self.on_fault
        return table

    def format(self, path: str | Path, wanted: Wanted) -> Format:
        """Return the format of a file; see `recognized`."""
        return recognized(str(path), wanted, self.encoding, self.delimiter)


DEFAULT = Reading()


class Pair(NamedTuple):
    """One source text and its target."""

    line: int
    """Line number in the file, counted from 1."""
    source: str
    target: str
    path: str = ""
    """Path of the file; "" if the pair does not come from a file."""
    part: int = 0
    """Number of the corpus in a mixture, from 0."""

    @property
    def place(self) -> int | str:
        """The line number or, if the pair comes from a file, the path and the line number."""
        return f"{self.path}:{self.line}" if self.path else self.line


def read_pairs(
    path: str | Path,
    second: str | Path | None = None,
    *,
    source: str | None = None,
    target: str | None = None,
    reading: Reading = DEFAULT,
    optional: bool = False,
    alone: bool = False,
) -> Iterator[Pair]:
    """Yield pairs of source and target texts.

    Args:
        path: a table (TSV, CSV, JSON lines, …; see `Format`), recognised by its content; ``-`` for
            TSV on standard input; or the common prefix of two files named ``path.source`` and
            ``path.target``. If ``second`` is given, this is the file of the sources.
        second: the file of the targets, parallel to ``path``.
        source: column, JSON key or file extension of the source; for example, a language code.
            None chooses the column by its name and its content.
        target: column, JSON key or file extension of the target, as for ``source``.
        optional: see `roles_of_pairs`.
        alone: whether the user can give only one file; see `pair_roles`.
    Raises: DataError with the path and line of the error.
    """
    files = pair_files(path, second, source=source, target=target)
    if len(files) == 2:
        return _read_side_by_side(*files, reading)
    roles = pair_roles(
        files[0],
        source=source,
        target=target,
        reading=reading,
        optional=optional,
        alone=alone,
    )
    return _read_table(roles)


def pair_roles(
    path: str,
    *,
    source: str | None,
    target: str | None,
    reading: Reading = DEFAULT,
    optional: bool = False,
    alone: bool = False,
) -> Roles:
    """Return the columns of a table of pairs.

    Args: alone: whether the user can give only one file, so that advice does not name a second one.
    Raises: DataError when the file is not such a table.
    """
    table = reading.table(path, Wanted.PAIRS, (source, target))
    if table is None or (len(table.columns) == 1 and not table.named):
        advice = (
            "Add a tab and the target to each line."
            if alone
            else "Give the file of the sources and then the file of the targets."
        )
        raise DataError(
            f"`{path}` must have pairs (a source, a tab and a target per line), but it has one "
            f"column of text. {advice}" + delimiter_hint(path, reading.encoding)
        )
    return roles_of_pairs(table, source, target, optional=optional)


def pair_files(
    path: str | Path,
    second: str | Path | None = None,
    *,
    source: str | None = None,
    target: str | None = None,
) -> tuple[str, ...]:
    """Return the one or two files that `read_pairs` would read."""
    if second is not None:
        return str(path), str(second)
    if str(path) == STDIN or (Path(path).exists() and not Path(path).is_dir()):
        return (str(path),)
    source, target = source or "source", target or "target"
    for ending in ("", *ENDINGS):
        both = f"{path}.{source}{ending}", f"{path}.{target}{ending}"
        if all(Path(file).exists() for file in both):
            return both
    if unpacked_suffix(path) in (".tsv", ".csv", ".jsonl", ".json", ".txt") or "://" in str(path):
        return (str(path),)  # its reader raises the error
    if Path(path).is_dir():
        raise DataError(f"`{path}` is a directory.{_in_directory(Path(path))}")
    raise DataError(
        f"No pairs were found at `{path}`: there is neither such a file nor the two files "
        f"`{path}.{source}` and `{path}.{target}`.{_other_sides(Path(path))}"
    )


def _other_sides(prefix: Path) -> str:
    """Return advice for a prefix whose two files with the given sides do not exist."""
    try:
        found = sorted(one.name for one in prefix.parent.iterdir())
    except OSError:
        found = []
    sides = [name.removeprefix(f"{prefix.name}.") for name in found]
    sides = [side for side, name in zip(sides, found, strict=True) if side != name]
    if len(sides) == 2:
        return f" Give --source {sides[0]} --target {sides[1]}, or the other way round."
    return " Check the path and the names of the sides."


def _in_directory(directory: Path) -> str:
    """Return advice for a directory that was given instead of a file."""
    stems: dict[str, list[str]] = {}
    for file in sorted(directory.iterdir()):
        if file.is_file() and unpacked_suffix(file.name) and not file.name.startswith("."):
            stem, _, side = file.name.rpartition(".")
            stems.setdefault(stem, []).append(side)
    for stem, sides in sorted(stems.items(), key=lambda one: (one[0] != "train", one[0])):
        if len(sides) == 2:
            first, other = sides
            return (
                f" Give the prefix of two files in it: --data {directory / stem} "
                f"--source {first} --target {other}."
            )
    return " Give a file in it, or the common prefix of two files."


def parallel(
    paths: Sequence[str],
    *,
    source: str | None = None,
    target: str | None = None,
    reading: Reading = DEFAULT,
) -> list[tuple[str, str | None]]:
    """Return the arguments ``path`` and ``second`` of `read_pairs` for some paths. Two files of
    plain lines are the two sides of one corpus; any other file is read alone."""
    if len(paths) == 2 and STDIN not in paths:
        files = [pair_files(path, source=source, target=target) for path in paths]
        if all(len(one) == 1 for one in files):
            formats = [reading.format(one, Wanted.PAIRS) for (one,) in files]
            if formats == [Format.LINES, Format.LINES]:
                return [(paths[0], paths[1])]
    return [(path, None) for path in paths]


def pair_key(
    path: str | Path,
    second: str | Path | None = None,
    *,
    source: str | None = None,
    target: str | None = None,
    reading: Reading = DEFAULT,
) -> str:
    """Return a hash of the input of `read_pairs`, or "" for standard input.

    Equal keys mean equal pairs, so that a corpus does not need to be built again.
    """
    files = pair_files(path, second, source=source, target=target)
    if STDIN in files:
        return ""
    digest = sha256_of(*(readable(file) for file in files))
    sizes = ":".join(str(Path(file).stat().st_size) for file in files)
    names = f"{source or 'source'}:{target or 'target'}"
    return f"{digest}:{sizes}:{unpacked_suffix(files[0])}:{names}{reading.key}"


def _read_table(roles: Roles) -> Iterator[Pair]:
    path = roles.table.path
    names = list(roles.columns.values())
    for line, (left, right) in cells_of(roles.table, names, strict=True):
        yield Pair(line, left, right, path)


def _read_side_by_side(source: str, target: str, reading: Reading) -> Iterator[Pair]:
    sources, targets = (
        read_lines(path, reading.encoding, reading.on_fault) for path in (source, target)
    )
    number = 0
    while True:
        left, right = next(sources, None), next(targets, None)
        if left is None or right is None:
            break
        number += 1
        yield Pair(number, left, right, source)
    lines = [number + (text is not None) for text in (left, right)]
    lines = [n + sum(1 for _ in rest) for n, rest in zip(lines, (sources, targets), strict=True)]
    if lines[0] != lines[1]:
        raise DataError(
            f"Two files side by side must have equally many lines, but `{source}` has {lines[0]} "
            f"and `{target}` has {lines[1]}. Find the line that is missing in one of them."
        )
