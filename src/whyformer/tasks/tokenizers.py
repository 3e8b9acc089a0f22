"""Save the tokenizers that a run trains, and load them again when the run resumes."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.foundation.files import sha256_of, write_text
from whyformer.foundation.integrity import note_without_checksums
from whyformer.foundation.parsing import read_small, reason_of
from whyformer.text.tokenizer import (
    Tokenizer,
    TokenizerSettings,
    tokenizer_from_json,
    train_tokenizer,
)
from whyformer.text.tokenizer_files import read_tokenizer

KEY = "key"


def kept_tokenizers(
    directory: Path,
    names: Sequence[str],
    asked: Mapping[str, Any],
    learn: Callable[[], Sequence[Tokenizer]],
    *,
    files: Sequence[str | None] = (),
) -> list[Tokenizer]:
    """Load the saved tokenizers if they were saved for the same ``asked``; otherwise, train and
    save new tokenizers.

    Args:
        names: the file name of each tokenizer, without suffix.
        asked: all settings and data that determine the tokenizers, as JSON values.
        files: for each tokenizer, the file of another tool that it was read from, or None.
    Raises: BundleError when a saved tokenizer is missing or damaged; ConfigError when a file
        changed since its tokenizer was saved.
    """
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    place = directory / KEY
    saved = [directory / f"{name}.json" for name in names]
    kept = place.read_text(encoding="utf-8", errors="replace") if place.is_file() else ""
    if kept == key:  # an older version wrote no hashes
        note_without_checksums(directory, "A new run has them.")
        return [_read(file) for file in saved]
    if kept.startswith(key):
        fault = next((f for f in saved if not f.is_file()), None)
        if fault is None and kept == _key_file(key, saved, [*map(sha256_of, saved)]):
            found = [_read(file) for file in saved]
            for tokenizer, file in zip(found, files, strict=False):
                _refuse_changed_file(tokenizer, file)
            return found
        raise BundleError(_do_not_fit(fault or directory, place))
    tokenizers = list(learn())
    place.unlink(missing_ok=True)  # after a crash here, the next run trains them again
    hashes: list[str] = []  # hash the text in memory, because a damaged disk may return other text
    for file, tokenizer in zip(saved, tokenizers, strict=True):
        text = tokenizer.to_json()
        write_text(file, text)
        hashes.append(hashlib.sha256(text.encode("utf-8")).hexdigest())
    write_text(place, _key_file(key, saved, hashes))
    return tokenizers


def given_tokenizer(
    text: TokenizerSettings, texts: Iterable[str], side: str = "source"
) -> Tokenizer:
    """Read the tokenizer of a side from its file, or train it if the settings name no file.

    Args:
        texts: the training texts.
        side: ``source`` or ``target``.
    Raises: ConfigError if the file is missing or damaged.
    """
    file = getattr(text, f"file_of_{side}")
    lowercase = getattr(text, f"lowers_{side}")
    if file is not None:
        return read_tokenizer(Path(file), lowercase=lowercase)
    units = getattr(text, f"of_{side}")
    return train_tokenizer(units, texts, vocabulary=text.vocabulary, lowercase=lowercase)


def _refuse_changed_file(saved: Tokenizer, file: str | None) -> None:
    """Compare a saved tokenizer with the file that it was read from, if the file still exists."""
    if file is None or not Path(file).exists():
        return
    now = read_tokenizer(Path(file), lowercase=saved.lowercase)
    if now.fingerprint != saved.fingerprint:
        raise ConfigError(
            f"The tokenizer file `{file}` must not change during a run, but it is not the file "
            "that the run was started with. Restore the file, choose another --out, or start "
            "again with --overwrite."
        )


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
