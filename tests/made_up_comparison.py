"""The content of ``comparison.json`` of a comparison that nobody has trained."""

import json
import math
from typing import Any

import numpy as np

from whyformer.evaluation.comparison.measured import Measured
from whyformer.evaluation.comparison.several import compare_all
from whyformer.workflows.compare.budget import Budget, Unit
from whyformer.workflows.compare.notes import Note
from whyformer.workflows.compare.registration import CRITERION
from whyformer.workflows.compare.results import Result
from whyformer.workflows.compare.trained import Trained
from whyformer.workflows.compare.tuning import Trial, best

EFFECTS = {"base": 0.0, "post-norm": -3.0, "small: d_model=32": 0.1, "no <warm-up>": 1.2}
"""The true effect of each arm on an accuracy. One name has letters that HTML must escape."""


def made_up(
    *,
    effects: dict[str, float] = EFFECTS,
    seeds: int = 5,
    tuned: bool = True,
    unit: Unit = Unit.UPDATES,
    changes: list[dict[str, Any]] | None = None,
    lines: int | None = 200,
    margin: float = 2.0,
) -> dict[str, Any]:
    """Return the JSON of a comparison. Args: lines: number of test items; None: seeds only."""
    draw = np.random.default_rng(7)
    measured: dict[str, Measured] = {}
    common = draw.normal(80, 0.5, size=seeds)
    for name, effect in effects.items():
        scores = common + effect + draw.normal(0, 0.4, size=seeds)
        table = None
        if lines is not None:
            noise = draw.normal(0, 2, size=(seeds, lines))
            table = scores[:, None] + noise - noise.mean(1, keepdims=True)
        measured[name] = Measured(list(map(float, scores)), table)
    base = measured["base"]
    others = {name: one for name, one in measured.items() if name != "base"}
    found = compare_all(base, others, margin=margin, higher_is_better=True, maximum=None)
    trials = {name: _trials(draw) for name in effects} if tuned else {name: [] for name in effects}
    result = Result(
        recipe="copy",
        base="base",
        metric="accuracy",
        higher_is_better=True,
        margin=margin,
        budget=Budget(unit, 200.0),
        scores={
            name: dict(zip(range(1, seeds + 1), map(float, one.scores), strict=True))
            for name, one in measured.items()
        },
        comparisons=found,
        trained={
            name: [
                _training(draw, seed, float(one.scores[seed - 1])) for seed in range(1, seeds + 1)
            ]
            for name, one in measured.items()
        },
        notes=[Note.VALIDATION_SET],
        tuned={
            name: {} if (place := best(some)) is None else some[place].values
            for name, some in trials.items()
        },
        trials=trials,
        registration=_state(effects, seeds, margin, changes or []),
    )
    return json.loads(json.dumps(result.to_json()))


def _trials(draw: np.random.Generator) -> list[Trial]:
    return [
        Trial({"training.learning_rate": [rate]}, {100_001: float(draw.normal(75, 2))}, True)
        for rate in ("0.001", "0.003", "0.01")
    ]


def _training(draw: np.random.Generator, seed: int, score: float) -> Trained:
    steps = range(20, 201, 20)
    falling = [(float(s), 5 * math.exp(-s / 60) + float(draw.normal(0, 0.05))) for s in steps]
    return Trained(
        seed=seed,
        metric="accuracy",
        higher_is_better=True,
        selected=score + 0.3,
        seconds=65.0 + seed,
        updates=200,
        tokens=102_400,
        parameters=101_184,
        flops=1.2e12,
        minutes=[(float(s), s / 100) for s in steps],
        curve=[(x, score * (1 - math.exp(-x / 50))) for x, _ in falling],
        loss=falling,
        training=falling,
    )


def _state(
    effects: dict[str, float], seeds: int, margin: float, changes: list[dict[str, Any]]
) -> dict[str, Any]:
    arms = {
        name: {"settings": {} if name == "base" else {"model.wiring": ["post-norm"]},
               "recipe": None, "sha256": "0123456789abcdef" * 4}
        for name in effects
    }  # fmt: skip
    kept = {
        "recipe": {"name": "copy", "sha256": "ab" * 32},
        "arms": arms,
        "seeds": list(range(1, seeds + 1)),
        "tuning": {"values": {}, "seeds": [100_001]},
        "budget": "200 updates a training",
        "metric": None,
        "margin": margin,
        "test": None,
        "stop_early": True,
        "plugins": [],
        "criterion": CRITERION,
        "code": {"whyformer": "0.1.0", "sha256": "cd" * 32},
    }
    return {
        "format": 1,
        "time": "2026-01-02T03:04:05+00:00",
        "registration": kept,
        "changes": changes,
        "sha256": "ef" * 32,
    }
