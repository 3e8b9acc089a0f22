"""The run that is already in a directory: resumed unchanged, or deleted."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whyformer.bundle import RUN
from whyformer.data.inputs import ChangedInputError, unchanged_inputs
from whyformer.foundation.config import build, read_yaml
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.plugins import compare
from whyformer.recipes.recipe import Recipe, differences
from whyformer.tasks.build import data_key_of
from whyformer.tasks.standard_input import KEPT
from whyformer.training.timetable import TIMETABLE

MOST_CHANGES = 5
"""Settings of another recipe that a message shows."""
PREPARED = ("tokenizers", "corpus", "corpus-dev")
"""Directories of a run that are made from its data."""


def refuse_changes(recipe: Recipe, out: Path, known: dict[str, Any]) -> None:
    """Raise ConfigError if the recipe or the data changed since the run began."""
    path = out / "recipe.yaml"
    former = build(Recipe, read_yaml(path)[0], where=str(path))
    # How the ranks hold the model changes nothing of what is learned.
    parallel = {"parallel": former.training.parallel}
    alike = {"preset": None, "training": recipe.training.model_copy(update=parallel)}
    changed = differences(former, recipe.model_copy(update=alike))
    if changed:
        raise ConfigError(
            f"The run in `{out}` was begun with another recipe ({_first(changed)}). "
            "Use the former values to resume it, choose another --out, or start again with "
            "--overwrite."
        )
    if data_key_of(recipe, out) != known["data_key"]:
        raise ConfigError(
            f"The data of the run in `{out}` has changed since it was begun. Restore the former "
            "files to go on, or choose another --out, or --overwrite to begin anew."
        )


def refuse_other_plugins(out: Path, record: Any) -> None:
    """Refuse to resume with a plugin that changed: the resumed run would be another one."""
    try:
        changed = compare(record, f"The run in `{out}`")
    except ValueError as error:
        raise ConfigError(f"`{out / RUN}` is damaged ({error}). Copy the run again.") from None
    if changed:
        raise ConfigError(
            f"{changed[0]} Use the former file to resume, choose another --out, or start again "
            "with --overwrite."
        )


def _first(changed: list[str]) -> str:
    more = len(changed) - MOST_CHANGES
    return "; ".join(changed[:MOST_CHANGES]) + (f"; and {more} more" if more > 0 else "")


@contextlib.contextmanager
def prepared_whole(out: Path) -> Iterator[None]:
    """Drop what was prepared in this block from files that changed meanwhile."""
    try:
        with unchanged_inputs():
            yield
    except ChangedInputError:
        for name in PREPARED:
            shutil.rmtree(out / name, ignore_errors=True)
        raise


def forget(out: Path) -> None:
    """Drop what a former run left, but nothing that is not ours."""
    for name in ("checkpoint", "model", "diagnosis", "tensorboard", *PREPARED):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in ("run.json", "recipe.yaml", "journal.jsonl", "timings.jsonl", KEPT, TIMETABLE):
        (out / name).unlink(missing_ok=True)
