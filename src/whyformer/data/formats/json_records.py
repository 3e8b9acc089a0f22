"""Stream the objects of JSON lines and of JSON arrays."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from whyformer.data.lines import OnFault, read_lines
from whyformer.foundation.errors import DataError
from whyformer.foundation.parsing import NotJSONError, parse_json, shown

CHUNK = 1 << 16
"""Characters that are read before the next object is looked for."""
MAX_RECORD = 1 << 26
"""Most characters of one object."""


def records_of_lines(
    path: str,
    encoding: str | None,
    names: Sequence[str] = (),
    on_fault: OnFault | None = None,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line numbers and JSON objects; an empty object for a blank line.

    Args:
        names: keys for the example in a message.
        on_fault: see `read_lines`; also called for a line that is no object, which is left out.
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
    """Return the object of a line. Raises: DataError when it is none."""
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
        example = ", ".join(f'"{name}": "…"' for name in names or ("source", "target"))
        raise DataError(
            f"{path}:{number}: a line must be one JSON object, but "
            f"{'an empty one' if record == {} else shown(record)} was found. "
            f"Write {{{example}}}."
        )
    return record


def records_of_array(path: str, encoding: str | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON array, numbered from 1.

    The array may be the value of a key of one object, as in ``{"version": 1, "data": [{…}]}``: the
    first array of objects is read.
    Raises: DataError with the number of the item that cannot be read.
    """
    text = _Text(f"{line}\n" for line in read_lines(path, encoding))
    if not text.skip_to_array():
        raise DataError(
            f"`{path}` must be a JSON array of objects, but it has none. Write [{{…}}, {{…}}], or "
            "one object per line."
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
            record = parse_json(text.buffer[text.at : end])  # with its limits
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
        f"{path}, item {number}: an array must hold JSON objects, but this cannot be parsed "
        f"({reason}). Correct it."
    )


class _Text:
    """A text that is read when it is needed."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.buffer, self.at = "", 0
        """What was read, and the place in it up to which it was parsed."""

    def read(self) -> bool:
        """Read more. Returns: whether there was more."""
        parts, size = [self.buffer[self.at :]], 0
        self.at = 0
        # A record that is not whole is parsed again from its start, so each reading doubles.
        while size < max(CHUNK, len(parts[0])) and (line := next(self._lines, "")):
            parts.append(line)
            size += len(line)
        self.buffer = "".join(parts)
        return size > 0 and len(self.buffer) <= MAX_RECORD

    def starts_with(self, character: str) -> bool:
        """Return whether the next character that is no space is this one."""
        while True:
            if found := re.compile(r"\S").search(self.buffer, self.at):
                self.at = found.start()
                return found[0] == character
            self.at = len(self.buffer)
            if not self.read():
                return False

    def skip_to_array(self) -> bool:
        """Go to the first item of the first array of objects."""
        while not (found := re.search(r"\[\s*(?=[\]{])", self.buffer)):
            if not self.read():
                return False
        self.at = found.end()
        return True
