"""Read JSON from files that may be damaged or malicious, with limits on size, depth and numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

MAX_BYTES = 1 << 26
"""Maximum size of a JSON file: 64 MiB. Even a tokenizer with a million words needs less."""
MAX_DEPTH = 100
MAX_SHOWN = 60
"""Maximum number of characters of a value in a message."""


class NotJSONError(ValueError):
    """Error for a text that is not valid JSON."""

    def __init__(self, error: json.JSONDecodeError) -> None:
        place = f"it is not JSON (line {error.lineno}, column {error.colno})"
        super().__init__(place if error.doc.strip() else "it is empty")
        self.column = error.colno


def reason_of(error: Exception) -> str:
    """Return, in plain words, why a file cannot be used.

    Args: error: the error that was raised when the file was read.

    >>> reason_of(KeyError("units")), reason_of(TypeError("'int' object is not iterable"))
    ('`units` is missing', 'a value has the wrong type')
    """
    if isinstance(error, KeyError):
        return f"`{error.args[0]}` is missing" if error.args else "a value is missing"
    if isinstance(error, TypeError | AttributeError | IndexError | OverflowError):
        return "a value has the wrong type"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


def parse_json(text: str, *, finite: bool = False) -> Any:
    """Parse JSON text within the limits.

    Args: finite: whether to reject NaN and Infinity. NaN and Infinity are not valid JSON, but
        Python writes them.
    Raises: ValueError when the text is not JSON, has a duplicate key, or exceeds a limit.
    """
    return _parsed(text, finite=finite)


def _parsed(text: str, *, finite: bool, parse_int: Callable[[str], int] | None = None) -> Any:
    try:
        value = json.loads(
            text,
            parse_constant=_refuse if finite else None,
            parse_int=parse_int,
            object_pairs_hook=_without_repeats,
        )
    except json.JSONDecodeError as error:
        raise NotJSONError(error) from None
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
    return value


def read_json(path: Path, *, finite: bool = False) -> Any:
    """Read a JSON file that this package wrote, within the limits; integers must fit into 64 bits.

    Raises: ValueError in the same cases as `parse_json` and `read_small`; OSError when the file
        cannot be read.
    """
    return _parsed(read_small(path), finite=finite, parse_int=_fits_64_bits)


def read_small(path: Path) -> str:
    """Return the text of a UTF-8 file of at most `MAX_BYTES`.

    Raises: ValueError when the file is not UTF-8, and in the same cases as `read_bytes`; OSError
        when it cannot be read.
    """
    return read_bytes(path).decode("utf-8")


def read_bytes(path: Path) -> bytes:
    """Return the content of a file of at most `MAX_BYTES`.

    Raises: ValueError when the file is larger, or not a regular file (reading a pipe may never
        end); OSError when it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 20} MiB")
    return content


def shown(value: Any) -> str:
    """Return a value as JSON for a message; a long value is shortened.

    >>> shown(None), shown([True, "é"])
    ('null', '[true, "é"]')
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the key-value pairs of a JSON object as a dictionary; reject duplicate keys, because
    JSON libraries treat them differently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key `{again}` is given twice in one object")
    return found


def _fits_64_bits(digits: str) -> int:
    """Return the value of ``digits``; reject integers that fit neither into signed nor into
    unsigned 64 bits. The states of random generators are unsigned."""
    number = int(digits) if len(digits) <= 20 else 2**64
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"the number {digits[:20]}… does not fit into 64 bits")
    return number


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
