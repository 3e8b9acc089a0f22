"""Read a file for evaluation in the same way as the training data of a run, and say whether the
file is training data."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyformer.data.formats.recognition import sampled_lines
from whyformer.data.lines import STDIN, is_utf8, read_lines
from whyformer.data.reading import Reading, pair_files
from whyformer.foundation.errors import WhyformerError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.model_files import CONFIG, find_bundle
from whyformer.foundation.parsing import read_json

if TYPE_CHECKING:  # recipes import torch, which reading a file does not need
    from whyformer.recipes.recipe import DataSettings

READING = "reading"
"""Key of the encoding and the delimiter of the training data in the facts of a run."""
TRAINED_ON = "training_files"
"""Key in the facts of a run for the sizes of the training files, by the SHA-256 of each file."""
MOST_FILES = 100
"""Maximum number of files that are stored under `TRAINED_ON`."""
REMEMBERED = ("encoding", "delimiter")
"""The settings under `data` that are stored in the facts of a run."""


def reading_facts(data: "DataSettings") -> dict[str, Any]:
    """Return facts about the files of the training data, and the settings they were read with.

    Settings that are None, and data that does not come from files, are left out.
    """
    found = {name: getattr(data, name) for name in REMEMBERED if getattr(data, name) is not None}
    files = _training_files(data)
    return ({READING: found} if found else {}) | ({TRAINED_ON: files} if files else {})


def _training_files(data: "DataSettings") -> dict[str, int]:
    found: dict[str, int] = {}
    paths = [
        (path, one.source or data.source, one.target or data.target)
        for one in data.corpora
        for path in one.files
    ]
    for path, source, target in paths:
        try:
            for file in pair_files(path, source=source, target=target):
                if len(found) < MOST_FILES and Path(file).is_file():
                    state = Path(file).stat()
                    found[_hash(file, state.st_size, state.st_mtime_ns)] = state.st_size
        except (WhyformerError, OSError):
            continue  # not a file, for example items given in Python
    return found


@cache  # training asks for the facts after each validation
def _hash(file: str, size: int, modified_ns: int) -> str:
    """Return the SHA-256 of a file with this size and time of modification."""
    return sha256_of(Path(file))


def is_training_file(facts: Mapping[str, Any], file: Path) -> bool:
    """Return whether a file has the content of a training file. Args: facts: facts of the run."""
    files = facts.get(TRAINED_ON)
    if not isinstance(files, Mapping) or not file.is_file():
        return False
    return file.stat().st_size in files.values() and sha256_of(file) in files


def facts_of(run: Path) -> Mapping[str, Any]:
    """Return the facts of a run. If the facts cannot be read, return an empty mapping; loading the
    run reports the error."""
    try:
        facts = read_json(find_bundle(run) / CONFIG)["facts"]
    except (WhyformerError, OSError, ValueError, KeyError, TypeError):
        return {}
    return facts if isinstance(facts, Mapping) else {}


def as_in_training(
    run: Path,
    file: Path,
    encoding: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Reading:
    """Return the encoding and the delimiter for reading a file.

    The encoding of the training data is used if no encoding is given and the file is not UTF-8. The
    delimiter of the training data is used if most lines of the file contain it.
    Args:
        encoding: the encoding that the user gave.
        say: function that prints a line if the encoding of the training data is used, or if the
            file is training data.
    """
    facts = facts_of(run)
    if is_training_file(facts, file):
        say(
            f"`{file}` is training data of `{run}`: a score on it does not show how good the run "
            "is on other data."
        )
    encoding = _encoding(facts, file, encoding, say)
    kept = facts.get(READING)
    if not isinstance(kept, Mapping) or not file.is_file():
        return Reading(encoding)
    from whyformer.recipes.recipe import DataSettings

    data = DataSettings(encoding=encoding, delimiter=kept.get("delimiter"))
    delimiter = data.reading.delimiter
    if delimiter is not None:
        lines = [line for line in sampled_lines(str(file), encoding) if line.strip()]
        if 2 * sum(delimiter in line for line in lines) <= len(lines):
            return Reading(encoding)
    return data.reading


def input_lines(
    run: Path,
    file: Path | None,
    encoding: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[str]:
    """Yield the lines of a file that a run reads, or of standard input if ``file`` is None.

    Args: encoding, say: see `as_in_training`.
    Raises: DataError as `read_lines`.
    """
    if file is not None:
        encoding = _encoding(facts_of(run), file, encoding, say)
    return read_lines(STDIN if file is None else file, encoding)


def _encoding(
    facts: Mapping[str, Any], file: Path, encoding: str | None, say: Callable[[str], None]
) -> str | None:
    """Return the given encoding; without one, the encoding of the training data if the file is not
    UTF-8."""
    kept = facts.get(READING)
    known = kept.get("encoding") if isinstance(kept, Mapping) else None
    if encoding is not None or not known or not file.is_file() or is_utf8(file):
        return encoding
    say(f"`{file}` is not UTF-8. It is read as {known}, as in training.")
    return known
