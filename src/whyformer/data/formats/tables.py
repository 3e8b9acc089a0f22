"""Read any tabular data file as rows of named columns: `open_table` recognises the format.

Each format is a `Table`. Columns without names are numbered from 1. Rows are streamed.
"""

import csv
import json
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from whyformer.data.formats.json_records import records_of_array, records_of_lines
from whyformer.data.formats.names import are_headings, plain_name
from whyformer.data.formats.recognition import (
    COMMENTS,
    SAMPLE,
    Format,
    Wanted,
    delimiter_of,
    parsed,
    recognized,
    sampled_lines,
)
from whyformer.data.inputs import note_input
from whyformer.data.lines import STDIN, read_lines
from whyformer.data.opening import opened_file
from whyformer.foundation.errors import DataError, MissingExtraError, nearest
from whyformer.foundation.parsing import shown
from whyformer.foundation.wording import counted

Row = tuple[int, Sequence[Any]]
"""The number of a line or record, from 1, and the cells of all columns."""
HEADERS = (Format.TSV, Format.CSV, Format.EXCEL)
"""Formats whose first line may be a header."""
WORKBOOK_ERRORS = (
    OSError, ValueError, LookupError, SyntaxError, TypeError, AttributeError, EOFError,
    NotImplementedError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What openpyxl raises for a damaged workbook."""
CELL = 1 << 24
"""Most characters of a CSV cell. A quote that is never closed would read the whole file."""


@dataclass
class Table(ABC):
    """The rows of a data file.

    Args:
        path: the file.
        encoding: see `read_lines`.
        columns: their names, or ``1``, ``2``, … where ``named`` is False.
    """

    path: str
    encoding: str | None = None
    columns: tuple[str, ...] = ()
    named: bool = False
    format: Format = field(default=Format.TSV)
    part: str = ""
    """What of the file is read, for the line about it: the sheet of a workbook with several."""

    @abstractmethod
    def find_columns(self, header: bool | None, asked: Sequence[str] = ()) -> None:
        """Set `columns` and `named`. Args: see `open_table`."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield the rows; all cells of a blank line are empty.

        Raises: DataError with the path and line of the error.
        """

    def sample(self) -> list[list[str]]:
        """Return the cells of the first rows; an error ends them, as reading will meet it."""
        found: list[list[str]] = []
        try:
            for _, cells in islice(self.rows(), SAMPLE):
                if any(cells):
                    found.append([_shown(cell) for cell in cells])
        except DataError:
            pass
        return found

    def place(self, name: str) -> int | None:
        """Return the index of a column by its name or its number from 1, or None."""
        if name in self.columns:
            return self.columns.index(name)
        wanted = plain_name(name)
        plain = [plain_name(one) for one in self.columns]
        if plain.count(wanted) == 1:
            return plain.index(wanted)
        if name.isdecimal() and 1 <= int(name) <= len(self.columns):
            return int(name) - 1
        return None

    def where(self, line: int) -> str:
        """Return the place of a row, for messages."""
        return f"{self.path}:{line}"


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)


def open_table(
    path: str | Path,
    wanted: Wanted,
    *,
    encoding: str | None = None,
    header: bool | None = None,
    asked: Sequence[str | None] = (),
    format: Format | None = None,
) -> Table | None:
    """Return the table in a file, or None for a file of plain lines or of one word per line.

    Args:
        wanted: what the file is read for.
        header: whether the first line of a TSV, CSV or workbook names the columns; None decides by
            its content.
        asked: names of columns that are wanted; line 1 is a header if it has one of them.
        format: the format, if it is known.
    Raises: DataError when the file cannot be read.
    """
    path = str(path)
    found = format or recognized(path, wanted, encoding)
    if found not in TABLES:
        return None
    table = TABLES[found](path, encoding, format=found)
    table.find_columns(header, [name for name in asked if name])
    return table


class _WithHeader(Table):
    """A table whose first row may name the columns."""

    def find_columns(self, header: bool | None, asked: Sequence[str] = ()) -> None:
        """See `Table`."""
        if self.path == STDIN:
            self.columns = ("1", "2")
            return
        rows = self._first_rows()
        first = rows[0] if rows else []
        if header is None:
            names = {plain_name(cell) for cell in first}
            named = any(not name.isdecimal() and plain_name(name) in names for name in asked)
            header = named or is_header(first, rows[1:])
        widths = Counter(len(row) for row in rows)
        width = len(first) if header else (widths.most_common(1)[0][0] if widths else 1)
        self.named = header
        self.columns = tuple(first) if header else tuple(str(n + 1) for n in range(width))

    @abstractmethod
    def _first_rows(self) -> list[list[str]]:
        """Return the first rows, a header included."""

    def _checked(self, line: int, cells: list[str]) -> list[str]:
        """Return the cells of a row. Raises: DataError when it has more or fewer columns."""
        width = len(self.columns)
        if len(cells) == width:
            return cells
        if not any(cell.strip() for cell in cells):
            return [""] * width
        owner = "the header" if self.named else "the other lines"
        have = "has" if self.named else "have"
        raise DataError(
            f"{self.where(line)}: a line must have as many columns as {owner}, but it has "
            f"{len(cells)} and {owner} {have} {width}. {self._advice()}"
        )

    def _advice(self) -> str:
        return "Separate columns with one tab and use none inside them."


def is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a first row names the columns of the other rows.

    It does when its cells never occur as values, and are known names, or when a column holds
    numbers only below a name that is none.
    """
    # The first name may be empty: pandas writes the number of a row below it.
    if len(first) < 2 or not all(cell.strip() for cell in first[1:]):
        return False
    if len(set(first)) < len(first):
        return False
    rows = [row for row in rows if len(row) == len(first)]
    if any(cell == row[place] for row in rows for place, cell in enumerate(first)):
        return False
    if are_headings(first):
        return True
    if len(rows) < 3:
        return False
    columns = list(zip(*rows, strict=True))
    numbers = [all(_is_number(one) for one in column if one) for column in columns]
    return any(
        number and any(column) and not _is_number(name)
        for number, column, name in zip(numbers, columns, first, strict=True)
    ) and not any(_is_number(name) for name in first)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+([.,]\d+)?", text.strip()) is not None


class _TSV(_WithHeader):
    def _first_rows(self) -> list[list[str]]:
        lines = sampled_lines(self.path, self.encoding)
        return [line.split("\t") for line in lines if line]

    def rows(self) -> Iterator[Row]:
        lines = enumerate(read_lines(self.path, self.encoding), start=1)
        if self.named:
            next(lines)
        for number, line in lines:
            yield number, self._checked(number, line.split("\t"))


class _CSV(_WithHeader):
    delimiter: str = ","

    def _first_rows(self) -> list[list[str]]:
        lines = sampled_lines(self.path, self.encoding)
        self.delimiter = delimiter_of(lines, certain=False) or ","
        return [row for row in parsed(lines, self.delimiter) if row]

    def rows(self) -> Iterator[Row]:
        # A quoted cell may have several lines, so a row begins after the end of the previous one.
        limit = csv.field_size_limit(CELL)
        lines = (f"{line}\n" for line in read_lines(self.path, self.encoding))
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        number = 1
        try:
            for cells in reader:
                if not (self.named and number == 1):
                    yield number, self._checked(number, cells)
                number = reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"{self.where(number)}: a row must be CSV, but it is not ({error}). "
                f"{self._advice()}"
            ) from None
        finally:
            csv.field_size_limit(limit)

    def _advice(self) -> str:
        return f'Put a cell that contains "{self.delimiter}" between quotes, and double its quotes.'


