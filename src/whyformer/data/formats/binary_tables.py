"""Read tables from binary files: Excel workbooks and Parquet. The libraries for these formats are
imported only when such a file is read."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from whyformer.data.formats.recognition import SAMPLE
from whyformer.data.formats.table import Records, Row, TableWithHeader
from whyformer.data.inputs import note_input
from whyformer.foundation.errors import DataError, MissingExtraError

WORKBOOK_ERRORS = (
    OSError, ValueError, LookupError, SyntaxError, TypeError, AttributeError, EOFError,
    NotImplementedError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""The exceptions that openpyxl raises for a damaged workbook."""
SHEET_ROWS = 1 << 20
"""Maximum number of rows of an Excel sheet."""


class Excel(TableWithHeader):
    """The table of a workbook: the first sheet that contains a table is read. A title above the
    table is skipped."""

    def _first_rows(self) -> list[list[str]]:
        rows = [cells for _, cells in islice(self._cells(), SAMPLE) if cells]
        width = max(map(len, rows), default=0)
        return [[*row, *[""] * (width - len(row))] for row in rows]

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each row, and its cells up to the last non-empty one."""
        try:
            import openpyxl
        except ImportError:
            raise MissingExtraError("openpyxl", "data") from None
        note_input(self.path)
        try:
            with Path(self.path).open("rb") as file:  # any file name is allowed
                _refuse_false_sizes(file, Path(self.path).stat().st_size)
                with warnings.catch_warnings():  # warnings about styles etc.
                    warnings.simplefilter("ignore")
                    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
                for sheet in book.worksheets:
                    started = False
                    sheet.reset_dimensions()  # some programs store a wrong size
                    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                        if number > SHEET_ROWS:
                            raise ValueError(f"a row has a number above {SHEET_ROWS:,}")
                        cells = ["" if cell is None else str(cell) for cell in row]
                        while cells and not cells[-1]:
                            cells.pop()
                        # The rows of a title, or of a cover sheet, have only one non-empty cell.
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
        """Yield the rows below the header; see `Table.rows`."""
        for place, (number, cells) in enumerate(self._cells()):
            if place or not self.named:
                empty = [""] * (len(self.columns) - len(cells))
                yield from self._checked(number, cells + empty)


def _refuse_false_sizes(file: BinaryIO, size: int) -> None:
    """Raise ValueError if a part of a workbook claims more bytes than the file has.

    Reading such a part would allocate all the bytes that it claims.
    """
    with zipfile.ZipFile(file) as archive:
        for part in archive.infolist():
            if part.compress_size > size:
                raise ValueError(f"{part.filename} claims to be larger than the file")
    file.seek(0)


class Parquet(Records):
    """The rows of a Parquet file, as records."""

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the number of each row and its values by column name; see `Records.records`."""
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
                    for record in _with_texts_for_dates(batch).to_pylist():
                        number += 1
                        yield number, record
        except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
            raise DataError(
                f"`{self.path}` must be a Parquet file, but it is damaged ({error}). "
                "Download it again."
            ) from None

    def where(self, line: int) -> str:
        """Return the file and the number of a row as text, for messages."""
        return f"{self.path}, row {line}"


def _with_texts_for_dates(batch: Any) -> Any:
    """Return a batch of rows in which dates and times are texts, because Python's types cannot
    represent all of them."""
    from pyarrow import string, types

    for place, column in enumerate(batch.schema):
        if types.is_temporal(column.type) and not types.is_interval(column.type):
            batch = batch.set_column(place, column.name, batch.column(place).cast(string()))
    return batch
