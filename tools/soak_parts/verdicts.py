"""What trials found, and how a part of the soak test is described."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Verdict(NamedTuple):
    """Args: ok: whether the claim held. kind: group to count it in. detail: enough to repeat it."""

    ok: bool
    kind: str
    detail: str


@dataclass
class Tally:
    """What a stretch of trials found.

    Args:
        trials: how many were made.
        kinds: kind of verdict -> how often.
        failures: of trials whose claim did not hold, with enough to repeat them.
        figures: name -> largest value measured.
    """

    trials: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def add(self, index: int, verdict: Verdict) -> None:
        """Count one trial."""
        self.trials += 1
        self.kinds[verdict.kind] += 1
        if not verdict.ok:
            self.failures.append({"trial": index, "kind": verdict.kind, "detail": verdict.detail})

    def join(self, other: "Tally") -> None:
        """Add what another stretch found."""
        self.trials += other.trials
        self.kinds += other.kinds
        self.failures += other.failures
        for name, value in other.figures.items():
            self.figures[name] = max(value, self.figures.get(name, value))


@dataclass(frozen=True)
class Part:
    """One part of the soak test.

    Args:
        claim: what every trial must show.
        goal: trials of a whole soak.
        stretch: trials between two writings of the result.
        set_up: makes under a directory what trials use, unless it stands there.
        run: makes the trials of a seed from one number up to another, in the directory set up.
            Trial i is a function of the seed and i alone.
    """

    claim: str
    goal: int
    stretch: int
    set_up: Callable[[Path], object]
    run: Callable[[int, int, int, Path], Tally]


def one_by_one(
    trial: Callable[[int, int, Path], Verdict],
) -> Callable[[int, int, int, Path], Tally]:
    """Return the `Part.run` that makes one trial after the other."""

    def run(seed: int, first: int, last: int, place: Path) -> Tally:
        tally = Tally()
        for index in range(first, last):
            tally.add(index, trial(seed, index, place))
        return tally

    return run