class _Excel(_WithHeader):
    def _first_rows(self) -> list[list[str]]:
        rows = [cells for _, cells in islice(self._cells(), SAMPLE)]
        return [row for row in rows if any(row)]

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        try:
            import openpyxl
        except ImportError:
            raise MissingExtraError("openpyxl", "data") from None
        note_input(self.path)
        try:
            with Path(self.path).open("rb") as file:  # the name need not end in .xlsx
                book = openpyxl.load_workbook(file, read_only=True, data_only=True)
                for sheet in book.worksheets:
                    started = False
                    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                        cells = ["" if cell is None else str(cell) for cell in row]
                        # A title above the table, or a cover sheet, has one cell per row.
                        started = started or sum(map(bool, cells)) > 1
                        if started:
                            yield number, cells
                    if started:
                        more = len(book.worksheets) > 1
                        self.part = f", sheet {sheet.title}" if more else ""
                        return
        except WORKBOOK_ERRORS as error:
            raise DataError(
                f"`{self.path}` must be an Excel workbook, but it is damaged ({error}). Save it "
                "again, or save the sheet as CSV."
            ) from None

    def rows(self) -> Iterator[Row]:
        for place, (number, cells) in enumerate(self._cells()):
            if place or not self.named:
                yield number, self._checked(number, cells)


class _Records(Table):
    """A table of records with keys. A value inside another record has both keys: ``a.b``."""

    def find_columns(self, header: bool | None, asked: Sequence[str] = ()) -> None:
        """See `Table`: the keys of the first records."""
        names: dict[str, None] = {}
        try:
            for _, record in islice(self.records(), SAMPLE):
                names |= dict.fromkeys(flattened(record))
        except DataError:
            if not names:
                raise
        self.columns, self.named = tuple(names), True

    @abstractmethod
    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the number and the content of each record; an empty one for a blank line."""

    def rows(self) -> Iterator[Row]:
        for number, record in self.records():
            flat = flattened(record)
            yield number, [flat.get(name) for name in self.columns]

    def read(self, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        """Yield the values of some keys; empty strings for a blank line.

        Raises: DataError for a record without one of them.
        """
        for number, record in self.records():
            if not record:
                yield number, [""] * len(names)
                continue
            flat = record if all(name in record for name in names) else flattened(record)
            if missing := [name for name in names if name not in flat]:
                raise DataError(
                    f"{self.where(number)}: the key `{missing[0]}` is required, but only "
                    f"{', '.join(f'`{key}`' for key in flat)} was found. "
                    "Add it, or name the keys to read with --source and --target."
                )
            yield number, [flat[name] for name in names]


def flattened(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a record without records inside it.

    >>> flattened({"id": 1, "translation": {"en": "a", "ko": "b"}})
    {'id': 1, 'translation.en': 'a', 'translation.ko': 'b'}
    """
    found: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict) and value:
            found |= flattened(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


class _JSONLines(_Records):
    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return records_of_lines(self.path, self.encoding, self.columns)


class _JSON(_Records):
    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return records_of_array(self.path, self.encoding)

    def where(self, line: int) -> str:
        return f"{self.path}, item {line}"


class _Parquet(_Records):
    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise MissingExtraError("pyarrow", "data") from None
        note_input(self.path)
        number = 0
        try:
            with parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=1024):
                    for record in batch.to_pylist():
                        number += 1
                        yield number, record
        except (OSError, ValueError, pyarrow.ArrowException) as error:
            raise DataError(
                f"`{self.path}` must be a Parquet file, but it is damaged ({error}). Fetch it "
                "again."
            ) from None

    def where(self, line: int) -> str:
        return f"{self.path}, row {line}"


