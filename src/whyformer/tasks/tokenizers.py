"""Save the tokenizers that a run trains, and load them again when the run resumes."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import sha256_of, write_text
from whyformer.foundation.integrity import note_without_checksums
from whyformer.foundation.parsing import read_small, reason_of
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json

KEY = "key"


def kept_tokenizers(
    directory: Path,
    names: Sequence[str],
    asked: Mapping[str, Any],
    learn: Callable[[], Sequence[Tokenizer]],
) -> list[Tokenizer]:
    """Load the saved tokenizers if they were saved for the same ``asked``; otherwise, train and
    save new tokenizers.

    Args:
        names: the file name of each tokenizer, without suffix.
        asked: all settings and data that determine the tokenizers, as JSON values.
    Raises: BundleError when a saved tokenizer is missing or damaged.
    """
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    place = directory / KEY
    files = [directory / f"{name}.json" for name in names]
    kept = place.read_text(encoding="utf-8", errors="replace") if place.is_file() else ""
    if kept == key:  # an older version wrote no hashes
        note_without_checksums(directory, "A new run has them.")
        return [_read(file) for file in files]
    if kept.startswith(key):
        fault = next((f for f in files if not f.is_file()), None)
        if fault is None and kept == _key_file(key, files, [*map(sha256_of, files)]):
            return [_read(file) for file in files]
        raise BundleError(_do_not_fit(fault or directory, place))
    tokenizers = list(learn())
    place.unlink(missing_ok=True)  # after a crash here, the next run trains them again
    hashes: list[str] = []  # hash the text in memory, because a damaged disk may return other text
    for file, tokenizer in zip(files, tokenizers, strict=True):
        text = tokenizer.to_json()
        write_text(file, text)
        hashes.append(hashlib.sha256(text.encode("utf-8")).hexdigest())
    write_text(place, _key_file(key, files, hashes))
    return tokenizers


def verify_tokenizers(directory: Path) -> bool:
    """Compare the saved tokenizers of a run with their hashes; return False if no hashes were
    saved.

    Raises: BundleError when a tokenizer is missing or damaged.
    """
    place = directory / KEY
    kept = place.read_text(encoding="utf-8", errors="replace")
    key, *lines = kept.splitlines() or [""]
    files = [directory / line.rpartition(" ")[0] for line in lines]
    fault = next((f for f in files if f.parent != directory or not f.is_file()), None)
    if fault or (files and kept != _key_file(key, files, [*map(sha256_of, files)])):
        raise BundleError(_do_not_fit(fault or directory, place))
    return bool(files)


def _do_not_fit(fault: Path, place: Path) -> str:
    return (
        f"`{fault}` is missing or damaged: the tokenizers do not have the SHA-256 "
        f"recorded in `{place}`. Copy the run again, or start again with --overwrite."
    )


def _key_file(key: str, files: Sequence[Path], hashes: Sequence[str]) -> str:
    """Return the content of the key file: the key of the tokenizers, then the hash of each
    tokenizer file."""
    listed = zip(files, hashes, strict=True)
    return "\n".join([key, *(f"{file.name} {digest}" for file, digest in listed), ""])


def _read(file: Path) -> Tokenizer:
    try:
        return tokenizer_from_json(read_small(file), str(file))
    except (OSError, ValueError) as error:
        raise BundleError(
            f"`{file}` cannot be read ({reason_of(error)}). Start again with --overwrite."
        ) from None
