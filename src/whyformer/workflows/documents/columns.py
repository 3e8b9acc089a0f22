"""A column of a table (CSV, TSV or Excel), translated into a new column."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whyformer.data.formats.recognition import Format, Wanted
from whyformer.data.formats.table import Table
from whyformer.data.formats.tables import missing_column, open_table
from whyformer.foundation.errors import DataError
from whyformer.workflows.documents.document import Document

WRITABLE = {Format.TSV: "TSV", Format.CSV: "CSV", Format.EXCEL: "Excel"}


def open_column(path: Path, column: str, into: str, encoding: str | None = None) -> "Column":
    """Open a table to translate one of its columns.

    Args:
        column: name of the column, or its number from 1.
        into: name of the new column.
    Raises: DataError if the file is not such a table, if it has no such column, or if the new
        column exists already.
    """
    table = open_table(path, Wanted.TEXTS, encoding=encoding, asked=[column])
    if table is None or table.format not in WRITABLE:
        kind = "plain lines" if table is None else str(table.format)
        raise DataError(
            f"`{path}` must be a table ({', '.join(WRITABLE.values())}) to translate a column, but "
            f"it is {kind}. Save it as CSV."
        )
    place = table.place(column)
    if place is None:
        raise DataError(missing_column(table, column))
    if table.named and table.place(into) is not None:
        raise DataError(
            f"The name of the new column must be unique, but `{path}` already has a column "
            f"`{into}`. Choose another name for --into."
        )
    return Column(table, place, into)


class Column(Document):
    """A table whose column is translated. Args: place: index of the column, from 0."""

    def __init__(self, table: Table, place: int, into: str) -> None:
        self._table, self._place, self._into = table, place, into
        self._rows = [(number, list(map(str, cells))) for number, cells in table.rows()]

    @property
    def texts(self) -> list[str]:
        """See `Document`."""
        return [cells[self._place] for _, cells in self._rows]

    def with_texts(self, texts: Sequence[str]) -> bytes:
        """See `Document`. The table gets a new column at its end."""
        if self._table.format is Format.EXCEL:
            return self._workbook(texts)
        stream = io.StringIO(newline="")
        separator = "\t" if self._table.format is Format.TSV else self._table.delimiter or ","
        rows = [[*cells, text] for (_, cells), text in zip(self._rows, texts, strict=True)]
        if self._table.named:
            rows.insert(0, [*self._table.columns, self._into])
        if self._table.format is Format.TSV:
            for row in rows:
                stream.write(separator.join(row) + "\n")
        else:
            csv.writer(stream, delimiter=separator, lineterminator="\n").writerows(rows)
        return stream.getvalue().encode()

    def _workbook(self, texts: Sequence[str]) -> bytes:
        import openpyxl

        book: Any = openpyxl.load_workbook(self._table.path)
        title = self._table.part.removeprefix(", sheet ")
        sheet = book[title] if title else book.worksheets[0]
        new = len(self._table.columns) + 1
        if self._table.named:
            sheet.cell(self._header_row(sheet), new, self._into)
        for (number, _), text in zip(self._rows, texts, strict=True):
            if text:
                sheet.cell(number, new, text)
        stream = io.BytesIO()
        book.save(stream)
        return stream.getvalue()

    def _header_row(self, sheet: Any) -> int:
        names = list(self._table.columns)
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            if ["" if cell is None else str(cell) for cell in row[: len(names)]] == names:
                return number
        return 1
