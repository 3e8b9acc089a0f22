"""Read the objects of JSON lines and of JSON arrays one by one."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from whyformer.data.lines import OnFault, read_lines
from whyformer.foundation.errors import DataError
from whyformer.foundation.parsing import NotJSONError, parse_json, shown

CHUNK = 1 << 16
"""Number of characters that are read at a time, before the next object is parsed."""
MAX_RECORD = 1 << 26
"""Maximum number of characters of one object."""


def records_of_lines(
    path: str,
    encoding: str | None,
    names: Sequence[str] = (),
    on_fault: OnFault | None = None,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the JSON object of each line. A blank line gives an empty object.

    Args:
        names: keys that the example in an error message shows.
        on_fault: see `read_lines`. The function is also called for a line that is not a JSON
            object; such a line is left out.
    Raises: DataError with the path and line of the error.
    """
    for number, line in enumerate(read_lines(path, encoding, on_fault), start=1):
        if not line.strip():
            yield number, {}
            continue
        try:
            yield number, _record(path, number, line, names)
        except DataError as error:
            if on_fault is None:
                raise
            on_fault(number, partial(_same, error), line, kept=False)


def _same(error: DataError) -> DataError:
    return error


def _record(path: str, number: int, line: str, names: Sequence[str]) -> dict[str, Any]:
    """Parse a line and return its JSON object.

    Raises: DataError when the line is not a JSON object.
    """
    try:
        record = parse_json(line)
    except NotJSONError as error:
        raise DataError(
            f"{path}:{number}: a line must be one JSON object, but it is not JSON at column "
            f"{error.column}. Write one object per line."
        ) from None
    except ValueError as error:  # such as a number with too many digits
        raise DataError(
            f"{path}:{number}: a line must be one JSON object, but it cannot be parsed "
            f"({error}). Write one object per line."
        ) from None
    if not isinstance(record, dict) or not record:
        example = ", ".join(f'"{name}": "…"' for name in names or ("source", "target"))
        raise DataError(
            f"{path}:{number}: a line must be one JSON object, but "
            f"{'an empty one' if record == {} else shown(record)} was found. "
            f"Write {{{example}}}."
        )
    return record


def records_of_array(path: str, encoding: str | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON array, numbered from 1.

    The array may also be a value inside an object, as in ``{"version": 1, "data": [{…}]}``. In this
    case, the first array of objects is read.
    Raises: DataError with the number of the item that cannot be read.
    """
    text = _Text(f"{line}\n" for line in read_lines(path, encoding))
    if not text.skip_to_array():
        raise DataError(
            f"`{path}` must be a JSON array of objects, but it contains none. Write "
            "[{{…}}, {{…}}], or one object per line."
        )
    decoder = json.JSONDecoder()
    number = 0
    while not text.starts_with("]"):
        number += 1
        while True:
            try:
                _, end = decoder.raw_decode(text.buffer, text.at)
                break
            except (ValueError, RecursionError) as error:
                if isinstance(error, RecursionError) or not text.read():
                    raise _not_an_item(path, number, error) from None
        try:
            record = parse_json(text.buffer[text.at : end])  # parse_json checks limits
        except ValueError as error:
            raise _not_an_item(path, number, error) from None
        if not isinstance(record, dict) or not record:
            raise DataError(f"{path}, item {number}: must be an object, but it is {shown(record)}.")
        yield number, record
        text.at = end
        if text.starts_with(","):
            text.at += 1
        elif not text.starts_with("]"):
            raise _not_an_item(path, number, ValueError("the array is not closed"))


def _not_an_item(path: str, number: int, error: Exception) -> DataError:
    reason = "nested too deeply" if isinstance(error, RecursionError) else error
    return DataError(
        f"{path}, item {number}: an array must contain JSON objects, but this item cannot be "
        f"parsed ({reason}). Correct it."
    )


class _Text:
    """A text that is read from a stream as far as the parser needs it."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.buffer, self.at = "", 0
        """The text in memory, and the position up to which it is parsed."""

    def read(self) -> bool:
        """Read more text, and return whether there was any."""
        parts, size = [self.buffer[self.at :]], 0
        self.at = 0
        # An incomplete record is parsed again from its start. So each call reads as much text as is
        # in memory, and a long record is parsed only a few times.
        while size < max(CHUNK, len(parts[0])) and (line := next(self._lines, "")):
            parts.append(line)
            size += len(line)
        self.buffer = "".join(parts)
        return size > 0 and len(self.buffer) <= MAX_RECORD

    def starts_with(self, character: str) -> bool:
        """Return whether the next character that is not whitespace is ``character``."""
        while True:
            if found := re.compile(r"\S").search(self.buffer, self.at):
                self.at = found.start()
                return found[0] == character
            self.at = len(self.buffer)
            if not self.read():
                return False

    def skip_to_array(self) -> bool:
        """Move to the first item of the first array of objects; return False if there is no such
        array."""
        while not (found := re.search(r"\[\s*(?=[\]{])", self.buffer)):
            if not self.read():
                return False
        self.at = found.end()
        return True
