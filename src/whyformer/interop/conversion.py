"""A conversion on disk: a model in the format of another engine, with its tokenizers.

The directory contains the files of the engine (for CTranslate2: ``model.bin``, ``config.json``,
vocabularies of ids), ``source.json`` and ``target.json`` (the tokenizers of whyformer; if both
sides share one tokenizer, there is no ``target.json``), and ``whyformer.json``, which describes the
run that was converted and the results of the parity check.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.integrity import (
    FILES,
    SEAL,
    damage,
    format_of,
    hashes,
    write_sealed,
)
from whyformer.foundation.model_files import CONFIG, SOURCE, TARGET, WEIGHTS, find_bundle
from whyformer.foundation.parsing import read_json, read_small, reason_of
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json

FORMAT = 3
"""Version of the format. Version 2 added the hashes of the files and the seal, version 3 the
engine. Files of older versions can still be read."""
RECORD = "whyformer.json"
CTRANSLATE2 = "ctranslate2"
"""Name of an engine, and of the directory inside a run that contains its conversion."""


@dataclass(frozen=True)
class Record:
    """The description of a conversion.

    Args:
        format: version of the format of conversions.
        library: version of the library that wrote the conversion.
        fingerprint: hash of the run that was converted; see the function `fingerprint`.
        quantization: none or int8.
        rows: number of rows of the position table, which is the maximum length of a source or
            target; None if the position scheme has no table.
        family: family of the model.
        max_source_tokens: maximum source length, including eos.
        facts: facts of the run, including its search settings.
        gate: the measurements of the parity check (see `gate.Parity`).
        ends_with_run: whether the run has the same maximum length as the conversion. In this case,
            the run also truncates a translation that reaches this length.
        engine: name of the engine that runs the conversion.
    """

    format: int
    library: str
    fingerprint: str
    quantization: str
    rows: int | None
    family: str
    max_source_tokens: int
    facts: dict[str, Any]
    gate: dict[str, Any]
    ends_with_run: bool = False
    engine: str = CTRANSLATE2

    def write(self, directory: Path) -> None:
        """Write the description into the directory of a conversion. Call this after all other files
        are written."""
        names = [f.name for f in directory.iterdir() if f.is_file() and f.name != RECORD]
        state = {**asdict(self), FILES: hashes(directory, names)}
        write_sealed(directory / RECORD, state)


def fingerprint(run: Path) -> str:
    """Return a hash of the settings, weights and tokenizers of a run's model."""
    place = find_bundle(run)
    files = [place / name for name in (CONFIG, WEIGHTS, SOURCE, TARGET)]
    return sha256_of(*(file for file in files if file.exists()))


def find_conversion(path: Path, engine: str = CTRANSLATE2) -> Path | None:
    """Return the directory of a run's conversion for an engine, or ``path`` itself if it is such a
    conversion.

    Returns: the directory, or None if there is no conversion.
    """
    if (path / engine / RECORD).exists():
        return path / engine
    return path if stands_alone(path) and _engine_of(path) == engine else None


def _engine_of(directory: Path) -> str:
    """Return the engine of a conversion without a check of its files. If the description is
    damaged, return CTranslate2; `read_record` reports the damage."""
    try:
        return read_json(directory / RECORD).get("engine", CTRANSLATE2)
    except (OSError, ValueError, AttributeError):
        return CTRANSLATE2


def stands_alone(path: Path) -> bool:
    """Return whether a directory is a conversion that is stored outside its run."""
    return (path / RECORD).exists()


def is_stale(run: Path, record: Record) -> bool:
    """Return whether the weights, settings or tokenizers of a run were changed after it was
    converted.

    The result is always False for a conversion that is stored outside its run.
    """
    return not stands_alone(run) and fingerprint(run) != record.fingerprint


def read_record(directory: Path) -> Record:
    """Read the description of a conversion.

    Raises: BundleError when the description is damaged or has a newer format.
    """
    path = directory / RECORD
    try:
        tree = read_json(path)
        format_of(path, tree, newest=FORMAT, oldest=1)
        if fault := damage(directory, tree, since=2):
            raise ValueError(fault)
        record = Record(**{key: tree[key] for key in tree if key not in (FILES, SEAL)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"`{path}` is damaged ({reason_of(error)}). Run `whyformer convert` again."
        ) from None
    return record


def read_tokenizers(directory: Path) -> tuple[Tokenizer, Tokenizer]:
    """Read the source tokenizer and the target tokenizer of a conversion.

    Raises: BundleError when a tokenizer cannot be read.
    """
    try:
        source = _tokenizer(directory / SOURCE)
        target = _tokenizer(directory / TARGET) if (directory / TARGET).exists() else source
    except (OSError, ValueError) as error:
        raise BundleError(
            f"`{directory}` cannot be read ({reason_of(error)}). Run `whyformer convert` again."
        ) from None
    return source, target


def _tokenizer(path: Path) -> Tokenizer:
    return tokenizer_from_json(read_small(path), str(path))
