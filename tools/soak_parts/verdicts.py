"""Results of trials, and the description of a part of the soak test."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Verdict(NamedTuple):
    """The result of one trial.

    Args:
        ok: whether the claim is true in this trial.
        kind: the group in which the trial is counted.
        detail: description that allows the trial to be repeated.
    """

    ok: bool
    kind: str
    detail: str


@dataclass
class Tally:
    """The results of a chunk of trials.

    Args:
        trials: number of trials.
        kinds: number of verdicts of each kind.
        failures: descriptions of the failed trials, which allow them to be repeated.
        figures: largest measured value, by name.
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
        """Add the results of another chunk."""
        self.trials += other.trials
        self.kinds += other.kinds
        self.failures += other.failures
        for name, value in other.figures.items():
            self.figures[name] = max(value, self.figures.get(name, value))


@dataclass(frozen=True)
class Part:
    """One part of the soak test.

    Args:
        claim: the statement that every trial checks.
        goal: number of trials of a complete soak test.
        chunk: number of trials after which the result is written.
        set_up: function that prepares a directory for the trials, if it is not prepared yet.
        run: function of a seed, the first and the last trial (exclusive), and the directory. Trial
            i depends only on the seed and on i.
    """

    claim: str
    goal: int
    chunk: int
    set_up: Callable[[Path], object]
    run: Callable[[int, int, int, Path], Tally]


def one_by_one(
    trial: Callable[[int, int, Path], Verdict],
) -> Callable[[int, int, int, Path], Tally]:
    """Return a function for `Part.run` that runs one trial after the other."""

    def run(seed: int, first: int, last: int, place: Path) -> Tally:
        tally = Tally()
        for index in range(first, last):
            tally.add(index, trial(seed, index, place))
        return tally

    return run
