"""Tune each arm of a comparison on seeds of its own, with the same number of trials."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from whyformer.workflows.compare.cell import RESULT
from whyformer.workflows.compare.running import Place
from whyformer.workflows.compare.sampling import Values, sampler_of
from whyformer.workflows.compare.space import Space


@dataclass(frozen=True)
class Trial:
    """One trial of an arm.

    Args:
        values: the values that were tried.
        scores: the validation score of each seed.
        higher_is_better: whether a higher score is better.
    """

    values: Values
    scores: dict[int, float]
    higher_is_better: bool

    @property
    def goodness(self) -> float:
        """The mean score, with the sign with which higher is better."""
        return mean(self.scores.values()) * (1 if self.higher_is_better else -1)

    def to_json(self) -> dict[str, Any]:
        """Return the values and scores as JSON."""
        return {"values": self.values, "scores": self.scores}


def tune(
    space: Space,
    arms: Sequence[str],
    places_of: Callable[[str, int, Values], Sequence[Place]],
    run: Callable[[Sequence[Place]], None],
    seed: int,
) -> dict[str, list[Trial]]:
    """Run the trials of all arms, and return them by arm.

    A search asks for one trial of each arm at a time, so that the trials do not depend on the
    number of workers.
    Args:
        places_of: returns the cells of a trial of an arm, one for each seed, by its number.
        run: runs cells.
        seed: seed of the search, the same for all arms.
    """
    samplers = {name: sampler_of(space, seed) for name in arms}
    found: dict[str, list[Trial]] = {name: [] for name in arms}
    while asked := {name: some for name, one in samplers.items() if (some := one.ask())}:
        places = {
            name: [
                places_of(name, len(found[name]) + number, values)
                for number, values in enumerate(some)
            ]
            for name, some in asked.items()
        }
        run([place for trials in places.values() for some in trials for place in some])
        for name, some in asked.items():
            made = [_trial(values, of) for values, of in zip(some, places[name], strict=True)]
            samplers[name].tell([one.goodness for one in made])
            found[name] += made
    return found


def best(trials: Sequence[Trial]) -> int | None:
    """Return the number of the best trial, the first one of equal trials; None without trials."""
    if not trials:
        return None
    return max(range(len(trials)), key=lambda number: (trials[number].goodness, -number))


def chosen(trials: Mapping[str, Sequence[Trial]]) -> dict[str, Values]:
    """Return the best values of each arm; nothing for arms without trials."""
    return {
        name: {} if (number := best(some)) is None else some[number].values
        for name, some in trials.items()
    }


def _trial(values: Values, places: Sequence[Place]) -> Trial:
    scores: dict[int, float] = {}
    higher = True
    for place in places:
        result = json.loads((place.directory / RESULT).read_text(encoding="utf-8"))
        selection = result["selection"]
        higher = selection["higher_is_better"]
        scores[place.cell.seed] = result["scores"][selection["metric"]]
    return Trial(values, scores, higher)
