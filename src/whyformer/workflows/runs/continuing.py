"""Continue a finished run in another directory: the state that training goes on from."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import ConfigError
from whyformer.recipes.recipe import Recipe
from whyformer.training.checkpoints import (
    BEFORE_FALL,
    CHECKPOINT,
    has_checkpoint,
    load_checkpoint,
    saved_step,
)
from whyformer.training.journal import JOURNAL, TIMINGS, read_timings
from whyformer.training.state import TrainingState
from whyformer.workflows.runs.run_file import read_run

OF_CORPUS = {"data_key": "data", "corpus": "training corpus"}
"""Keys in ``run.json`` that must be equal, with a word for a message."""


@dataclass(frozen=True)
class Continuation:
    """The run to continue, and the checkpoint of it that training goes on from."""

    run: Path
    checkpoint: Path
    step: int
    """Number of updates of the checkpoint."""

    @classmethod
    def of(cls, recipe: Recipe) -> "Continuation | None":
        """Return what the recipe continues; None if it continues no run.

        If the learning rate of the run fell from a constant value, the checkpoint is the one before
        the fall; otherwise it is the last one.
        Raises: ConfigError if the run has no checkpoint.
        """
        if recipe.continue_from is None:
            return None
        run = Path(recipe.continue_from)
        for name in (BEFORE_FALL, CHECKPOINT):
            if has_checkpoint(run / name):
                return cls(run, run / name, saved_step(run / name))
        raise ConfigError(
            f"`{run}` cannot be continued, because it has no checkpoint. Use --start-from, which "
            "needs the model only."
        )

    def expected(self, minutes: float | None) -> int | None:
        """Return the estimated number of further updates in this time, at the speed of the run."""
        timings = read_timings(self.run)
        if minutes is None or not timings:
            return None
        seconds = sum(one["seconds"] for one in timings) / len(timings)
        return max(1, round(60 * minutes / max(seconds, 1e-9)))

    def copy_history(self, out: Path) -> None:
        """Copy the journal of the run, which the further updates are added to."""
        for name in (JOURNAL, TIMINGS):
            if (self.run / name).is_file():
                shutil.copyfile(self.run / name, out / name)

    def refuse_other_data(self, about: Mapping[str, Any]) -> None:
        """Raise ConfigError if the data is not that of the run.

        Args: about: the values for ``run.json`` of the new run.
        """
        known = read_run(self.run) or {}
        for key, what in OF_CORPUS.items():
            if known.get(key) != about[key]:
                raise ConfigError(
                    f"The {what} of `{self.run}` has changed since it was trained, so the run "
                    "cannot be continued. Restore the previous files, or use --start-from to train "
                    "its model on the new data."
                )

    def load(self, state: TrainingState, seed: int) -> None:
        """Restore the state of the checkpoint. All ranks must call this."""
        load_checkpoint(self.checkpoint, state, seed=seed)
