"""Detect damage: hashes of files, and a seal over the JSON file that lists them.

A directory is described by one JSON file. It holds ``files`` (name -> SHA-256) and ``seal`` (the
dotted name of every value in it -> the start of the SHA-256 of that value), so that each changed
file and each changed setting can be named.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from whyformer.foundation.files import sha256_of
from whyformer.foundation.parsing import read_json

FILES, SEAL = "files", "seal"
DIGITS = 16
"""Hex digits kept of the hash of one value: 64 bits."""


def sealed_text(state: Mapping[str, Any]) -> str:
    """Return JSON text of ``state`` with its seal.

    >>> "a.b" in json.loads(sealed_text({"a": {"b": 1}}))["seal"]
    True
    """
    # A round trip first: JSON turns tuples into lists and all keys into strings.
    plain = json.loads(json.dumps({key: state[key] for key in state if key != SEAL}))
    return json.dumps({**plain, SEAL: seal_of(plain)}, indent=1, ensure_ascii=False)


def write_sealed(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state with its seal, with the same bytes on every system; not atomically."""
    path.write_text(sealed_text(state), encoding="utf-8", newline="\n")


class ChangedFileError(ValueError):
    """A file is not as the sealed state beside it says."""

    def __init__(self, path: Path, how: str) -> None:
        super().__init__(f"`{path.name}` {how}")
        self.path, self.how = path, how


def read_sealed(path: Path, *, since: int) -> dict[str, Any]:
    """Read a sealed state, and compare it and the files that it lists with their hashes.

    Args: since: see `damage`.
    Raises: ChangedFileError for a listed file; ValueError that says what is wrong with the state;
        OSError, TypeError.
    """
    state = read_json(path)
    if not isinstance(state, dict):
        raise ValueError("it is not an object")
    if fault := _damage_of_state(state, since=since):
        raise ValueError(fault)
    if found := first_changed_file(path.parent, state.get(FILES, {}) if SEAL in state else {}):
        raise ChangedFileError(path.parent / found[0], found[1])
    return state


def seal_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the hash of every value by its dotted name; the seal itself is left out."""
    leaves: dict[str, str] = {}
    for key, value in state.items():
        if key != SEAL:
            _collect(value, key, leaves)
    return leaves


def _collect(value: Any, name: str, leaves: dict[str, str]) -> None:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _collect(inner, f"{name}.{key}", leaves)
        return
    text = json.dumps(value, sort_keys=True)
    leaves[name] = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def changed_settings(state: Mapping[str, Any]) -> list[str]:
    """Return the names of all values that changed, appeared or vanished since the seal was made."""
    kept = state.get(SEAL)
    if not isinstance(kept, dict):
        return [SEAL]
    now = seal_of(state)
    return sorted(name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name))


def hashes(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each named file."""
    return {name: sha256_of(directory / name) for name in sorted(names)}


def first_changed_file(directory: Path, files: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the first file that differs from its hash, and how; None when all are the same.

    Files are read block by block, so this needs no memory for them.
    """
    for name, digest in files.items():
        if Path(name).name != name or not isinstance(digest, str):
            return name, "is not a file beside its list"
        path = directory / name
        if not os.path.isfile(path):  # also where the name is too long
            return name, "is missing"
        if sha256_of(path) != digest:
            return name, "does not have the SHA-256 recorded for it"
    return None


def named(names: list[str], limit: int = 5) -> str:
    """Return the first names for a sentence, and how many more there are.

    >>> named(["a", "b", "c"], limit=2)
    '`a`, `b` and 1 more'
    """
    shown = ", ".join(f"`{name}`" for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")


def damage(directory: Path, state: Mapping[str, Any], *, since: int) -> str | None:
    """Return what is wrong with a sealed state or the files it lists; None when it is intact.

    Args: since: the first format that is sealed; earlier ones must have no seal.
    """
    if fault := _damage_of_state(state, since=since):
        return fault
    found = first_changed_file(directory, state.get(FILES, {}) if SEAL in state else {})
    return None if found is None else f"`{found[0]}` {found[1]}"


def _damage_of_state(state: Mapping[str, Any], *, since: int) -> str | None:
    sealed = SEAL in state
    if sealed and (changed := changed_settings(state)):
        return f"changed after it was written: {named(changed)}"
    if sealed != (state.get("format", 0) >= since):
        return f"format {state.get('format', 0)} {'has no' if sealed else 'needs a'} `{SEAL}`"
    if sealed and not isinstance(state.get(FILES, {}), dict):
        return f"`{FILES}` must be a list of hashes by name"
    return None
