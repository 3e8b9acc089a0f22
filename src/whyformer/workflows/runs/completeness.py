"""Check that all parts of a run are present and belong to this run.

Hashes detect that a file changed. Hashes do not detect that a whole part is missing, or that it was
replaced by an intact part of another run.
"""

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import standing
from whyformer.foundation.model_files import RUN, RUN_ID
from whyformer.training.journal import JOURNAL, missing_updates, read_journal

AFTER = "after"
"""Key in ``run.json`` for the number of updates of the run that this run continues."""
REMEDY = "Copy the run again, or start again with --overwrite."


def started_after(description: Mapping[str, Any] | None) -> int:
    """Return the number of updates of the run that a run continues; 0 if it continues none.

    Args: description: content of ``run.json``.
    """
    found = (description or {}).get(AFTER, 0)
    return found if isinstance(found, int) else 0


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


def refuse_missing_checkpoint(out: Path, after: int = 0) -> int:
    """Raise an error if a run has no checkpoint, but its journal shows that a checkpoint was
    written.

    Args: after: number of updates of the run that this run continues; its journal begins with them.
    Returns: the number of updates in the journal that must be repeated, because the run ended
    before its first checkpoint.
    """
    lines = [line for line in read_journal(out) if line["step"] > after]
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
    after = started_after(description)
    lines = read_journal(run)
    if state and not (run / JOURNAL).exists():
        faults.append(f"`{run / JOURNAL}` is missing.")
    elif gaps := missing_updates(lines, state.get("step", after)):
        faults.append(f"`{run / JOURNAL}` lacks these updates: {gaps}.")
    try:
        if state:
            refuse_other_checkpoint(run, state.get("extra", {}), description.get(RUN_ID, ""))
        else:
            refuse_missing_checkpoint(run, after)
    except BundleError as fault:
        faults.append(str(fault))
    return faults
