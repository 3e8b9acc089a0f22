"""``run.json``: the description of a run, with checksums of itself and of the recipe."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whyformer.acceleration import thresholds
from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import write_text
from whyformer.foundation.integrity import (
    DIGITS,
    FILES,
    ChangedFileError,
    read_sealed,
    sealed_text,
)
from whyformer.foundation.model_files import RECIPE, RUN, RUN_ID
from whyformer.foundation.parsing import reason_of
from whyformer.recipes.recipe import Recipe

FORMAT = 3
"""Version of the format. Files of version 1 have no key ``format``. Version 2 added the seal and
the hash of the recipe. Version 3 added runs with a limit in minutes. In these runs, `updates` is
null, because ``timetable.json`` contains the number of updates."""

CHOICES = "choices"
"""Key of ``run.json`` for the settings that were chosen from the data."""
THRESHOLDS = "thresholds"
"""Key of ``run.json`` for the thresholds between implementations, which a resumed run keeps."""


def write_run(out: Path, recipe: str, about: Mapping[str, Any]) -> None:
    """Write ``recipe.yaml``, then ``run.json``.

    The hash of the recipe is computed from the text, not from the file. The recipe and the data
    determine the ID of the run. The model and the checkpoint of the run also store this ID.

    Args: recipe: the YAML text. about: further values for ``run.json``.
    """
    write_text(out / RECIPE, recipe)
    digest = hashlib.sha256(recipe.encode("utf-8")).hexdigest()
    identity = hashlib.sha256(f"{digest} {about['data_key']}".encode()).hexdigest()[:DIGITS]
    state = {"format": FORMAT, RUN_ID: identity, **about, FILES: {RECIPE: digest}}
    write_text(out / RUN, sealed_text(state))


def read_run(out: Path) -> dict[str, Any] | None:
    """Return the description of the run in ``out``; None if no run was started in this directory.

    Raises: BundleError when ``run.json`` or ``recipe.yaml`` is missing, damaged or changed.
    """
    path = out / RUN
    remedy = "Copy the run again, choose another --out, or start again with --overwrite."
    if not path.exists():
        if (out / "checkpoint").exists():
            raise BundleError(f"`{out}` has a checkpoint but no {RUN}. {remedy}")
        return None
    if not (out / RECIPE).is_file():
        raise BundleError(f"`{out / RECIPE}` is missing. {remedy}")
    try:
        state = read_sealed(path, since=2, newest=FORMAT)
        updates, data_key = state["updates"], state["data_key"]
        if type(updates) not in (int, type(None)) or not isinstance(data_key, str):
            raise ValueError("`updates` must be a number or null, and `data_key` must be a text")
    except ChangedFileError as error:
        raise BundleError(
            f"`{error.path}` changed after it was written: it {error.how} in {RUN}. {remedy}"
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"`{path}` is damaged ({reason_of(error)}). {remedy}") from None
    return state


def thresholds_of_run(recipe: Recipe, known: Mapping[str, Any] | None) -> Mapping[str, int]:
    """Return the thresholds with which a run must be trained.

    A resumed run and a continued run keep the thresholds of the run that was started, because other
    implementations would change the result. Runs of earlier versions used the defaults.

    Args: known: the description of the run to resume; None for a new run.
    """
    if known is None and recipe.continue_from is None:
        return thresholds.current()
    started = known or read_run(Path(str(recipe.continue_from))) or {}
    return started.get(THRESHOLDS, {})
