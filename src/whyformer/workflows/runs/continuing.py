"""Continue a finished run in another directory, from one of its checkpoints."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.data.lines import STDIN
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.files import standing
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.items import ITEMS
from whyformer.training.checkpoints import (
    BEFORE_FALL,
    CHECKPOINT,
    META,
    load_checkpoint,
    saved_step,
)
from whyformer.training.journal import JOURNAL, TIMINGS, read_timings
from whyformer.training.state import TrainingState
from whyformer.workflows.runs.lock import is_locked
from whyformer.workflows.runs.run_file import read_run

OF_CORPUS = {"data_key": "data", "corpus": "training corpus"}
"""Keys in ``run.json`` that must be equal, with a word for a message."""


@dataclass(frozen=True)
class Continuation:
    """The run to continue, and its checkpoint that the new run begins with. The new run writes
    nothing to the directory of the earlier run.

    Args: step: number of updates of the checkpoint.
    """

    run: Path
    checkpoint: Path
    step: int

    @classmethod
    def of(cls, recipe: Recipe) -> "Continuation | None":
        """Return what the recipe continues; None if it continues no run.

        If the learning rate of the run fell from a constant value, the checkpoint is the one before
        the fall; otherwise it is the last one.
        Raises: ConfigError if the run has no checkpoint, or is being trained.
        """
        if recipe.continue_from is None:
            return None
        run = Path(recipe.continue_from)
        if is_locked(run):
            raise ConfigError(
                f"`{run}` is being trained, so it cannot be continued yet. Wait until it ends."
            )
        for name in (BEFORE_FALL, CHECKPOINT):
            place = standing(run / name)
            if (place / META).exists():
                return cls(run, place, saved_step(place))
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

    def refuse_other_step(self, step: int) -> None:
        """Raise ConfigError if the new run began from another checkpoint, with this step."""
        if self.step != step:
            raise ConfigError(
                f"This run began after update {step} of `{self.run}`, but that run is now at "
                f"update {self.step}. Start again with --overwrite."
            )

    def load(self, state: TrainingState, seed: int) -> None:
        """Restore the state of the checkpoint. All ranks must call this."""
        load_checkpoint(self.checkpoint, state, seed=seed, recover=False)


def refuse_own_source(recipe: Recipe, out: Path) -> None:
    """Raise ConfigError if a run reads the model or the state of a run in its own directory, or
    continues a run whose data cannot be read again."""
    own = (out.resolve(), (out / "model").resolve())
    for path in (recipe.start_from, recipe.continue_from, *recipe.distil.teachers):
        if path is not None and Path(path).resolve() in own:
            raise ConfigError(
                f"`--out` must be another directory than that of the run to read, but both are "
                f"`{path}`. Choose a new directory."
            )
    kept = {STDIN: "standard input", ITEMS: "Python"}
    given = next((kept[one] for one in (*recipe.data.train, *recipe.data.dev) if one in kept), None)
    if recipe.continue_from is not None and given:
        raise ConfigError(
            f"`{recipe.continue_from}` cannot be continued, because its data came from {given}. "
            "Use --start-from, and give the data again."
        )
