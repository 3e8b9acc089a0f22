"""Iterate over the updates of a run in Python."""

from collections.abc import Iterator
from pathlib import Path

from whyformer.recipes.recipe import Resolved
from whyformer.tasks.items import GivenItems
from whyformer.training.reports import Step
from whyformer.workflows.train import Outcome, training_steps


class Fit:
    """An iterable over the updates of a run, as returned by `whyformer.fit`.

    Each loop continues after the last update. Leaving a loop early writes a checkpoint. Ctrl-C
    during an update finishes the update, writes a checkpoint and raises KeyboardInterrupt.
    """

    def __init__(
        self,
        resolved: Resolved,
        out: Path,
        items: GivenItems | None = None,
        *,
        overwrite: bool = False,
        quiet: bool = True,
    ) -> None:
        self.run = out
        """Directory of the run."""
        self.outcome: Outcome | None = None
        """The result of the run; None while it is not finished."""
        self._resolved, self._items = resolved, items
        self._overwrite, self._quiet = overwrite, quiet

    def __iter__(self) -> Iterator[Step]:
        """Yield a step after each update, until the run ends."""
        # Only the first loop may overwrite a run; later loops resume.
        overwrite, self._overwrite = self._overwrite, False
        outcome = yield from training_steps(
            self._resolved, self.run, items=self._items, overwrite=overwrite, quiet=self._quiet
        )
        if outcome.interrupted:
            raise KeyboardInterrupt
        self.outcome = outcome
