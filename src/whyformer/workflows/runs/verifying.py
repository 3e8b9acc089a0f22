"""Verify a run: all files that have hashes, and all lines of its journal."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import load_bundle
from whyformer.data.corpus import open_corpus
from whyformer.data.documents import FORMAT as FORMAT_OF_DOCUMENTS
from whyformer.data.documents import STATE as DOCUMENTS
from whyformer.foundation.errors import DataError, WhyformerError
from whyformer.foundation.files import standing
from whyformer.foundation.integrity import SEAL, read_sealed
from whyformer.foundation.model_files import CONFIG, find_bundle
from whyformer.foundation.parsing import read_json, reason_of
from whyformer.interop.conversion import RECORD, read_record
from whyformer.tasks.tokenizers import KEY, verify_tokenizers
from whyformer.training.checkpoints import BEFORE_FALL, CHECKPOINT, verified_state
from whyformer.training.journal import JOURNAL, TIMINGS, read_journal, read_timings
from whyformer.training.timetable import TIMETABLE, read_timetable
from whyformer.workflows.runs.completeness import missing_parts
from whyformer.workflows.runs.diagnosis import diagnose
from whyformer.workflows.runs.run_file import RECIPE, RUN, read_run
from whyformer.workflows.verdict.verdict import VERDICT, read_verdict


@dataclass(frozen=True)
class Part:
    """The result of verifying one part of a run.

    Args:
        checked: False if the part has an old format without hashes; damage then stays undetected.
        fault: a sentence that describes the fault; "" if the part is intact.
    """

    path: Path
    checked: bool
    fault: str = ""


def verify(run: Path) -> list[Part]:
    """Verify all parts of a run or model directory, and report missing parts.

    Raises: BundleError if the directory is neither a run nor a model.
    """
    parts: list[Part] = []

    def examine(path: Path, check: Callable[[], bool]) -> None:
        try:
            parts.append(Part(path, check()))
        except WhyformerError as fault:
            parts.append(Part(path, True, str(fault)))

    is_run = any((run / name).exists() for name in (RUN, CHECKPOINT, "tokenizers"))
    if standing(run / "model").exists():
        examine(run / "model", lambda: _model(run))
    elif not is_run:
        return [Part(run, _model(run))]
    if (run / RUN).exists() or (run / CHECKPOINT).exists():
        examine(run / RUN, lambda: SEAL in (read_run(run) or {}))
        # `run.json` contains the hash of the recipe, so either of the two files may be damaged.
        found = parts.pop()
        if not found.fault:
            parts += [found, Part(run / RECIPE, found.checked)]
        else:
            of_recipe = found.fault.startswith(f"`{run / RECIPE}`")
            parts.append(Part(run / RECIPE if of_recipe else run / RUN, True, found.fault))
    for name, read in ((JOURNAL, read_journal), (TIMINGS, read_timings)):
        if (run / name).exists():
            examine(run / name, lambda read=read: bool(read(run)))
    if (run / TIMETABLE).exists():
        examine(run / TIMETABLE, lambda: bool(read_timetable(run)))
    if (run / VERDICT).exists():
        examine(run / VERDICT, lambda: bool(read_verdict(run)))
    if (story := run / "diagnosis" / "diagnosis.json").exists():
        examine(story, lambda: bool(diagnose(run)) and SEAL in read_json(story))
    for state in (run / CHECKPOINT, run / BEFORE_FALL, run / "diagnosis" / "state"):
        if (place := standing(state)).exists():
            examine(state, lambda place=place: SEAL in verified_state(place))
    if (run / "tokenizers" / KEY).exists():
        examine(run / "tokenizers", lambda: verify_tokenizers(run / "tokenizers"))
    for place in sorted(run.glob("*/corpus.json")):
        examine(place.parent, lambda place=place: _corpus(place))
    for place in sorted(run.glob(f"*/{DOCUMENTS}")):
        examine(place.parent, lambda place=place: SEAL in _described(place))
    for place in sorted(run.glob(f"*/{RECORD}")):
        examine(place.parent, lambda place=place: _conversion(place))
    damaged = {part.path for part in parts if part.fault}
    if not damaged & {run / RUN, run / RECIPE, run / JOURNAL, run / CHECKPOINT}:
        state = standing(run / CHECKPOINT)
        kept = verified_state(state) if state.exists() else {}
        parts += [Part(run, True, fault) for fault in missing_parts(run, read_run(run) or {}, kept)]
    return parts


def _model(run: Path) -> bool:
    load_bundle(run)
    return SEAL in read_json(find_bundle(run) / CONFIG)


def _corpus(place: Path) -> bool:
    open_corpus(place.parent)
    return SEAL in read_json(place)


def _conversion(place: Path) -> bool:
    read_record(place.parent)
    return SEAL in read_json(place)


def _described(place: Path) -> dict[str, Any]:
    """Verify a sealed file and the files that it lists, and return the content of the sealed
    file."""
    try:
        return read_sealed(place, since=2, newest=FORMAT_OF_DOCUMENTS)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"`{place}` is damaged ({reason_of(error)}). Delete `{place.parent}` and run the "
            "command that created it again."
        ) from None