class _TMX(_Records):
    """Translation memories: a `tu` has a `tuv` with a `seg` for each language."""

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        try:
            with opened_file(self.path) as file:
                note_input(self.path)
                for _, element in ET.iterparse(file):
                    if _local(element.tag) != "tu":
                        continue
                    number += 1
                    yield number, dict(_segments(element))
                    element.clear()
        except ET.ParseError as error:
            raise DataError(
                f"`{self.path}` must be a TMX file, but it is not XML ({error}). Fetch it again."
            ) from None

    def where(self, line: int) -> str:
        return f"{self.path}, unit {line}"


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _segments(unit: ET.Element) -> Iterator[tuple[str, str]]:
    for variant in unit:
        if _local(variant.tag) != "tuv":
            continue
        language = next((v for k, v in variant.attrib.items() if _local(k) == "lang"), "")
        for segment in variant:
            if _local(segment.tag) == "seg":
                yield language, "".join(segment.itertext())


class _Dictionary(Table):
    """A pronunciation dictionary: ``WORD  W ER1 D``; ``WORD(2)`` is another pronunciation."""

    def rows(self) -> Iterator[Row]:
        for number, line in enumerate(read_lines(self.path, self.encoding), start=1):
            if line.startswith(COMMENTS[0]):
                continue
            word, *symbols = line.split(" #")[0].split() or [""]
            if word and not symbols:
                raise DataError(
                    f"{self.where(number)}: a line must be a word and its pronunciation, but it "
                    f"has {counted(1, 'column')}: {shown(line)}. Correct it, or leave it out."
                )
            yield number, [re.sub(r"\(\d+\)$", "", word), " ".join(symbols)]

    def find_columns(self, header: bool | None, asked: Sequence[str] = ()) -> None:
        """See `Table`."""
        self.columns, self.named = ("word", "pronunciation"), True


TABLES: dict[Format, type[Table]] = {
    Format.TSV: _TSV, Format.CSV: _CSV, Format.EXCEL: _Excel, Format.JSONL: _JSONLines,
    Format.JSON: _JSON, Format.PARQUET: _Parquet, Format.TMX: _TMX,
    Format.DICTIONARY: _Dictionary,
}  # fmt: skip


def cells_of(
    table: Table, names: Sequence[str], *, strict: bool
) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and the cells of some columns as texts.

    Args:
        names: of the columns, or their numbers from 1.
        strict: refuse numbers and lists of JSON, which are otherwise read as their digits, and as
            their items separated by spaces.
    Raises: DataError with the path and line of the error.
    """
    if isinstance(table, _Records):
        keys = [_key(table, name) for name in names]
        for number, values in table.read(keys):
            where = table.where(number)
            text = _text if strict else _column
            yield number, [text(where, k, v) for k, v in zip(keys, values, strict=True)]
        return
    places = [table.place(name) for name in names]
    for place, name in zip(places, names, strict=True):
        if place is None:
            raise DataError(missing_column(table, name))
    for number, cells in table.rows():
        yield number, [cells[place] for place in places if place is not None]


def _key(table: Table, name: str) -> str:
    place = table.place(name) if not name.isdecimal() else None
    return name if place is None else table.columns[place]


def missing_column(table: Table, name: str) -> str:
    """Return the message about a column that a table does not have."""
    columns = ", ".join(table.columns)
    if name.isdecimal():
        return (
            f"`{table.path}` must have a column {name}, but it has "
            f"{counted(len(table.columns), 'column')}: {columns}. Give another number."
        )
    if table.named and table.format not in HEADERS:
        return f"`{table.path}` must have the key `{name}`, but it has {columns}."
    if table.named:
        hint = nearest(name, table.columns) or " Give the name of a column that is there."
        return (
            f"{table.path}:1: the header must name the column `{name}`, but it has {columns}.{hint}"
        )
    return (
        f"{table.path}:1: the first line must be a header that names the column `{name}`, but it "
        f"does not. Give numbers of columns from 1 to {len(table.columns)}."
    )


def _column(where: str, name: str, value: Any) -> str:
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
