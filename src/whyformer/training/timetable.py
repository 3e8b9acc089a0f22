"""The timetable of a run: its planned number of updates, fixed or adjusted during training.

A run with a time limit adjusts its number of updates during training. Each decision to adjust the
number is written to disk before the first update that depends on the decision. The learning rate
and the validations depend only on the step and on the decisions. A resumed run reads the recorded
decisions, so it computes exactly the same weights.
"""

import bisect
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from whyformer.foundation.errors import BundleError
from whyformer.foundation.files import write_text
from whyformer.foundation.integrity import read_sealed, sealed_text
from whyformer.foundation.parsing import reason_of
from whyformer.training.schedules import ends, learning_rate

FORMAT = 1
TIMETABLE = "timetable.json"
ENDLESS = 10**9
"""Planned number of updates of a run before the first measurement of its speed, and of a run that
only measures its speed."""


@dataclass(frozen=True)
class Decision:
    """A decision after update ``step``: the planned number of updates of the run is ``updates``."""

    step: int
    updates: int
    seconds: float = 0.0
    """Seconds that the run had used at this decision."""
    validate: bool = False
    """Whether to validate after this update."""


class Timetable:
    """The decisions of a run, and the learning rate and validations that follow from them.

    The position in the schedule changes linearly: after a decision, it moves from its current value
    to the end of the schedule, which it reaches at the last planned update. So the learning rate
    never jumps. With a single decision, the position is the step.

    Args: decisions: in the order of their steps; the first decision has step 0.
    """

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self.decisions: list[Decision] = []
        self._steps: list[int] = []
        self._lines: list[tuple[float, float]] = []
        for decision in decisions:
            self.add(decision)
        if not self.decisions:
            raise ValueError("a timetable must have at least one decision")

    @classmethod
    def fixed(cls, updates: int) -> "Timetable":
        """Return the timetable of a run with a fixed number of updates."""
        return cls([Decision(0, updates)])

    @property
    def last(self) -> Decision:
        """The last decision."""
        return self.decisions[-1]

    def add(self, decision: Decision) -> None:
        """Append a decision.

        Raises: ValueError when the decision is not after the last decision, or when its `updates`
            are less than its step.
        """
        step, former = decision.step, self._steps[-1] if self._steps else -1
        if (former < 0 < step) or step <= former or decision.updates < max(step, 1):
            raise ValueError(f"decision {len(self.decisions) + 1} contradicts earlier decisions")
        if not self._lines:
            self._lines.append((0, 1))
        else:
            place = self.place(step)
            slope = (self.decisions[0].updates + 1 - place) / (decision.updates + 1 - step)
            self._lines.append((place, slope))
        self._steps.append(step)
        self.decisions.append(decision)

    def updates_at(self, step: int) -> int:
        """Return the number of updates of the run, as planned at update ``step``."""
        return self.decisions[bisect.bisect_right(self._steps, step) - 1].updates

    def validates(self, step: int) -> bool:
        """Return whether a decision requires a validation after update ``step``."""
        index = bisect.bisect_right(self._steps, step) - 1
        return self._steps[index] == step and self.decisions[index].validate

    def decided(self, step: int) -> int:
        """Return the number of decisions up to and including update ``step``."""
        return bisect.bisect_right(self._steps, step)

    def place(self, step: int) -> float:
        """Return the position of update ``step`` in the schedule, counted in updates of the plan
        that was made at the start of the run.

        In this example, the plan of 99 updates is shortened to 74 at update 50:

        >>> timetable = Timetable([Decision(0, 99), Decision(50, 74)])
        >>> [timetable.place(step) for step in (0, 50, 51, 75)]
        [0, 50, 52.0, 100.0]
        """
        index = max(0, bisect.bisect_left(self._steps, step) - 1)
        place, slope = self._lines[index]
        return place + slope * (step - self._steps[index])

    def learning_rate(
        self, schedule: str, step: int, *, peak: float, warmup: int, d_model: int
    ) -> float:
        """Return the learning rate of update ``step`` (from 1). Decisions never change the length
        of the warm-up."""
        position, end_of_warmup = step, warmup
        if ends(schedule) and step >= warmup:
            position, end_of_warmup = self.place(step), self.place(warmup)
        return learning_rate(
            schedule,
            position,
            peak=peak,
            total=self.decisions[0].updates,
            warmup=end_of_warmup,
            d_model=d_model,
        )


def write_timetable(directory: Path, timetable: Timetable) -> None:
    """Write ``timetable.json`` with its checksum, and synchronize it with the disk."""
    state = {"format": FORMAT, "decisions": [asdict(one) for one in timetable.decisions]}
    write_text(directory / TIMETABLE, sealed_text(state))


def read_timetable(directory: Path) -> Timetable:
    """Read ``timetable.json``.

    Raises: BundleError when it is missing or damaged.
    """
    path = directory / TIMETABLE
    try:
        decisions = read_sealed(path, since=1, newest=FORMAT)["decisions"]
        return Timetable(_parsed(one) for one in decisions)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(
            f"`{path}` is missing or damaged ({reason_of(error)}). Copy the run again, or "
            "start again with "
            "--overwrite."
        ) from None


def _parsed(found: object) -> Decision:
    kinds: dict[str, Callable[[object], bool]] = {
        "step": lambda value: type(value) is int,
        "updates": lambda value: type(value) is int,
        "seconds": lambda value: type(value) is float and math.isfinite(value),
        "validate": lambda value: type(value) is bool,
    }
    if not isinstance(found, dict) or found.keys() != kinds.keys():
        raise ValueError(f"a decision must have {', '.join(kinds)}")
    if wrong := [name for name, fits in kinds.items() if not fits(found[name])]:
        raise ValueError(f"`{wrong[0]}` of a decision has the wrong type")
    return Decision(**found)
