"""Read any tabular data file as rows of named columns: `open_table` recognises the format.

Each format has a subclass of `Table`. Columns without names are numbered from 1. Rows are read one
by one, so memory does not grow with the file.
"""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from whyformer.data.formats.binary_tables import Excel, Parquet
from whyformer.data.formats.json_records import records_of_array, records_of_lines
from whyformer.data.formats.recognition import (
    COMMENTS,
    Format,
    Wanted,
    delimiter_of,
    parsed,
    recognized,
    sampled_lines,
)
from whyformer.data.formats.table import HEADERS, Records, Row, Table, TableWithHeader
from whyformer.data.inputs import note_input
from whyformer.data.lines import read_lines
from whyformer.data.opening import opened_file
from whyformer.foundation.errors import DataError, nearest
from whyformer.foundation.parsing import shown
from whyformer.foundation.wording import counted

CELL = 1 << 24
"""Maximum number of characters of a CSV cell."""
ROW_LINES = 2000
"""Maximum number of lines of a CSV row. Without a limit, a quote that is never closed would make
one row of the whole file."""
SWALLOWED = 3
"""If a cell contains this many lines or more, and most of these lines look like rows of the table,
the quote before these lines is in the file by mistake."""


def open_table(
    path: str | Path,
    wanted: Wanted,
    *,
    encoding: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    asked: Sequence[str | None] = (),
    format: Format | None = None,
) -> Table | None:
    """Return the table in a file, or None for a file of plain lines or of one word per line.

    Args:
        wanted: what the file is read for.
        header: whether the first line of a TSV, CSV or workbook contains the names of the columns;
            None decides by its content.
        delimiter: the character between the columns of a text file; None finds it from the content.
        asked: names of columns that the caller wants to read; line 1 is a header if it contains one
            of these names.
        format: the format of the file; None recognises it by the content.
    Raises: DataError when the file cannot be read.
    """
    path = str(path)
    found = format or recognized(path, wanted, encoding, delimiter)
    if found not in TABLES:
        return None
    table = TABLES[found](path, encoding, format=found, delimiter=delimiter)
    table.find_columns(header, [name for name in asked if name])
    return table


class _TSV(TableWithHeader):
    def _first_rows(self) -> list[list[str]]:
        lines = sampled_lines(self.path, self.encoding)
        return [line.split("\t") for line in lines if line]

    def rows(self) -> Iterator[Row]:
        lines = enumerate(read_lines(self.path, self.encoding, self.on_fault), start=1)
        header, width = self.named, len(self.columns)
        for number, line in lines:
            if header and line.strip():  # blank lines before the header are blank rows
                header = False
                continue
            cells = line.split("\t")
            if len(cells) == width:
                yield number, cells
            else:
                yield from self._checked(number, cells)


class _CSV(TableWithHeader):
    def _first_rows(self) -> list[list[str]]:
        lines = sampled_lines(self.path, self.encoding)
        self.delimiter = self.delimiter or delimiter_of(lines, certain=False)
        return [row for row in parsed(lines, self._separator) if row]

    @property
    def _separator(self) -> str:
        return self.delimiter or ","

    def rows(self) -> Iterator[Row]:
        # A quoted cell may have several lines, so a row starts on the line after the previous row.
        limit = csv.field_size_limit(CELL)
        row: list[str] = []
        """The lines of the current row."""

        def lines() -> Iterator[str]:
            for line in read_lines(self.path, self.encoding, self.on_fault):
                if len(row) >= ROW_LINES:
                    raise self._stray(number + _lines_before_last(row, self._separator))
                row.append(f"{line}\n")
                yield row[-1]

        reader = csv.reader(lines(), delimiter=self._separator, strict=True)
        number, header = 1, self.named
        try:
            for cells in reader:
                if len(row) > SWALLOWED and (line := self._swallowing(cells)) is not None:
                    raise self._stray(number + line)
                if header and "".join(row).strip():
                    header = False
                else:
                    yield from self._checked(number, cells)
                number = reader.line_num + 1
                row.clear()
        except csv.Error as error:
            raise DataError(
                f"{self.where(number)}: a row must be CSV, but it is not ({error}). "
                f"{self._advice()}"
            ) from None
        finally:
            csv.field_size_limit(limit)

    def _swallowing(self, cells: Sequence[str]) -> int | None:
        """If a cell of a row contains other rows, return the line within the row (counted from 0)
        at which this cell starts; otherwise None.

        If a quote is in the file by mistake, the cell up to the next quote contains whole lines
        with as many columns as the table.
        """
        line = 0
        for cell in cells:
            inner = cell.split("\n")[1:-1]
            rows = sum(self._is_row(one) for one in inner)
            if len(inner) >= SWALLOWED and rows > 0.8 * len(inner):
                return line
            line += cell.count("\n")
        return None

    def _is_row(self, line: str) -> bool:
        """Return whether a line has as many columns as the table, and most of them are not empty.

        A delimiter with a space after it, or at the end of a line, is treated as punctuation.
        """
        width, parts = len(self.columns), line.split(self._separator)
        filled = sum(bool(part.strip()) for part in parts)
        spaced = any(part.startswith(" ") for part in parts[1:])
        return len(parts) == width > 1 and filled >= max(2, width - 1) and not spaced

    def _stray(self, line: int) -> DataError:
        return DataError(
            f"{self.where(line)}: a quote must be closed at the end of its cell, but the cell that "
            "begins here contains the rows below it. Remove the quote, or put the cell between "
            "quotes and double the quotes inside it."
        )

    def _advice(self) -> str:
        return (
            f'Put a cell that contains "{self._separator}" between quotes, and double the quotes '
            "in it."
        )


