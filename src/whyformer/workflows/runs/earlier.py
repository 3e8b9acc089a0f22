"""Handle an existing run in the output directory: check that it can be resumed, or delete it."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whyformer.data.inputs import ChangedInputError, unchanged_inputs
from whyformer.foundation.config import build, read_yaml
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.model_files import RUN
from whyformer.foundation.plugins import compare
from whyformer.interop.conversion import CTRANSLATE2, stands_alone
from whyformer.recipes.recipe import Recipe, differences
from whyformer.recipes.start import RATES
from whyformer.tasks.build import data_key_of
from whyformer.tasks.items import KEPT_ITEMS
from whyformer.tasks.standard_input import KEPT
from whyformer.tasks.taught import TAUGHT
from whyformer.training.checkpoints import BEFORE_FALL, CHECKPOINT
from whyformer.training.journal import read_journal
from whyformer.training.timetable import TIMETABLE

MAX_CHANGES = 5
"""Maximum number of changed settings in a message."""
PREPARED = ("tokenizers", TAUGHT, "corpus", "corpus-dev")
"""Directories of a run with prepared data."""


def has_updates(out: Path, after: int = 0) -> bool:
    """Return whether a run has a checkpoint, a model or an update in its journal.

    Args: after: number of updates of the run that this run continues, which are in its journal.

    A run without any of these parts cannot be resumed. Such a run may start with another recipe or
    plugin, because the user may have corrected the cause of a failure before the first update.
    """
    kept = any((out / name).exists() for name in ("checkpoint", "model"))
    return kept or any(line["step"] > after for line in read_journal(out))


def refuse_changes(recipe: Recipe, out: Path, known: dict[str, Any]) -> None:
    """Raise ConfigError if the recipe or the data changed since the start of the run."""
    path = out / "recipe.yaml"
    original = build(Recipe, read_yaml(path)[0], where=str(path))
    # How the model is distributed over the ranks, the conversion and the verdict have no effect on
    # the weights.
    parallel = {"parallel": original.training.parallel, "convert": original.training.convert}
    verdict = {"verdict": original.validation.verdict}
    ignored: dict[str, Any] = {
        "preset": None,
        "training": recipe.training.model_copy(update=parallel),
        "validation": recipe.validation.model_copy(update=verdict),
    }
    if original.start_from is not None and original.start_from == recipe.start_from:
        # The model and the tokenizers come from there. Earlier versions stored other settings.
        rates = {one: getattr(recipe.model, one) for one in RATES if hasattr(original.model, one)}
        ignored["model"] = original.model.model_copy(update=rates)
        sampling = {"sampling": recipe.text.sampling}
        ignored["text"] = original.text.model_copy(update=sampling)
    changed = differences(original, recipe.model_copy(update=ignored))
    if changed:
        raise ConfigError(
            f"The run in `{out}` was started with another recipe ({_first(changed)}). "
            "Use the previous values to resume the run, choose another --out, or start again with "
            "--overwrite."
        )
    if data_key_of(recipe, out) != known["data_key"]:
        raise ConfigError(
            f"The data of the run in `{out}` has changed since it was started. Restore the "
            "previous files to resume, choose another --out, or start again with --overwrite."
        )


def refuse_other_plugins(out: Path, record: Any) -> None:
    """Raise ConfigError if a plugin changed, because the resumed run would be different."""
    try:
        changed = compare(record, f"The run in `{out}`")
    except ValueError as error:
        raise ConfigError(f"`{out / RUN}` is damaged ({error}). Copy the run again.") from None
    if changed:
        raise ConfigError(
            f"{changed[0]} Use the previous file to resume, choose another --out, or start again "
            "with --overwrite."
        )


def _first(changed: list[str]) -> str:
    more = len(changed) - MAX_CHANGES
    return "; ".join(changed[:MAX_CHANGES]) + (f"; and {more} more" if more > 0 else "")


@contextlib.contextmanager
def prepared_whole(out: Path) -> Iterator[None]:
    """Delete the data prepared in the `with` block if an input file changed during the block."""
    try:
        with unchanged_inputs():
            yield
    except ChangedInputError:
        for name in PREPARED:
            shutil.rmtree(out / name, ignore_errors=True)
        raise


def forget(out: Path) -> None:
    """Delete the files of a run in ``out``, but no other files."""
    for name in (CHECKPOINT, BEFORE_FALL, "model", "diagnosis", "tensorboard", *PREPARED):
        shutil.rmtree(out / name, ignore_errors=True)
    if stands_alone(out / CTRANSLATE2):
        shutil.rmtree(out / CTRANSLATE2, ignore_errors=True)
    files = (
        "run.json",
        "recipe.yaml",
        "journal.jsonl",
        "timings.jsonl",
        "verdict.json",
        "training.html",
    )
    for name in (*files, TIMETABLE, KEPT, *KEPT_ITEMS.values()):
        (out / name).unlink(missing_ok=True)
