"""A conversion on disk: a model in another engine's format, with all that is needed to use it.

A directory holds what CTranslate2 wrote (``model.bin``, ``config.json``, vocabularies of ids),
``source.json`` and ``target.json`` (our tokenizers; ``target.json`` is absent when both sides share
one), and ``whyformer.json``: what it was made from, and what the gate found before it was kept.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import CONFIG, SOURCE, TARGET, WEIGHTS, find_bundle
from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.integrity import FILES, SEAL, damage, hashes, write_sealed
from whyformer.foundation.parsing import read_json, read_small, reason_of
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json

FORMAT = 2
"""2 added the hashes of the files and the seal; 1 is still read."""
RECORD = "whyformer.json"
PLACE = "ctranslate2"
"""The directory of a run in which its conversion lies."""


@dataclass(frozen=True)
class Record:
    """What a conversion says of itself.

    Args:
        library: version of CTranslate2 that wrote it.
        fingerprint: of the model directory that it was made from; see `fingerprint`.
        quantization: none or int8.
        rows: most positions of a source or a target; None when the scheme has no table.
        family: of the model.
        max_source_tokens: longest source read, eos counted.
        facts: what the run's maker remembered, its search settings among them.
        gate: what was measured before the conversion was kept.
        ends_with_run: whether the run itself has no position beyond the rows.
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

    def write(self, directory: Path) -> None:
        """Write it into a conversion's directory, after all other files are there."""
        names = [f.name for f in directory.iterdir() if f.is_file() and f.name != RECORD]
        state = {**asdict(self), FILES: hashes(directory, names)}
        write_sealed(directory / RECORD, state)


def fingerprint(run: Path) -> str:
    """Return a hash of all that a run's model is: settings, weights, tokenizers."""
    place = find_bundle(run)
    files = [place / name for name in (CONFIG, WEIGHTS, SOURCE, TARGET)]
    return sha256_of(*(file for file in files if file.exists()))


def find_conversion(path: Path) -> Path | None:
    """Return the conversion inside a run's directory, or the directory itself when it is one."""
    for place in (path / PLACE, path):
        if (place / RECORD).exists():
            return place
    return None


def stands_alone(path: Path) -> bool:
    """Say whether a directory is a conversion itself, without the run that it came from."""
    return (path / RECORD).exists()


def is_stale(run: Path, record: Record) -> bool:
    """Say whether a run's weights, settings or tokenizers changed since its conversion was made.

    A conversion that stands alone, without the run it came from, is never stale.
    """
    return not stands_alone(run) and fingerprint(run) != record.fingerprint


def read_record(directory: Path) -> Record:
    """Read what a conversion says of itself.

    Raises: BundleError when it is damaged or of a newer format.
    """
    path = directory / RECORD
    try:
        tree = read_json(path)
        newer = tree["format"] > FORMAT
        if not newer and (fault := damage(directory, tree, since=2)):
            raise ValueError(fault)
        tree = {key: tree[key] for key in tree if key not in (FILES, SEAL)}
        record = None if newer else Record(**tree)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"`{path}` is damaged ({reason_of(error)}). Run `whyformer convert` again."
        ) from None
    if record is None:
        raise BundleError(
            f"`{directory}` has format {tree['format']}, and this version of whyformer reads up to "
            f"{FORMAT}. Upgrade whyformer."
        )
    return record


def read_tokenizers(directory: Path) -> tuple[Tokenizer, Tokenizer]:
    """Read the tokenizers of source and target.

    Raises: BundleError when one cannot be read.
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
