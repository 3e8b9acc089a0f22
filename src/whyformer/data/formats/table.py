"""Base classes for the tables in data files. The columns get their names from a header or from
keys."""

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from whyformer.data.formats.names import are_headings, plain_name
from whyformer.data.formats.recognition import SAMPLE, Format
from whyformer.data.lines import STDIN, OnFault
from whyformer.foundation.errors import DataError

Row = tuple[int, Sequence[Any]]
"""The number of a line or record, counted from 1, and the cells of all columns."""
HEADERS = (Format.TSV, Format.CSV, Format.EXCEL)
"""Formats whose first line may be a header."""


LEAST_ROWS, LONGER = 30, 0.9
"""A first row is compared only with `LEAST_ROWS` rows or more. A column differs from its first cell
if more than the fraction `LONGER` of its values do."""
MOST_LABELS, FREQUENT = 12, 3
"""A column contains labels if it has at most `MOST_LABELS` different values and each of them occurs
at least `FREQUENT` times."""
_NAME = re.compile(r"\w[\w .()/-]{0,29}")
_LATIN = re.compile(r"[A-Za-z]")


@dataclass
class Table(ABC):
    """The rows of a data file.

    Args:
        path: the file.
        encoding: see `read_lines`.
        columns: names of the columns; if ``named`` is False, the numbers ``1``, ``2``, … as text.
    """

    path: str
    encoding: str | None = None
    columns: tuple[str, ...] = ()
    named: bool = False
    format: Format = field(default=Format.TSV)
    delimiter: str | None = None
    """The character between the columns; None finds it from the content."""
    part: str = ""
    """For a workbook with several sheets, the text about the sheet that is read; otherwise ""."""
    on_fault: OnFault | None = None
    """Function that is called for a faulty row, see `Reading`. With None, a faulty row raises an
    error."""

    @abstractmethod
    def find_columns(self, header: bool | None, asked: Sequence[str] = ()) -> None:
        """Find the columns of the table, and set `columns` and `named`; for the arguments, see
        `open_table`."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield all rows; for a blank line, a row of empty cells.

        Raises: DataError with the path and line of the error.
        """

    def sample(self) -> list[list[str]]:
        """Return the cells of the first rows, up to the first faulty row. Reading the table raises
        the error of this row."""
        found: list[list[str]] = []
        try:
            for _, cells in islice(self.rows(), SAMPLE):
                if any(cells):
                    found.append([_shown(cell) for cell in cells])
        except DataError:
            pass
        return found

    def place(self, name: str) -> int | None:
        """Return the index of the column with this name or number (counted from 1), or None."""
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
        """Return the file and the line of a row as text, for messages."""
        return f"{self.path}:{line}"

    def refuse(self, line: int, error: DataError, cells: Sequence[Any]) -> None:
        """Report the error of a row to `on_fault`; without such a function, raise the error."""
        if self.on_fault is None:
            raise error
        self.on_fault(line, lambda: error, "\t".join(map(_shown, cells)), kept=False)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)


class TableWithHeader(Table):
    """A table whose first row may name the columns."""

    def find_columns(self, header: bool | None, asked: Sequence[str] = ()) -> None:
        """Find the columns; see `Table.find_columns`."""
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
        """Return the first rows, including a header."""

    def _checked(self, line: int, cells: list[str]) -> Iterator[Row]:
        """Yield a row if it has as many columns as the table.

        Raises: DataError when the number of columns differs; see `refuse`.
        """
        width = len(self.columns)
        if len(cells) == width:
            yield line, cells
        elif not any(cell.strip() for cell in cells):
            yield line, [""] * width
        else:
            owner = "the header" if self.named else "the other lines"
            have = "has" if self.named else "have"
            error = DataError(
                f"{self.where(line)}: a line must have as many columns as {owner}, but it has "
                f"{len(cells)} and {owner} {have} {width}. {self._advice()}"
            )
            self.refuse(line, error, cells)

    def _advice(self) -> str:
        return "Separate columns with one tab, and use no tab inside a column."


def is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a first row names the columns of the other rows.

    The cells of a header never occur again in their columns. In addition, one of these must hold:
    the cells are known names, a column contains only numbers below a name that is not a number, or
    the cells look like names of columns with other content (see `_unlike_values`).
    """
    # The first name may be empty: in a file written by pandas, the row numbers have no name.
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
    if any(_is_number(name) for name in first):
        return False
    return any(
        number and any(column) and not _is_number(name)
        for number, column, name in zip(numbers, columns, first, strict=True)
    ) or _unlike_values(first, columns)


def _unlike_values(first: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Return whether a first row looks like names, because its columns hold something else.

    Its cells must be short names, shorter than most values of a column. In addition, one of
    these must hold: the last column has a few labels, all of them frequent; or the name of a column
    is a single ASCII word, and hardly any value of this column contains Latin letters.
    """
    if not all(_NAME.fullmatch(name.strip()) for name in first if name):
        return False
    count = len(columns[0])
    if count < LEAST_ROWS or not any(
        sum(len(value) > len(name) for value in column) > LONGER * count
        for name, column in zip(first, columns, strict=True)
    ):
        return False
    labels = Counter(columns[-1])
    if len(labels) <= MOST_LABELS and min(labels.values()) >= FREQUENT:
        return True
    return any(
        name.isascii()
        and " " not in name
        and sum(_LATIN.search(value) is None for value in column) > LONGER * count
        for name, column in zip(first, columns, strict=True)
        if any(one.isalpha() for one in "".join(column[:LEAST_ROWS]))
    )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+([.,]\d+)?", text.strip()) is not None


class Records(Table):
    """A table of records with keys. A value in a nested record is a column named after both keys:
    ``a.b``."""

    def find_columns(self, header: bool | None, asked: Sequence[str] = ()) -> None:
        """Set the columns to all keys of the first records; see `Table.find_columns`."""
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
        """Yield the number and the content of each record. A blank line gives an empty record."""

    def rows(self) -> Iterator[Row]:
        """Yield one row for each record; see `Table.rows`."""
        for number, record in self.records():
            flat = flattened(record)
            yield number, [flat.get(name) for name in self.columns]

    def read(self, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        """Yield the number of each record and its values for the keys ``names``; empty strings for
        a blank line.

        Raises: DataError for a record that lacks one of the keys.
        """
        for number, record in self.records():
            if not record:
                yield number, [""] * len(names)
                continue
            flat = record if all(name in record for name in names) else flattened(record)
            if missing := [name for name in names if name not in flat]:
                error = DataError(
                    f"{self.where(number)}: the key `{missing[0]}` is required, but only "
                    f"{', '.join(f'`{key}`' for key in flat)} was found. "
                    "Add it, or name the keys to read with --source and --target."
                )
                self.refuse(number, error, list(record.values()))
                continue
            yield number, [flat[name] for name in names]


def flattened(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a record in which the values of nested records have dotted keys.

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
