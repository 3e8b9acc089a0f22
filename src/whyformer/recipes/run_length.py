"""How long a run is and when it validates: a number of updates, or minutes."""

import contextlib
import math
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import BundleError
from whyformer.foundation.ranks import Ranks
from whyformer.recipes.recipe import Recipe
from whyformer.training.pacing import Pacer
from whyformer.training.timetable import (
    ENDLESS,
    TIMETABLE,
    Decision,
    Timetable,
    read_timetable,
    write_timetable,
)


class RunLength:
    """The timetable of a run and, when minutes were asked for, who adds to it.

    The first rank measures and decides; `record` is called on all ranks with its decision.

    Args: known: what ``run.json`` says; None when the run begins.
    Raises: BundleError when the timetable of a run that was begun is missing or damaged.
    """

    def __init__(
        self, recipe: Recipe, out: Path, known: dict[str, Any] | None, ranks: Ranks
    ) -> None:
        self._out, self._first = out, ranks.first
        self._pacer: Pacer | None = None
        self._every = recipe.validation.every
        minutes = recipe.training.minutes
        if minutes is None or (known and known["updates"] is not None):
            # Runs of earlier versions with minutes have kept a number of updates as well.
            updates = known["updates"] if known else recipe.training.updates
            self.timetable = Timetable.fixed(updates)
            self._every = self._every or max(1, math.ceil(updates / 20))
            self.paced = False
            return
        self.paced = True
        if known:
            self.timetable = ranks.broadcast(
                read_timetable(out) if ranks.first else Timetable.fixed(1)
            )
        else:
            self.timetable = Timetable([Decision(0, ENDLESS)])
        if ranks.first:
            used = self.timetable.last.seconds
            self._pacer = Pacer(60 * minutes, used=used, every=self._every)

    @property
    def fixed_updates(self) -> int | None:
        """The number of updates; None when minutes were asked for."""
        return None if self.paced else self.timetable.last.updates

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end, when minutes were asked for."""
        return self._pacer.left if self._pacer else None

    def write(self) -> None:
        """Write the timetable of a run with minutes; the first rank calls this."""
        if self.paced:
            write_timetable(self._out, self.timetable)

    def updates_at(self, step: int) -> int | None:
        """Return how many updates are planned after update ``step``; None before the first plan."""
        updates = self.timetable.updates_at(step)
        return None if updates == ENDLESS else updates

    def ends(self, step: int) -> bool:
        """Return whether update ``step`` is the last one."""
        return step >= self.timetable.updates_at(step)

    def validates(self, step: int) -> bool:
        """Return whether there is a validation after update ``step``."""
        by_number = bool(self._every) and step % self._every == 0
        return by_number or self.ends(step) or self.timetable.validates(step)

    def decide(self, step: int) -> Decision | None:
        """Return the decision of the first rank after update ``step``, if there is a new one.

        Updates that a resumed run repeats follow the recorded decisions.
        """
        if self._pacer is None or step <= self.timetable.last.step:
            return None
        return self._pacer.decide(step, self.timetable)

    def record(self, decision: Decision) -> None:
        """Add a decision, on disk before the next update depends on it."""
        self.timetable.add(decision)
        if self._first:
            self.write()

    def validating(self) -> contextlib.AbstractContextManager[None]:
        """Return a block that counts as a validation with its checkpoint."""
        return self._pacer.validating() if self._pacer else contextlib.nullcontext()

    def saving(self) -> contextlib.AbstractContextManager[None]:
        """Return a block whose time is not that of an update."""
        return self._pacer.saving() if self._pacer else contextlib.nullcontext()

    def to_json(self, step: int) -> dict[str, Any]:
        """Return what a checkpoint after update ``step`` keeps."""
        if self._pacer is None:
            return {}
        return {"pace": {"decisions": self.timetable.decided(step), **self._pacer.to_json()}}

    def resume(self, kept: dict[str, Any] | None, step: int) -> None:
        """Take over what the checkpoint after update ``step`` kept.

        Raises: BundleError when the timetable is not the one of the checkpoint.
        """
        if not self.paced:
            return
        if kept is None or kept["decisions"] != self.timetable.decided(step):
            raise BundleError(
                f"`{self._out / TIMETABLE}` does not belong to the checkpoint beside it. Copy the "
                "run again, or start again with --overwrite."
            )
        if self._pacer:
            times = {name: value for name, value in kept.items() if name != "decisions"}
            self._pacer.resume(**times)