def _lines_before_last(lines: Sequence[str], delimiter: str) -> int:
    """Return how many lines of an unfinished row come before its last cell."""
    cells = next(csv.reader(lines, delimiter=delimiter))
    return sum(cell.count("\n") for cell in cells[:-1])


class _JSONLines(Records):
    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return records_of_lines(self.path, self.encoding, self.columns, self.on_fault)


class _JSON(Records):
    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return records_of_array(self.path, self.encoding)

    def where(self, line: int) -> str:
        return f"{self.path}, item {line}"


class _TMX(Records):
    """A translation memory (TMX): each unit `tu` has a variant `tuv` with a text `seg` for each
    language."""

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
                f"`{self.path}` must be a TMX file, but it is not XML ({error}). Download it again."
            ) from None
        except (LookupError, ValueError) as error:  # wrong encoding in line 1
            raise DataError(
                f"`{self.path}` must be a TMX file in UTF-8 or UTF-16, but its first line states "
                f"another encoding ({error}). Convert the file to UTF-8, and "
                "state UTF-8 in its first line."
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
        """Set the two columns of a dictionary; see `Table.find_columns`."""
        self.columns, self.named = ("word", "pronunciation"), True


TABLES: dict[Format, type[Table]] = {
    Format.TSV: _TSV, Format.CSV: _CSV, Format.EXCEL: Excel, Format.JSONL: _JSONLines,
    Format.JSON: _JSON, Format.PARQUET: Parquet, Format.TMX: _TMX,
    Format.DICTIONARY: _Dictionary,
}  # fmt: skip


def cells_of(
    table: Table, names: Sequence[str], *, strict: bool
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number of each row, and its cells in the columns ``names`` as texts.

    Args:
        names: names of the columns to read, or their numbers counted from 1.
        strict: whether to reject numbers and lists in JSON. If numbers and lists are not rejected,
            a number becomes the text of its digits, and a list becomes its items separated by
            spaces.
    Raises: DataError with the path and line of the error.
    """
    if isinstance(table, Records):
        keys = [_key(table, name) for name in names]
        for number, values in table.read(keys):
            where = table.where(number)
            text = _text if strict else _column
            try:
                cells = [text(where, k, v) for k, v in zip(keys, values, strict=True)]
            except DataError as error:
                table.refuse(number, error, values)
                continue
            yield number, cells
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
    """Return the error message for a column that a table does not have."""
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
        json.dumps(one) if isinstance(one, int | float) else _text(where, name, _plain(one))
        for one in items
    )


def _plain(value: Any) -> Any:
    """Return a date, a time or a decimal number from Parquet as text; other values are
    unchanged."""
    return value if isinstance(value, str | bytes) else str(value)


def _text(where: str, name: str, value: Any) -> str:
    if isinstance(value, bytes):  # Parquet text without a type
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise DataError(
                f"{where}: `{name}` must be a text, but it contains bytes that are not UTF-8. Name "
                "another column with --columns."
            ) from None
    if not isinstance(value, str):
        plain = isinstance(value, bool | int | float)
        way = "Quote it." if plain else "Correct it, or leave the line out."
        raise DataError(f"{where}: `{name}` must be a string, found {shown(value)}. {way}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: `{name}` contains half of a surrogate pair "
            f"(\\u{ord(value[error.start]):04x}), which is not a character. Write both halves."
        ) from None
    return value
