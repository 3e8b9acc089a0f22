"""Detect damaged files: hashes of the files, and a seal over the JSON file that lists the hashes.

One JSON file describes a directory. In the JSON file, ``files`` maps the name of each file in the
directory to the SHA-256 of the file, and ``seal`` maps the dotted name of each value in the JSON
file to the first digits of the SHA-256 of that value. So an error message can name every changed
file and every changed setting.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.parsing import read_json
from whyformer.foundation.torchrun import is_first

FILES, SEAL = "files", "seal"
DIGITS = 16
"""Number of hex digits of each hash in the seal; 16 digits are 64 bits."""


def sealed_text(state: Mapping[str, Any]) -> str:
    """Return JSON text of ``state`` with its seal.

    >>> "a.b" in json.loads(sealed_text({"a": {"b": 1}}))["seal"]
    True
    """
    # Convert to JSON and back first, because this changes tuples into lists and keys into strings.
    plain = json.loads(json.dumps({key: state[key] for key in state if key != SEAL}))
    return json.dumps({**plain, SEAL: seal_of(plain)}, indent=1, ensure_ascii=False)


def write_sealed(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state with its seal. The write is not atomic. The bytes are the same on every
    system."""
    path.write_text(sealed_text(state), encoding="utf-8", newline="\n")


class ChangedFileError(ValueError):
    """The hash of a file differs from the hash that the sealed state lists for the file."""

    def __init__(self, path: Path, how: str) -> None:
        super().__init__(f"`{path.name}` {how}")
        self.path, self.how = path, how


def format_of(path: Path, state: Any, *, newest: int, oldest: int = 0) -> int:
    """Return the format number of a state; 0 when the state has no format.

    Raises: BundleError for a format above ``newest``; ValueError for a format below ``oldest``, or
        if the format is not a number.
    """
    if not isinstance(state, dict):
        raise ValueError("it is not a JSON mapping")
    found = state.get("format", 0)
    if type(found) is not int:
        raise ValueError(f"the format must be a whole number, but it is {json.dumps(found)}")
    if found < oldest:
        raise ValueError(f"there is no format {found}" if "format" in state else "it has no format")
    if found > newest:
        raise BundleError(
            f"`{path}` has format {found}, and this version of whyformer reads up to {newest}. "
            "Upgrade whyformer."
        )
    return found


def note_without_checksums(path: Path, advice: str) -> None:
    """Print a note that a file of an older format has no checksums. With several ranks, only the
    first rank prints the note.

    Args: advice: how to add the checksums, as a sentence.
    """
    if is_first():
        print(
            f"Note: `{path}` has an older format without checksums; damage to it is not "
            f"detected. {advice}",
            file=sys.stderr,
        )


def read_sealed(path: Path, *, since: int, newest: int) -> dict[str, Any]:
    """Read a sealed state; verify its seal and the hashes of the files that it lists.

    Args: since: see `damage`. newest: the newest format that can be read.
    Raises:
        ChangedFileError when a listed file was changed.
        BundleError for a newer format.
        ValueError, OSError or TypeError when the state is damaged.
    """
    state = read_json(path)
    format_of(path, state, newest=newest)
    if fault := _damage_of_state(state, since=since):
        raise ValueError(fault)
    if found := first_changed_file(path.parent, state.get(FILES, {}) if SEAL in state else {}):
        raise ChangedFileError(path.parent / found[0], found[1])
    return state


def seal_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the hash of every value of a state by dotted name, without the seal itself."""
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
    """Return the names of all values that were changed, added or removed since the seal was
    made."""
    kept = state.get(SEAL)
    if not isinstance(kept, dict):
        return [SEAL]
    now = seal_of(state)
    return sorted(name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name))


def hashes(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each named file."""
    return {name: sha256_of(directory / name) for name in sorted(names)}


def first_changed_file(directory: Path, files: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the name of the first file that does not match its hash, and the reason; None when all
    files match.

    Files are read in blocks, so this needs little memory.
    """
    for name, digest in files.items():
        if Path(name).name != name or not isinstance(digest, str):
            return name, "is not the name of a file in the same directory"
        path = directory / name
        if not os.path.isfile(path):  # False also for a name that is too long
            return name, "is missing"
        if sha256_of(path) != digest:
            return name, "does not have the SHA-256 recorded for it"
    return None


def named(names: list[str], limit: int = 5) -> str:
    """Return the first names as text, and the number of further names.

    >>> named(["a", "b", "c"], limit=2)
    '`a`, `b` and 1 more'
    """
    shown = ", ".join(f"`{name}`" for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")


def damage(directory: Path, state: Mapping[str, Any], *, since: int) -> str | None:
    """Return a text about the first fault of a sealed state or of the files that it lists; None if
    there is no fault.

    Args: since: the first format with a seal. A state of an earlier format must not have a seal.
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
