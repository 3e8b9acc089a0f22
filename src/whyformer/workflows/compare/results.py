"""The verdicts of a comparison, as a table and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whyformer.evaluation.comparison.compare import Comparison
from whyformer.evaluation.comparison.measured import Measured
from whyformer.evaluation.comparison.power import detectable_effect
from whyformer.evaluation.comparison.several import compare_all
from whyformer.evaluation.comparison.verdict import Certain
from whyformer.foundation.machine import machine
from whyformer.foundation.wording import counted
from whyformer.workflows.compare.budget import Budget
from whyformer.workflows.compare.notes import TEXTS, Note
from whyformer.workflows.compare.outputs import Outputs, score_of, statistics
from whyformer.workflows.compare.registration import described
from whyformer.workflows.compare.trained import Trained, costs_of
from whyformer.workflows.compare.tuning import Trial, best

FORMAT = 1
"""Version of the JSON of a comparison."""


@dataclass
class Result:
    """The result of a comparison.

    Args:
        recipe: name of the recipe.
        base: name of the base.
        metric: the metric.
        margin: the smallest difference that matters.
        budget: what every training got.
        scores: the scores of each arm by seed.
        comparisons: the verdict on each arm but the base.
        trained: the trainings that are judged, by arm: their costs and their learning curves.
        notes: what limits the result.
        tuned: the values that tuning chose for each arm.
        trials: the trials of each arm.
        registration: the state of the file of the registration.
    """

    recipe: str
    base: str
    metric: str
    higher_is_better: bool
    margin: float
    budget: Budget
    scores: dict[str, dict[int, float]]
    comparisons: dict[str, Comparison]
    trained: dict[str, list[Trained]]
    notes: list[Note] = field(default_factory=list)
    tuned: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    trials: dict[str, list[Trial]] = field(default_factory=dict)
    registration: dict[str, Any] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Whether higher or lower is better, as text."""
        return f"{'higher' if self.higher_is_better else 'lower'} is better"

    @property
    def costs(self) -> dict[str, dict[str, float | None]]:
        """The mean costs of a training of each arm."""
        return {name: costs_of(some) for name, some in self.trained.items()}

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON. The page and the card of a comparison are made from them."""
        return {
            "format": FORMAT,
            "recipe": self.recipe,
            "base": self.base,
            "metric": self.metric,
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "margin": self.margin,
            "budget": {
                "unit": str(self.budget.unit),
                "amount": self.budget.amount,
                "described": self.budget.described,
            },
            "scores": self.scores,
            "comparisons": {name: one.to_json() for name, one in self.comparisons.items()},
            "tuned": self.tuned,
            "trials": {
                name: [one.to_json() | {"chosen": n == best(some)} for n, one in enumerate(some)]
                for name, some in self.trials.items()
            },
            "registered": described(self.registration),
            "registration": self.registration,
            "costs": self.costs,
            "trained": {
                name: [one.to_json() for one in some] for name, some in self.trained.items()
            },
            "machine": machine(),
            "notes": [{"name": str(note), "text": TEXTS[note].en} for note in self.notes],
        }

    def table(self) -> str:
        """Return the result as text: the verdicts first, then the scores and the costs."""
        wide, costs = max(map(len, self.scores)), self.costs
        lines = [f"{self.metric} ({self.unit}), margin {self.margin:g}", ""]
        for name, one in self.comparisons.items():
            low, high = one.interval
            lines += [
                f"{name} against {self.base}: {self.verdict_of(one)}",
                f"  effect {one.effect:+.3g}, {100 * one.level:.4g} % interval "
                f"[{low:+.3g}, {high:+.3g}], p {one.adjusted_p:.2g}, "
                f"{counted(one.seeds, 'seed')}, "
                + ("seeds only" if one.lines is None else counted(one.lines, "test item")),
            ]
            lines += [f"  {text}" for text in self.advice(one)]
        lines += ["", f"{'arm':<{wide}}  {'mean':>9}  {'each seed':<30}  seconds  updates"]
        for name, by_seed in self.scores.items():
            values = list(by_seed.values())
            each = " ".join(f"{value:.4g}" for value in values)
            cost = costs[name]
            lines.append(
                f"{name:<{wide}}  {np.mean(values):>9.4g}  {each:<30}  "
                f"{cost['seconds']:>7,.0f}  {cost['updates']:>7,.0f}"
            )
            if tuned := self.tuned.get(name):
                lines.append(f"  tuned: {', '.join(f'{k} {v[0]}' for k, v in tuned.items())}")
        notes = [TEXTS[note].en for note in self.notes]
        return "\n".join([*lines, "", described(self.registration), *notes])

    @staticmethod
    def verdict_of(one: Comparison) -> str:
        """Return the verdict in words."""
        if not one.verdict.differs or one.certain is Certain.NOTHING:
            return str(one.verdict)
        return f"{one.verdict}, by {one.certain}"

    def advice(self, one: Comparison) -> list[str]:
        """Return what limits a verdict, and what would settle an inconclusive one."""
        found = [one.note] if one.note else []
        if one.seeds_needed is not None:
            found.append(f"About {counted(one.seeds_needed, 'seed')} would settle this.")
        if one.lines_needed is not None:
            found.append(
                f"More seeds cannot settle this. About {counted(one.lines_needed, 'test item')} "
                "would."
            )
        return found


def judged(
    base: str,
    outputs: Mapping[str, Sequence[Outputs]],
    *,
    margin: float,
    maximum: int | None,
    settled: Mapping[str, Comparison],
) -> dict[str, Comparison]:
    """Return the verdict on each arm that has no verdict yet.

    Args:
        outputs: the outputs of each arm, one for each seed; those of the base may have more seeds.
        maximum: with early stopping, the number of seeds at the last look; else None.
        settled: the verdicts of earlier looks.
    """
    arms = {name: some for name, some in outputs.items() if name != base and name not in settled}
    measured = _measured({base: outputs[base], **arms})
    return compare_all(
        measured.pop(base),
        measured,
        margin=margin,
        higher_is_better=outputs[base][0].higher_is_better,
        maximum=maximum,
        settled=settled,
    )


def _measured(outputs: Mapping[str, Sequence[Outputs]]) -> dict[str, Measured]:
    """Return the scores, and the statistics of each test item if all runs have the same items."""
    found = statistics([one for some in outputs.values() for one in some])
    if found is None or len(found[1][0]) < 2:
        return {name: Measured([score_of(one) for one in some]) for name, some in outputs.items()}
    measure, tables = found
    rest = iter(tables)
    measured: dict[str, Measured] = {}
    for name, some in outputs.items():
        lines = np.stack([next(rest) for _ in some]).astype(float)
        scores = [measure.value(sums) for sums in lines.sum(1)]
        measured[name] = Measured(scores, lines, measure.value)
    return measured


def scores_of(outputs: Mapping[str, Sequence[Outputs]]) -> dict[str, list[float]]:
    """Return the score of each run by arm."""
    return {name: list(one.scores) for name, one in _measured(outputs).items()}


def visible_effect(found: Mapping[str, Comparison], seeds: int, level: float) -> dict[str, float]:
    """Return the smallest effect that this number of seeds finds with probability 0.8, by arm.

    Args: level: level of the interval after the last seed.
    """
    return {
        name: detectable_effect(
            seeds,
            one.deviation_between_seeds,
            deviation_of_lines=one.deviation_of_lines or 0.0,
            lines=one.lines,
            level=level,
        )
        for name, one in found.items()
    }
