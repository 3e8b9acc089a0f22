"""The cost and the learning curve of the finished trainings of a comparison."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from whyformer.models.flops import has_formula
from whyformer.recipes.recipe import Recipe
from whyformer.training.journal import read_journal, read_timings
from whyformer.workflows.compare.budget import operations
from whyformer.workflows.compare.cell import RESULT, RUN
from whyformer.workflows.learning_curve import thinned
from whyformer.workflows.runs.run_file import read_run

POINTS = 60
"""Maximum number of points of a curve."""
Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Args:
        metric: name of the metric that selected the best weights.
        selected: its value on the validation set, for the best weights.
        seconds: time of the training with its validations.
        tokens: number of target tokens, without padding.
        flops: operations of the matrix products, for sentences of `budget.TOKENS_OF_A_LINE`
            tokens; None for a family without a formula.
        minutes: updates and minutes at each point of the curve, to convert one into the other.
        curve: update and value of the metric at each validation.
        loss: update and validation loss at each validation.
        training: update and training loss, averaged over neighboring updates.
    """

    seed: int
    metric: str
    higher_is_better: bool
    selected: float
    seconds: float
    updates: int
    tokens: int
    parameters: int
    flops: float | None
    minutes: Curve = field(default_factory=list)
    curve: Curve = field(default_factory=list)
    loss: Curve = field(default_factory=list)
    training: Curve = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return asdict(self)


def read_trained(directory: Path, seed: int, recipe: Recipe) -> Trained:
    """Read a finished cell. Args: recipe: its recipe, for the formula of the operations."""
    result = json.loads((directory / RESULT).read_text(encoding="utf-8"))
    run = directory / RUN
    journal, timings = read_journal(run), read_timings(run)
    metric = result["selection"]["metric"]
    checks = [line for line in journal if "validation" in line]
    tokens = sum(line["tokens"] for line in timings)
    passed = np.cumsum([line["seconds"] / 60 for line in timings]).tolist()
    clock = [(float(line["step"]), now) for line, now in zip(timings, passed, strict=True)]
    steps = [(line["step"], line["nll"]) for line in journal if "nll" in line]

    def validated(name: str) -> Curve:
        return thinned(
            [(c["step"], c["validation"][name]) for c in checks if name in c["validation"]], POINTS
        )

    return Trained(
        seed=seed,
        metric=metric,
        higher_is_better=result["selection"]["higher_is_better"],
        selected=float(result["scores"][metric]),
        # A training that was stopped and resumed reports the seconds of its last part only.
        seconds=max(result["seconds"], 60 * passed[-1] if passed else 0.0),
        updates=result["updates"],
        tokens=tokens,
        parameters=(read_run(run) or {})["parameters"],
        flops=operations(recipe, tokens) if has_formula(recipe.model) else None,
        minutes=clock[:: max(1, len(clock) // POINTS)] + clock[-1:],
        curve=validated(metric),
        loss=validated("loss"),
        training=thinned(steps, POINTS),
    )


def costs_of(trainings: Sequence[Trained]) -> dict[str, float | None]:
    """Return the mean costs of trainings; None for what is not known of all of them."""
    found: dict[str, float | None] = {}
    for name in ("seconds", "updates", "tokens", "parameters", "flops"):
        values = [getattr(one, name) for one in trainings]
        found[name] = None if None in values else float(np.mean(values))
    return found
