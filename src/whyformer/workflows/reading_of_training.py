"""Read a file to evaluate with the encoding and the delimiter of a run's training data."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from whyformer.bundle import CONFIG, find_bundle
from whyformer.data.formats.recognition import sampled_lines
from whyformer.data.lines import is_utf8
from whyformer.data.reading import Reading
from whyformer.foundation.errors import WhyformerError
from whyformer.foundation.parsing import read_json
from whyformer.recipes.recipe import DataSettings

READING = "reading"
"""Key in the facts of a run."""
REMEMBERED = ("encoding", "delimiter")
"""The settings under `data` that are stored in the facts of a run."""


def reading_facts(data: DataSettings) -> dict[str, Any]:
    """Return the facts about how the training data was read, without settings that are not set."""
    found = {name: getattr(data, name) for name in REMEMBERED if getattr(data, name) is not None}
    return {READING: found} if found else {}


def facts_of(run: Path) -> Mapping[str, Any]:
    """Return the facts of a run; empty if they cannot be read, which loading the run reports."""
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
    """Return how to read a file.

    The encoding of the training data is used if none is given and the file is not UTF-8, and its
    delimiter if most lines of the file have it.
    Args: encoding: the given one. say: called with a line if the encoding of training is used.
    """
    kept = facts_of(run).get(READING)
    if not isinstance(kept, Mapping) or not file.is_file():
        return Reading(encoding)
    if encoding is None and kept.get("encoding") and not is_utf8(file):
        encoding = kept["encoding"]
        say(f"`{file}` is not UTF-8. It is read as {encoding}, as in training.")
    data = DataSettings(encoding=encoding, delimiter=kept.get("delimiter"))
    delimiter = data.reading.delimiter
    if delimiter is not None:
        lines = [line for line in sampled_lines(str(file), encoding) if line.strip()]
        if 2 * sum(delimiter in line for line in lines) <= len(lines):
            return Reading(encoding)
    return data.reading
