"""The prepared data of a run: tokenizers and corpora, which a resumed run reads again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from whyformer.data.corpus import STATE as CORPUS
from whyformer.data.documents import STATE as DOCUMENTS
from whyformer.foundation.errors import BundleError
from whyformer.foundation.integrity import SEAL, note_without_checksums
from whyformer.foundation.model_files import RUN
from whyformer.tasks.tokenizers import KEY
from whyformer.workflows.runs.earlier import PREPARED

Identities = Mapping[str, tuple[int, int]]


def identities(out: Path) -> Identities:
    """Return the inode and the modification time of the description of each prepared directory."""
    found: dict[str, tuple[int, int]] = {}
    for name in PREPARED:
        for file in (CORPUS, DOCUMENTS, KEY):
            if (out / name / file).is_file():
                about = (out / name / file).stat()
                found[name] = about.st_ino, about.st_mtime_ns
    return found


def old_parts(
    known: Mapping[str, Any], before: Identities, fingerprint: str, out: Path
) -> Iterator[str]:
    """Yield a message for each prepared directory that a resumed run had to create again.

    Args:
        known: content of ``run.json``; if it has no checksums, a note is printed.
        before: the result of `identities` before the data was prepared.
        fingerprint: fingerprint of the current training data.
    Raises: BundleError if the data differs from the data at the start of the run.
    """
    if SEAL not in known:
        note_without_checksums(out / RUN, "A new run will have checksums.")
    again = [name for name, one in identities(out).items() if before.get(name) != one]
    for name in again:
        yield (
            f"`{out / name}` was missing, damaged or of an older format. It was created again from "
            "the data."
        )
    if again and fingerprint != known.get("corpus"):
        raise BundleError(
            f"`{out / again[0]}` was created again, but differs from the data at the start of the "
            "run. Copy the run again, or start again with --overwrite."
        )
