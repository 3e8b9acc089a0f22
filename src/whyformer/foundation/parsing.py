"""Read JSON from files that may be damaged or hostile: limits on size, depth and numbers."""

import json
from pathlib import Path
from typing import Any

MAX_BYTES = 1 << 26
"""Largest JSON file read: 64 MiB, more than the tokenizer of a million words needs."""
MAX_DEPTH = 100


def parse_json(text: str, *, finite: bool = False) -> Any:
    """Parse JSON text within the limits.

    Args: finite: refuse NaN and Infinity, which JSON does not have but Python writes.
    Raises: ValueError when the text is not JSON, gives a key twice, or exceeds a limit.
    """
    try:
        value = json.loads(
            text, parse_constant=_refuse if finite else None, object_pairs_hook=_without_repeats
        )
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
    """Read a JSON file within the limits.

    Raises: ValueError as `parse_json`, or when the file is too large; OSError.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 20} MiB")
    return parse_json(content.decode("utf-8"), finite=finite)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; JSON libraries disagree which value of a repeated key counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key `{again}` is given twice in one object")
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
