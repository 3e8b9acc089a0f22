"""What a run makes from its data: tokenizers and corpora, which a resumed run reads back."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from whyformer.bundle import RUN
from whyformer.data.corpus import STATE as CORPUS
from whyformer.data.documents import STATE as DOCUMENTS
from whyformer.foundation.errors import BundleError
from whyformer.foundation.integrity import SEAL, note_without_checksums
from whyformer.tasks.tokenizers import KEY
from whyformer.workflows.runs.earlier import PREPARED

Identities = Mapping[str, tuple[int, int]]


def identities(out: Path) -> Identities:
    """Return for each prepared directory which file on the disk describes it, and since when."""
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
    """Yield a line for each prepared directory of a resumed run that had to be made again.

    Args:
        known: what ``run.json`` says; a note is printed when it has no checksums.
        before: the directories when the run was resumed.
        fingerprint: of the data as it is trained on now.
    Raises: BundleError when that is not the data that the run was begun with.
    """
    if SEAL not in known:
        note_without_checksums(out / RUN, "A new run has them.")
    again = [name for name, one in identities(out).items() if before.get(name) != one]
    for name in again:
        yield (
            f"`{out / name}` was missing, damaged or of an older format, so it was made again from "
            "the data."
        )
    if again and fingerprint != known.get("corpus"):
        raise BundleError(
            f"`{out / again[0]}` was made again, and the result differs from what the run was "
            "begun with. Copy the run again, or start again with --overwrite."
        )
