"""Verify a run: every file that has a hash, and every line of its journal."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import CONFIG, find_bundle, load_bundle
from whyformer.data.corpus import open_corpus
from whyformer.data.documents import STATE as DOCUMENTS
from whyformer.foundation.errors import BundleError, DataError, WhyformerError
from whyformer.foundation.files import standing
from whyformer.foundation.integrity import SEAL, read_sealed
from whyformer.foundation.parsing import read_json
from whyformer.training.checkpoints import verified_state
from whyformer.training.journal import JOURNAL, TIMINGS, read_journal, read_timings
from whyformer.training.timetable import TIMETABLE, read_timetable
from whyformer.workflows.runs.diagnosis import (diagnose)
from whyformer.workflows.runs.run_file import (RUN, read_run)
from whyformer.tasks.tokenizers import (KEY, verify_tokenizers)

CONVERSION = "whyformer.json"
"""What `whyformer.interop` writes beside a converted model."""


@dataclass(frozen=True)
class Part:
    """A part of a run that was found to be intact.

    Args: checked: False when its old format has no hashes, so that damage cannot be seen.
    """

    path: Path
    checked: bool


def verify(run: Path) -> list[Part]:
    """Return the parts of a run or model directory, all of them intact.

    Raises: BundleError that names every damaged part.
    """
    parts: list[Part] = []
    faults: list[str] = []

    def examine(path: Path, check: Callable[[], bool]) -> None:
        try:
            parts.append(Part(path, check()))
        except WhyformerError as fault:
            faults.append(str(fault))

    begun = any((run / name).exists() for name in (RUN, "checkpoint", "tokenizers"))
    if standing(run / "model").exists():
        examine(run / "model", lambda: _model(run))
    elif not begun:
        examine(run, lambda: _model(run))
    if (run / RUN).exists() or (run / "checkpoint").exists():
        examine(run / RUN, lambda: SEAL in (read_run(run) or {}))
    for name, read in ((JOURNAL, read_journal), (TIMINGS, read_timings)):
        if (run / name).exists():
            examine(run / name, lambda read=read: bool(read(run)))
    if (run / TIMETABLE).exists():
        examine(run / TIMETABLE, lambda: bool(read_timetable(run)))
    if (story := run / "diagnosis" / "diagnosis.json").exists():
        examine(story, lambda: bool(diagnose(run)) and SEAL in read_json(story))
    for state in (run / "checkpoint", run / "diagnosis" / "state"):
        if (place := standing(state)).exists():
            examine(state, lambda place=place: SEAL in verified_state(place))
    if (run / "tokenizers" / KEY).exists():
        examine(run / "tokenizers", lambda: verify_tokenizers(run / "tokenizers"))
    for place in sorted(run.glob("*/corpus.json")):
        examine(place.parent, lambda place=place: _corpus(place))
    for place in sorted(run.glob(f"*/{DOCUMENTS}")):
        examine(place.parent, lambda place=place: SEAL in _described(place))
    for place in sorted(run.glob(f"*/{CONVERSION}")):
        examine(place.parent, lambda place=place: SEAL in _described(place))
    if faults:
        raise BundleError(" ".join(faults))
    return parts


def _model(run: Path) -> bool:
    load_bundle(run)
    return SEAL in read_json(find_bundle(run) / CONFIG)


def _corpus(place: Path) -> bool:
    open_corpus(place.parent)
    return SEAL in read_json(place)


def _described(place: Path) -> dict[str, Any]:
    """Return what a sealed file says, after it and the files it lists were compared."""
    try:
        return read_sealed(place, since=2)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"`{place}` is damaged ({error}). Delete `{place.parent}` and run the command that "
            "made it again."
        ) from None
