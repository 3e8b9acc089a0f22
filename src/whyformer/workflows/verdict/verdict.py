"""Compute the verdict on a finished run, and keep it in the run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from whyformer.evaluation.verdict import Standing, Verdict
from whyformer.foundation.errors import DataError, WhyformerError
from whyformer.foundation.files import write_text
from whyformer.foundation.integrity import FILES, SEAL, read_sealed, sealed_text
from whyformer.foundation.parsing import reason_of
from whyformer.tasks.classification import Classification
from whyformer.tasks.language import Language
from whyformer.tasks.tagging import Tagging
from whyformer.tasks.task import Task
from whyformer.tasks.translation import Translation
from whyformer.training.journal import read_timings
from whyformer.workflows.verdict.advice import advice_for
from whyformer.workflows.verdict.effort import seconds_for
from whyformer.workflows.verdict.labels import verdict_on_labels, verdict_on_tags
from whyformer.workflows.verdict.pairs import verdict_on_pairs
from whyformer.workflows.verdict.text import verdict_on_text

VERDICT = "verdict.json"
FORMAT = 1
SHORT_SECONDS = 20.0
"""By default, a shorter training has no verdict: it is a trial."""
ALIKE = "Both have the same score: only more or harder held-out items could show a difference."
FAILURES = (
    WhyformerError, ValueError, ArithmeticError, LookupError, TypeError, RuntimeError, MemoryError,
    OSError, ImportError,
)  # fmt: skip
"""Errors of a baseline that must not end a finished run. Ctrl-C still ends it."""


def verdict_at_the_end(
    task: Task,
    run: Path,
    *,
    identity: str,
    step: int,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Verdict | None, str]:
    """Return the verdict on a finished run, and a sentence for the user if it is missing.

    A verdict that is already in the run is returned if it is on the same weights.
    Args:
        identity: ID of the run.
        step: the update with the best weights.
        say: called with a line before the computation starts.
    """
    wanted = task.recipe.validation.verdict
    seconds = sum(line["seconds"] for line in read_timings(run))
    if wanted is False:
        return None, ""
    if wanted is None and seconds < SHORT_SECONDS:
        say(
            f"No verdict, because the updates took less than {SHORT_SECONDS:g} seconds in all. To "
            "get one, add --validation.verdict true."
        )
        return None, ""
    try:
        kept = read_verdict(run)
    except DataError:
        kept = None
    if kept and (kept["run"], kept["step"]) == (identity, step):
        return Verdict.from_json(kept["verdict"]), ""
    say("Scoring the best weights on held-out data, and building a baseline.")
    try:
        found = verdict_on(task, run, seconds_for(seconds))
        if found is None:
            return None, ""
        if found.standing in (Standing.EQUAL, Standing.WORSE):
            alike = found.comparison is not None and found.comparison.difference == 0
            advice = (ALIKE,) if alike else advice_for(task, run, step)
            found = replace(found, advice=advice)
        write_verdict(run, found, identity=identity, step=step)
    except FAILURES as failure:
        return None, (
            f"There is no verdict on this run, because computing it failed "
            f"({type(failure).__name__}: {failure}). "
            "The run itself is complete."
        )
    return found, ""


def verdict_on(task: Task, run: Path, seconds: float) -> Verdict | None:
    """Return the verdict on the saved model of a run; None for a task without a baseline.

    Args: seconds: time for the answers of the model, and for its baseline.
    """
    if isinstance(task, Translation):
        return verdict_on_pairs(task, run, seconds)
    if isinstance(task, Classification):
        return verdict_on_labels(task, run, seconds)
    if isinstance(task, Tagging):
        return verdict_on_tags(task, run, seconds)
    return verdict_on_text(task, run, seconds) if isinstance(task, Language) else None


def write_verdict(run: Path, verdict: Verdict, *, identity: str, step: int) -> None:
    """Write ``verdict.json``. Args: identity, step: see `verdict_at_the_end`."""
    state = {"format": FORMAT, "run": identity, "step": step, "verdict": verdict.to_json()}
    write_text(run / VERDICT, sealed_text(state))


def read_verdict(run: Path) -> dict[str, Any] | None:
    """Return the content of ``verdict.json``; None if the run has no verdict.

    Raises: DataError if the file is damaged.
    """
    path = run / VERDICT
    if not path.exists():
        return None
    try:
        state = read_sealed(path, since=1, newest=FORMAT)
        Verdict.from_json(state["verdict"])
        return {name: state[name] for name in state if name not in (FILES, SEAL)}
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(
            f"`{path}` is damaged ({reason_of(error)}). Delete it; `whyformer train` with the same "
            "arguments writes it again."
        ) from None
