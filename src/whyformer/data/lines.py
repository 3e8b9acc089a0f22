"""Read lines of text from files: plain or compressed, in UTF-8 or in a named encoding.

Only ``\\n`` ends a line (a ``\\r`` before it is dropped); U+2028 and similar characters are text.
All files are streamed; only the current line is in memory.
"""

import codecs
import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from whyformer.data.encodings import GUESSED, byte_order_mark, guessed_encoding, known_encoding
from whyformer.data.inputs import note_input
from whyformer.data.opening import damage_explained, openable, opened_file
from whyformer.foundation.errors import DataError

STDIN = "-"
BLOCK = 1 << 20
"""Number of bytes that are read at once."""
WIDE = ("utf-16", "utf-32")
"""Encodings in which a byte with value 10 can be part of a character and not a line end."""


@runtime_checkable
class OnFault(Protocol):
    """Type of a function that is called for each faulty line."""

    def __call__(self, line: int, make: Callable[[], DataError], text: str, *, kept: bool) -> None:
        """Report a fault.

        Args:
            line: number of the line.
            make: function that returns the error.
            text: the text of the line.
            kept: whether the line is still used, with U+FFFD in place of invalid bytes.
        """


def read_lines(
    path: str | Path, encoding: str | None = None, on_fault: OnFault | None = None
) -> Iterator[str]:
    """Yield the lines of a file, or of standard input for ``-``.

    Args:
        encoding: a codec of Python, such as ``cp949``. None means UTF-8, or the encoding that a
            byte order mark at the start of the file states.
        on_fault: called for a line with invalid text instead of raising an error. The line is then
            yielded with U+FFFD in place of the invalid bytes.
    Raises: DataError when the file is absent, has no lines, or is not in the encoding.
    """
    number = 0
    codec = known_encoding(encoding) if encoding else "utf-8"
    with _opened(path) as file, damage_explained(path):
        if encoding is None and isinstance(file, io.BufferedReader) and str(path) != STDIN:
            codec = byte_order_mark(file.peek(4)[:4]) or codec
        lines = _of_wide(path, file, codec) if codec.startswith(WIDE) else _of_bytes(file)
        for number, raw in enumerate(lines, start=1):
            if number == 1:
                raw = raw.removeprefix(codecs.BOM_UTF8)  # the byte order mark that some editors add
            try:
                line = (
                    raw.removesuffix(b"\n")
                    .removesuffix(b"\r")
                    .decode("utf-8" if codec.startswith(WIDE) else codec)
                )
            except UnicodeDecodeError as error:
                make = partial(_wrong_encoding, path, number, raw, codec, error)
                if on_fault is None:
                    raise make() from None
                line = raw.removesuffix(b"\n").removesuffix(b"\r").decode(codec, "replace")
                on_fault(number, make, line, kept=True)
            if "\0" in line:
                make = partial(_has_nul, path, number, raw)
                if on_fault is None:
                    raise make()
                on_fault(number, make, line, kept=True)
            yield line
    if number == 0:
        raise DataError(
            f"`{path}` must have at least one line, but it is empty. Give another file."
        )


def is_utf8(path: str | Path) -> bool:
    """Return whether a file is valid UTF-8, or starts with the byte order mark of another encoding.

    Raises: DataError when the file cannot be opened.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opened_file(path) as file, damage_explained(path):
        block = file.read(BLOCK)
        if byte_order_mark(block):
            return True
        try:
            while block:
                decoder.decode(block)
                block = file.read(BLOCK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def readable(path: str | Path) -> Path:
    """Return the path if it is a file that can be opened.

    Raises: DataError with the reason when the file cannot be opened.
    """
    place = Path(path)
    note_input(place)
    if place.exists() and not place.is_file() and not place.is_dir():
        raise DataError(
            f"`{path}` must be a regular file, because training reads its data several times, but "
            "it is a pipe or a device. Write the data to a file, or give pairs with `--data -`."
        )
    with openable(path), place.open("rb"):
        return place


def _opened(path: str | Path) -> AbstractContextManager[io.BufferedIOBase]:
    if str(path) == STDIN:
        return nullcontext(cast(io.BufferedIOBase, sys.stdin.buffer))
    note_input(path)
    return opened_file(path)


def _of_bytes(file: io.BufferedIOBase) -> Iterator[bytes]:
    yield from file


def _of_wide(path: str | Path, file: io.BufferedIOBase, codec: str) -> Iterator[bytes]:
    """Yield the lines of a UTF-16 or UTF-32 file, encoded as UTF-8."""
    number = 0
    text = io.TextIOWrapper(cast(io.BufferedReader, file), encoding=codec, newline="\n")
    try:
        for number, line in enumerate(text, start=1):
            yield line.removeprefix("\ufeff" if number == 1 else "").encode()
    except UnicodeError as error:
        raise DataError(
            f"{_name(path)}:{number + 1}: text must be {codec.upper()}, but it is not "
            f"({error.reason if isinstance(error, UnicodeDecodeError) else error}). Give another "
            "--encoding, or convert the file to UTF-8."
        ) from None
    finally:
        with contextlib.suppress(ValueError):  # the file is already closed
            text.detach()


def _name(path: str | Path) -> str:
    return "standard input" if str(path) == STDIN else str(path)


def _looks_like(path: str | Path, raw: bytes) -> str:
    """Return the end of a message about a line that is not UTF-8: the likely encoding of the file,
    and advice."""
    line = raw
    if str(path) != STDIN:
        with opened_file(path) as file:
            raw = file.read(GUESSED)
    guess = guessed_encoding(raw)
    if guess is None and (mixed := guessed_encoding(line)):
        return f" and looks like {mixed.upper()}: the file mixes encodings. Convert this line"
    if guess is None:
        return ". Convert the file to UTF-8"
    shown = guess.upper()
    return f": the file looks like {shown}. Give --encoding {guess}, or convert the file to UTF-8"


def _has_nul(path: str | Path, number: int, raw: bytes) -> DataError:
    return DataError(
        f"{_name(path)}:{number}: text must not contain NUL characters, but one was "
        f"found{_looks_like(path, raw)}."
    )


def _wrong_encoding(
    path: str | Path, number: int, raw: bytes, codec: str, error: UnicodeDecodeError
) -> DataError:
    hint = _looks_like(path, raw)
    if codec != "utf-8":
        try:
            raw.decode()
            hint = ": it is UTF-8. Leave --encoding out"
        except UnicodeDecodeError:
            hint = ". Give another --encoding"
    return DataError(
        f"{_name(path)}:{number}: text must be {codec.upper()}, but byte "
        f"0x{raw[error.start]:02x} at position {error.start + 1} is not{hint}."
    )
