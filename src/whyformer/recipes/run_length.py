"""The length of a run, in updates or minutes, and the updates after which the run is validated."""

import contextlib
import math
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import BundleError
from whyformer.foundation.ranks import Ranks
from whyformer.recipes.recipe import Recipe
from whyformer.training.pacing import Pacer
from whyformer.training.schedules import end_of_constant
from whyformer.training.timetable import (
    ENDLESS,
    TIMETABLE,
    Decision,
    Timetable,
    read_timetable,
    write_timetable,
)

CLOSEST = 20
"""Smallest number of updates between two validations, unless the recipe sets the number."""


class RunLength:
    """The timetable of a run. If the length is set in minutes, training extends the timetable.

    If the length is set in minutes, the first rank measures the time and decides about the
    timetable. Then all ranks call `record` with the decision.

    Args:
        known: the content of ``run.json``; None for a new run.
        after: number of updates of the run that this run continues; 0 if it continues none.
        expected: estimated number of further updates, if the length is set in minutes.
        of_epoch: number of batches of an epoch, for a recipe with a maximum number of epochs.
    Raises: BundleError when the timetable of an existing run is missing or damaged.
    """

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        known: dict[str, Any] | None,
        ranks: Ranks,
        *,
        after: int = 0,
        expected: int | None = None,
        of_epoch: int | None = None,
    ) -> None:
        self._out, self._first = out, ranks.first
        self._pacer: Pacer | None = None
        self._every = recipe.validation.every
        minutes, most = recipe.training.minutes, ENDLESS
        if recipe.training.epochs is not None and of_epoch is not None:
            batches = recipe.training.epochs * of_epoch
            most = after + math.ceil(batches / recipe.training.accumulate)
        if minutes is None or (known and known["updates"] is not None):
            # Earlier versions stored a number of updates even if the length was set in minutes.
            updates = min(after + recipe.training.updates, most)
            updates = known["updates"] if known else updates
            self.timetable = _continued(recipe, after, updates)
            self._every = self._every or max(CLOSEST, math.ceil((updates - after) / 20))
            self.paced = False
            return
        self.paced = True
        if known:
            self.timetable = ranks.broadcast(
                read_timetable(out) if ranks.first else Timetable.fixed(1)
            )
        else:
            planned = ENDLESS if expected is None else after + expected
            self.timetable = _continued(recipe, after, min(planned, most))
        if ranks.first:
            used = self.timetable.last.seconds
            self._pacer = Pacer(60 * minutes, used=used, every=self._every, most=most, after=after)

    @property
    def fixed_updates(self) -> int | None:
        """The length of the run in updates; None if the length is set in minutes."""
        return None if self.paced else self.timetable.last.updates

    @property
    def seconds_left(self) -> float | None:
        """On the first rank, the seconds until the end of the run; None if the length is set in
        updates."""
        return self._pacer.until_end if self._pacer else None

    def write(self) -> None:
        """Write the timetable to disk if the length is set in minutes. Call this method on the
        first rank only."""
        if self.paced:
            write_timetable(self._out, self.timetable)

    def updates_at(self, step: int) -> int | None:
        """Return the length of the run in updates, as planned at ``step``; None if it is not
        planned yet."""
        updates = self.timetable.updates_at(step)
        return None if updates == ENDLESS else updates

    def ends(self, step: int) -> bool:
        """Return whether update ``step`` is the last one of the run."""
        return step >= self.timetable.updates_at(step)

    def validates(self, step: int) -> bool:
        """Return whether there is a validation after update ``step``."""
        by_number = bool(self._every) and step % self._every == 0
        return by_number or self.ends(step) or self.timetable.validates(step)

    def decide(self, step: int) -> Decision | None:
        """On the first rank, return a new decision about the timetable after update ``step``, or
        None if nothing changes.

        When a resumed run repeats updates, no new decisions are made for them, because the recorded
        ones apply.
        """
        if self._pacer is None or step <= self.timetable.last.step:
            return None
        return self._pacer.decide(step, self.timetable)

    def record(self, decision: Decision) -> None:
        """Add a decision to the timetable. The first rank writes the decision to disk before an
        update depends on it."""
        self.timetable.add(decision)
        if self._first:
            self.write()

    def validating(self) -> contextlib.AbstractContextManager[None]:
        """Return a context manager for a validation and checkpoint; the time inside it counts as
        validation time."""
        return self._pacer.validating() if self._pacer else contextlib.nullcontext()

    def saving(self) -> contextlib.AbstractContextManager[None]:
        """Return a context manager for saving; the time inside it does not count as time of an
        update."""
        return self._pacer.saving() if self._pacer else contextlib.nullcontext()

    def to_json(self, step: int) -> dict[str, Any]:
        """Return the state of the timetable for the checkpoint after update ``step``."""
        if self._pacer is None:
            return {}
        return {"pace": {"decisions": self.timetable.decided(step), **self._pacer.to_json()}}

    def resume(self, kept: dict[str, Any] | None, step: int) -> None:
        """Restore the state from the checkpoint after update ``step``.

        Raises: BundleError when the timetable does not match the checkpoint.
        """
        if not self.paced:
            return
        if kept is None or kept["decisions"] != self.timetable.decided(step):
            raise BundleError(
                f"`{self._out / TIMETABLE}` does not belong to the checkpoint of this run. Copy "
                "the run again, or start again with --overwrite."
            )
        if self._pacer:
            times = {name: value for name, value in kept.items() if name != "decisions"}
            self._pacer.resume(**times)


def _continued(recipe: Recipe, after: int, updates: int) -> Timetable:
    """Return the timetable of a run that continues another one after update ``after``.

    If the schedule is constant until it falls, the fall does not begin before the further updates,
    even if they are few.
    """
    share = end_of_constant(recipe.training.schedule)
    whole = updates if share is None else max(updates, math.ceil(after / share))
    decisions = [Decision(0, whole)]
    return Timetable([*decisions, Decision(after, updates)] if whole > updates else decisions)
