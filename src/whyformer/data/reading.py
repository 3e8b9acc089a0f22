"""Read lines and pairs from text files: TSV, two parallel files, JSON lines, plain or ``.gz``.

Only ``\\n`` ends a line (a ``\\r`` before it is dropped); U+2028 and similar characters are text.
All files are streamed; only the current line is in memory.
"""

import codecs
import gzip
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple, cast

from whyformer.data.inputs import note_input
from whyformer.foundation.errors import DataError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.parsing import NotJSONError, parse_json, shown

STDIN = "-"


class Pair(NamedTuple):
    """One source text and its target."""

    line: int
    """Line number in the file, from 1."""
    source: str
    target: str
    path: str = ""
    """The file; "" if there is none."""

    @property
    def place(self) -> int | str:
        """The line number, with the file if there is one."""
        return f"{self.path}:{self.line}" if self.path else self.line


def read_lines(path: str | Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, ``.gz`` or plain, or of standard input for ``-``.

    Raises: DataError when the file is absent, has no lines, or is not UTF-8.
    """
    number = 0
    with _opened(path) as file:
        for number, raw in enumerate(_raw_lines(file, path), start=1):
            if number == 1:
                raw = raw.removeprefix(codecs.BOM_UTF8)  # some editors add it
            try:
                line = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(path, number, raw, error) from None
            if "\0" in line:
                raise DataError(
                    f"{_name(path)}:{number}: text must not contain NUL characters, but one was "
                    f"found{_UTF16 if _looks_like_utf16(raw) else ''}. Convert the file to UTF-8."
                )
            yield line
    if number == 0:
        raise DataError(
            f"`{path}` must have at least one line, but it is empty. Give another file."
        )


def read_pairs(
    path: str | Path,
    second: str | Path | None = None,
    *,
    source: str = "source",
    target: str = "target",
) -> Iterator[Pair]:
    """Yield pairs of source and target texts.

    Args:
        path: ``x.tsv`` (source, tab, target); ``x.jsonl``; ``-`` for TSV on standard input; or the
            common prefix of two files named ``path.source`` and ``path.target``. Each may end in
            ``.gz``. With ``second``, the file of the sources.
        second: the file of the targets, parallel to ``path``.
        source: JSON key or file extension of the source; for example, a language code.
        target: the same for the target.
    Raises: DataError with the path and line of the error.
    """
    files = pair_files(path, second, source=source, target=target)
    if len(files) == 2:
        return _read_side_by_side(*files)
    if _kind(files[0]) == ".jsonl":
        return _read_json(files[0], source, target)
    return _read_tsv(files[0])


def pair_files(
    path: str | Path,
    second: str | Path | None = None,
    *,
    source: str = "source",
    target: str = "target",
) -> tuple[str, ...]:
    """Return the one or two files that `read_pairs` would read."""
    if second is not None:
        return str(path), str(second)
    if str(path) == STDIN or _kind(path) in (".tsv", ".jsonl"):
        return (str(path),)
    for ending in ("", ".gz"):
        both = f"{path}.{source}{ending}", f"{path}.{target}{ending}"
        if all(Path(file).exists() for file in both):
            return both
    if Path(path).is_file():
        raise DataError(
            f"`{path}` must end in .tsv or .jsonl (or these with .gz) to be read as pairs. "
            "Rename it, or give the file of the sources and the file of the targets."
        )
    raise DataError(
        f"No pairs were found at `{path}`: there is neither such a .tsv or .jsonl file nor the two "
        f"files `{path}.{source}` and `{path}.{target}`. Check the path and the language names."
    )


def pair_key(
    path: str | Path,
    second: str | Path | None = None,
    *,
    source: str = "source",
    target: str = "target",
) -> str:
    """Return a hash of the input of `read_pairs`, or "" for standard input.

    Equal keys mean equal pairs, so that a corpus does not need to be built again.
    """
    files = pair_files(path, second, source=source, target=target)
    if STDIN in files:
        return ""
    digest = sha256_of(*(readable(file) for file in files))
    sizes = ":".join(str(Path(file).stat().st_size) for file in files)
    return f"{digest}:{sizes}:{_kind(files[0])}:{source}:{target}"


def _read_tsv(path: str) -> Iterator[Pair]:
    for number, line in enumerate(read_lines(path), start=1):
        columns = line.split("\t")
        if len(columns) == 1 and not line.strip():
            columns = ["", ""]
        if len(columns) != 2:
            raise DataError(
                f"{path}:{number}: a line must be a source, one tab and a target, but "
                f"{len(columns)} column{'s were' if len(columns) > 1 else ' was'} found. "
                "Separate the two texts with one tab and use none inside them."
            )
        yield Pair(number, columns[0], columns[1], path)


def read_columns(
    path: str | Path, names: Sequence[str] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and columns of a TSV, or of JSON lines.

    All columns of a blank line are empty.
    Args: names: the columns to read, in this order; a TSV must then start with a header line. None
    reads all columns of a TSV without header. A JSON list is read as its items separated by spaces,
    a number as its digits.
    Raises: DataError with the path and line of the error.
    """
    if _kind(path) == ".jsonl":
        if names is None:
            raise DataError(f"`{path}` holds JSON lines: name the keys to read.")
        yield from _read_json_columns(str(path), names)
        return
    lines = enumerate(read_lines(path), start=1)
    places: list[int] | None = None
    width = 0
    if names is not None:
        _, header = next(lines)
        found = header.split("\t")
        missing = [name for name in names if name not in found]
        if missing:
            raise DataError(
                f"{path}:1: the header must name the column `{missing[0]}`, but it has "
                f"{', '.join(found)}. Give the name of a column that is there."
            )
        places, width = [found.index(name) for name in names], len(found)
    for number, line in lines:
        columns = line.split("\t")
        if places is None:
            yield number, columns
            continue
        if not line.strip():
            columns = [""] * width
        if len(columns) != width:
            raise DataError(
                f"{path}:{number}: a line must have as many columns as the header, but it "
                f"has {len(columns)} and the header {width}. Use tabs between columns only."
            )
        yield number, [columns[place] for place in places]


def has_columns(path: str | Path, names: Sequence[str]) -> bool:
    """Return whether the first line of a TSV names these columns; always True for JSON lines."""
    if _kind(path) == ".jsonl":
        return True
    return set(names) <= set(next(read_lines(path)).split("\t"))


def _read_json_columns(path: str, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    for number, record in _records(path, names):
        where = f"{path}:{number}"
        yield (
            number,
            [_column(where, name, record) for name in names] if record else [""] * len(names),
        )


def _column(where: str, name: str, record: dict[str, Any]) -> str:
    value = _value(where, name, record)
    items = value if isinstance(value, list) else [value]
    if wrong := [one for one in items if one is None or isinstance(one, bool | list | dict)]:
        way = "Correct it, or leave the line out."
        if isinstance(wrong[0], bool):
            way = f'Quote it where it is a word: "{shown(wrong[0])}".'
        raise DataError(
            f"{where}: `{name}` must be a text, a number or a list of them, found "
            f"{shown(value)}. {way}"
        )
    return " ".join(
        _text(where, name, one) if isinstance(one, str) else json.dumps(one) for one in items
    )


def _records(path: str, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line numbers and JSON objects; an empty object for a blank line."""
    example = ", ".join(f'"{name}": "…"' for name in names)
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            yield number, {}
            continue
        try:
            record = parse_json(line)
        except NotJSONError as error:
            raise DataError(
                f"{path}:{number}: a line must be one JSON object, but it is not JSON at column "
                f"{error.column}. Write one object per line."
            ) from None
        except ValueError as error:  # numbers with thousands of digits, deeply nested lists
            raise DataError(
                f"{path}:{number}: a line must be one JSON object, but it cannot be parsed "
                f"({error}). Write one object per line."
            ) from None
        if not isinstance(record, dict) or not record:
            raise DataError(
                f"{path}:{number}: a line must be one JSON object, but "
                f"{'an empty one' if record == {} else shown(record)} was found. "
                f"Write {{{example}}}."
            )
        yield number, record


def _value(where: str, name: str, record: dict[str, Any]) -> Any:
    if name not in record:
        raise DataError(
            f"{where}: the key `{name}` is required, but only "
            f"{', '.join(f'`{key}`' for key in record)} was found. "
            "Add it, or name the keys to read with --source and --target."
        )
    return record[name]


def _text(where: str, name: str, value: Any) -> str:
    if not isinstance(value, str):
        plain = isinstance(value, bool | int | float)
        way = "Quote it." if plain else "Correct it, or leave the line out."
        raise DataError(f"{where}: `{name}` must be a string, found {shown(value)}. {way}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: `{name}` contains half of a surrogate pair "
            f"(\\u{ord(value[error.start]):04x}), which is no character. Write both halves."
        ) from None
    return value


def _read_side_by_side(source: str, target: str) -> Iterator[Pair]:
    sources, targets = read_lines(source), read_lines(target)
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


def _read_json(path: str, source: str, target: str) -> Iterator[Pair]:
    for number, record in _records(path, (source, target)):
        where = f"{path}:{number}"
        left, right = (
            _text(where, key, _value(where, key, record)) if record else ""
            for key in (source, target)
        )
        yield Pair(number, left, right, path)


def _kind(path: str | Path) -> str:
    """Return the extension of ``path`` that gives its format, without ``.gz``."""
    return Path(str(path).removesuffix(".gz")).suffix


def _opened(path: str | Path) -> AbstractContextManager[BufferedIOBase]:
    if str(path) == STDIN:
        return nullcontext(cast(BufferedIOBase, sys.stdin.buffer))
    note_input(path)
    with _explained(path):
        return gzip.GzipFile(path, "rb") if str(path).endswith(".gz") else Path(path).open("rb")


def readable(path: str | Path) -> Path:
    """Return the path if it is a file that can be opened.

    Raises: DataError when it cannot, with the reason.
    """
    place = Path(path)
    note_input(place)
    if place.exists() and not place.is_file() and not place.is_dir():
        raise DataError(
            f"`{path}` must be a regular file, because training reads its data several times, but "
            "it is a pipe or a device. Write the data to a file, or give pairs with `--data -`."
        )
    with _explained(path), place.open("rb"):
        return place


@contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"`{path}` does not exist. Give the path of a text file.") from None
    except IsADirectoryError:
        raise DataError(f"`{path}` is a directory. Give the path of a text file.") from None
    except PermissionError:
        raise DataError(f"`{path}` may not be read. Change its permissions.") from None
    except OSError as error:
        raise DataError(
            f"`{path}` cannot be opened ({error.strerror}). Give the path of a text file."
        ) from None


def _raw_lines(file: BufferedIOBase, path: str | Path) -> Iterator[bytes]:
    try:
        yield from file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"`{path}` must be a whole gzip file, but it is damaged ({error}). Fetch it again."
        ) from None


_UTF16 = ": the file looks like UTF-16"


def _name(path: str | Path) -> str:
    return "standard input" if str(path) == STDIN else str(path)


def _looks_like_utf16(raw: bytes) -> bool:
    return raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or 3 * raw.count(0) > len(raw)


def _not_utf8(path: str | Path, number: int, raw: bytes, error: UnicodeDecodeError) -> DataError:
    return DataError(
        f"{_name(path)}:{number}: text must be UTF-8, but byte {error.object[error.start]:#04x} at "
        f"position {error.start + 1} is not{_UTF16 if _looks_like_utf16(raw) else ''}. "
        "Convert the file to UTF-8."
    )
