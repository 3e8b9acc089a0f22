"""Check that all parts of a run are present and belong to this run.

Hashes detect that a file changed. Hashes do not detect that a whole part is missing, or that it was
replaced by an intact part of another run.
"""

from itertools import takewhile
from pathlib import Path
from typing import Any

from whyformer.bundle import RUN, RUN_ID
from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import standing
from whyformer.training.journal import JOURNAL, missing_updates, read_journal

REMEDY = "Copy the run again, or start again with --overwrite."


def refuse_other_checkpoint(out: Path, kept: dict[str, Any], identity: str) -> None:
    """Raise an error if the checkpoint belongs to another run, or if the best model is missing.

    Args:
        kept: values of the checkpoint other than the weights.
        identity: ID of the run, "" for runs of old versions.
    """
    found = kept.get(RUN_ID, "")
    if identity and found and found != identity:
        raise BundleError(
            f"`{out / 'checkpoint'}` belongs to another run than `{out / RUN}`. {REMEDY}"
        )
    if kept.get("best") and not standing(out / "model").exists():
        raise BundleError(
            f"`{out / 'model'}` is missing, although the best weights, of update "
            f"{kept['best']['step']}, were saved there. {REMEDY}"
        )


def refuse_missing_checkpoint(out: Path) -> int:
    """Raise an error if a run has no checkpoint, but its journal shows that a checkpoint was
    written.

    Returns: the number of updates in the journal that must be repeated, because the run ended
    before its first checkpoint.
    """
    lines = read_journal(out)
    before = sum(1 for _ in takewhile(lambda line: "validation" not in line, lines))
    if len(lines) > before + 1:  # a checkpoint is written after each validation
        raise BundleError(
            f"`{out / 'checkpoint'}` is missing. The journal continues after a validation, so a "
            f"checkpoint was written. {REMEDY}"
        )
    return before


def missing_parts(run: Path, description: dict[str, Any], state: dict[str, Any]) -> list[str]:
    """Return one sentence for each missing part of a run.

    Args: description: content of ``run.json``. state: state of the checkpoint; empty without one.
    """
    faults: list[str] = []
    lines = read_journal(run)
    if state and not (run / JOURNAL).exists():
        faults.append(f"`{run / JOURNAL}` is missing.")
    elif gaps := missing_updates(lines, state.get("step", 0)):
        faults.append(f"`{run / JOURNAL}` lacks these updates: {gaps}.")
    try:
        if state:
            refuse_other_checkpoint(run, state.get("extra", {}), description.get(RUN_ID, ""))
        else:
            refuse_missing_checkpoint(run)
    except BundleError as fault:
        faults.append(str(fault))
    return faults
