"""Compare arms: tune each arm, train all arms with the same seeds, and judge the differences."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whyformer.evaluation.comparison.compare import Comparison
from whyformer.evaluation.comparison.sequential import FIRST as LOOKS_FROM
from whyformer.evaluation.comparison.sequential import Looks
from whyformer.evaluation.comparison.verdict import Verdict
from whyformer.foundation.files import write_text
from whyformer.foundation.plugins import recorded, used_by
from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import Recipe, dump
from whyformer.workflows.compare.arms import Arm, trials
from whyformer.workflows.compare.budget import Budget, Unit
from whyformer.workflows.compare.cell import OUTPUTS, RESULT, Cell
from whyformer.workflows.compare.outputs import Outputs
from whyformer.workflows.compare.registration import Registration, described, hash_of, registered
from whyformer.workflows.compare.results import Result, judged, scores_of, visible_effect
from whyformer.workflows.compare.running import Place, run_cells

RESULTS = "comparison.json"
FIRST_TUNING_SEED = 100_001
"""The seeds of the trials begin here, so that they are not those that are judged."""
ON_VALIDATION = (
    "Scored on the validation set, which also selected the best weights of each run. Give --test "
    "for items that selected nothing."
)
SHARED_TIME = (
    "Several trainings ran at the same time, and the budget is a time: they shared the memory of "
    "the machine. Use --workers 1, or a budget of updates, for exact comparisons of speed."
)

Resolve = Callable[[Arm, Mapping[str, list[str]]], Recipe]
"""Returns the whole recipe of an arm with further settings."""


@dataclass(frozen=True)
class Design:
    """A comparison as the user asked for it.

    Args:
        recipe: name of the recipe, and the SHA-256 of the recipe with the settings of all arms.
        arms: the first arm is the base.
        seeds: number of seeds that are judged.
        budget: what every training gets.
        margin: the smallest difference that matters, in the unit of the metric.
        grid: the values to tune for each arm, by setting.
        tune_seeds: number of seeds of each trial.
        metric, test: see `outputs.outputs_of`.
        test_hash: SHA-256 of the test file.
        stop_early: whether to stop when all verdicts are clear.
        plugins: sources of the plugins.
    """

    recipe: Mapping[str, str]
    arms: Sequence[Arm]
    seeds: int
    budget: Budget
    margin: float
    grid: Mapping[str, Sequence[str]]
    tune_seeds: int = 1
    metric: str | None = None
    test: Path | None = None
    test_hash: str | None = None
    stop_early: bool = True
    plugins: Sequence[str] = ()

    @property
    def numbers(self) -> list[int]:
        """The seeds that are judged."""
        return list(range(1, self.seeds + 1))

    @property
    def trainings(self) -> int:
        """The largest number of trainings."""
        tuned = len(trials(self.grid)) * self.tune_seeds if self.grid else 0
        return len(self.arms) * (tuned + self.seeds)

    def workers_share_time(self, workers: int) -> bool:
        """Return whether trainings at the same time may slow each other down."""
        return workers > 1 and self.budget.unit is Unit.MINUTES

    def cost(self, workers: int) -> str:
        """Return what the comparison costs, in one sentence."""
        tuned = f", {counted(len(trials(self.grid)), 'trial')} for each arm" if self.grid else ""
        text = (
            f"At most {counted(self.trainings, 'training')} of {self.budget.described} "
            f"({counted(len(self.arms), 'arm')}, {counted(self.seeds, 'seed')}{tuned}), "
            f"{workers} at a time"
        )
        if self.budget.unit is not Unit.MINUTES:
            return f"{text}."
        minutes = self.budget.amount * math.ceil(self.trainings / workers)
        return f"{text}: about {minutes:,.0f} minutes."


def compare(
    design: Design,
    resolve: Resolve,
    out: Path,
    *,
    workers: int,
    quiet: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Result:
    """Run a comparison in the directory ``out``, or continue the one that is there.

    Args:
        resolve: returns the recipe of an arm.
        workers: number of trainings at the same time.
        say: called with lines of progress, unless ``quiet``.
    Raises: UsageError if ``out`` has another comparison.
    """
    return Comparing(design, resolve, out, workers, (lambda text: None) if quiet else say).run()


class Comparing:
    """Runs one comparison in a directory; a second call continues it.

    Args: say: called with a line of progress.
    """

    def __init__(
        self,
        design: Design,
        resolve: Resolve,
        out: Path,
        workers: int,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.design, self.resolve, self.out, self.workers = design, resolve, out, workers
        self.say = say

    def run(self) -> Result:
        """Train all cells, and return the verdicts."""
        design = self.design
        base = {arm.name: self._recipe(arm, {}) for arm in design.arms}
        state = registered(self._registration(base), self.out)
        self.say(design.cost(self.workers))
        tuned = {arm.name: self._tuned(arm) for arm in design.arms}
        recipes = {arm.name: self._recipe(arm, tuned[arm.name]) for arm in design.arms}
        result = self._judge(recipes, tuned, described(state))
        text = json.dumps(result.to_json(), ensure_ascii=False, indent=1)
        write_text(self.out / RESULTS, text)
        return result

    def _judge(
        self, recipes: Mapping[str, Recipe], tuned: dict[str, dict[str, list[str]]], known: str
    ) -> Result:
        """Train seed after seed, until every arm has a verdict or the seeds are used up."""
        design = self.design
        base, *others = [arm.name for arm in design.arms]
        settled: dict[str, Comparison] = {}
        trained: dict[str, list[int]] = {arm.name: [] for arm in design.arms}
        found: dict[str, Comparison] = {}
        told = False
        while len(trained[base]) < design.seeds and len(settled) < len(others):
            active = [base, *(name for name in others if name not in settled)]
            together = max(1, self.workers // len(active))
            done = design.numbers[: len(trained[base]) + together]
            trained |= dict.fromkeys(active, done)
            places = [self._place(name, seed, recipes[name]) for seed in done for name in active]
            run_cells(places, self.workers, self._finished)
            last = len(done) == design.seeds
            if len(done) >= 2 and not last and not told:
                told = True
                self._tell_power(base, {name: self._outputs(name, done) for name in active})
            if not last and not (design.stop_early and len(done) >= LOOKS_FROM):
                continue
            looks = design.seeds if design.stop_early and design.seeds > LOOKS_FROM else None
            outputs = {name: self._outputs(name, done) for name in active}
            now = judged(base, outputs, margin=design.margin, maximum=looks, settled=settled)
            found |= now
            if not last:
                clear = (one for one in now.items() if one[1].verdict is not Verdict.INCONCLUSIVE)
                settled |= dict(clear)
        return self._result(found, trained, tuned, known)

    def _tell_power(self, base: str, outputs: Mapping[str, Sequence[Outputs]]) -> None:
        """Estimate from the first seeds which effect all seeds can find, and print it."""
        margin, seeds = self.design.margin, self.design.seeds
        level = Looks(seeds).level(seeds) if self.design.stop_early else 0.95
        now = judged(base, outputs, margin=margin, maximum=None, settled={})
        for name, effect in visible_effect(now, seeds, level).items():
            self.say(
                f"{name}: {counted(seeds, 'seed')} can find a difference of {effect:.2g} with "
                f"probability 0.8, as estimated from the first seeds (the margin is {margin:g})."
            )

    def _result(
        self,
        found: dict[str, Comparison],
        trained: Mapping[str, list[int]],
        tuned: dict[str, dict[str, list[str]]],
        known: str,
    ) -> Result:
        design = self.design
        outputs = {name: self._outputs(name, seeds) for name, seeds in trained.items()}
        first = outputs[design.arms[0].name][0]
        notes = [] if design.test else [ON_VALIDATION]
        if len(trained[design.arms[0].name]) < design.seeds:
            notes.append("Stopped before the last seed, because every verdict was clear.")
        if design.workers_share_time(self.workers):
            notes.append(SHARED_TIME)
        return Result(
            base=design.arms[0].name,
            metric=first.metric,
            unit=f"{'higher' if first.higher_is_better else 'lower'} is better",
            margin=design.margin,
            higher_is_better=first.higher_is_better,
            scores={
                name: dict(zip(trained[name], values, strict=True))
                for name, values in scores_of(outputs).items()
            },
            comparisons={arm.name: found[arm.name] for arm in design.arms[1:]},
            tuned=tuned,
            registered=known,
            costs={name: self._costs(name, seeds) for name, seeds in trained.items()},
            notes=notes,
        )

    def _registration(self, recipes: Mapping[str, Recipe]) -> Registration:
        design = self.design
        return Registration(
            recipe=dict(design.recipe),
            arms={
                arm.name: {
                    "settings": dict(arm.settings),
                    "recipe": arm.recipe,
                    "sha256": hash_of(dump(recipes[arm.name])),
                }
                for arm in design.arms
            },
            seeds=design.numbers,
            tuning={"values": dict(design.grid), "seeds": self._tuning_seeds()},
            budget=design.budget.described,
            metric=design.metric,
            margin=design.margin,
            test=None
            if design.test is None
            else {"name": design.test.name, "sha256": design.test_hash or ""},
            stop_early=design.stop_early,
            plugins=recorded({p for one in recipes.values() for p in used_by(one)}),
        )

    def _tuning_seeds(self) -> list[int]:
        count = self.design.tune_seeds if self.design.grid else 0
        return list(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + count))

    def _recipe(self, arm: Arm, more: Mapping[str, list[str]]) -> Recipe:
        """Return the recipe of an arm with the budget, and without what a cell does not need."""
        budget = self.design.budget.settings(self.resolve(arm, more))
        recipe = self.resolve(arm, {**more, **budget})
        return recipe.model_copy(
            update={
                "training": recipe.training.model_copy(update={"convert": False}),
                "validation": recipe.validation.model_copy(update={"verdict": False}),
            }
        )

    def _place(self, name: str, seed: int, recipe: Recipe, trial: int | None = None) -> Place:
        training = recipe.training.model_copy(update={"seed": seed})
        test = None if self.design.test is None else str(self.design.test.absolute())
        cell = Cell(
            name,
            seed,
            trial,
            dump(recipe.model_copy(update={"training": training})),
            tuple(self.design.plugins),
            self.design.metric,
            test,
        )
        return Place(cell, self._directory(name, seed, trial))

    def _tuned(self, arm: Arm) -> dict[str, list[str]]:
        """Return the values with the best mean score of an arm's trials."""
        if not self.design.grid:
            return {}
        some = trials(self.design.grid)
        places = [
            self._place(arm.name, seed, self._recipe(arm, values), number)
            for number, values in enumerate(some)
            for seed in self._tuning_seeds()
        ]
        run_cells(places, self.workers, self._finished)
        scores: dict[int, list[float]] = {}
        for place in places:
            found = json.loads((place.directory / RESULT).read_text(encoding="utf-8"))
            chosen = found["selection"]
            sign = 1 if chosen["higher_is_better"] else -1
            assert place.cell.trial is not None
            scores.setdefault(place.cell.trial, []).append(sign * found["scores"][chosen["metric"]])
        best = max(scores, key=lambda trial: float(np.mean(scores[trial])))
        values = ", ".join(f"{key} {one[0]}" for key, one in some[best].items())
        self.say(f"{arm.name}: best of {counted(len(some), 'trial')}: {values}")
        return some[best]

    def _outputs(self, name: str, seeds: Sequence[int]) -> list[Outputs]:
        return [Outputs.read(self._directory(name, seed) / OUTPUTS) for seed in seeds]

    def _costs(self, name: str, seeds: Sequence[int]) -> dict[str, float]:
        """Return the mean seconds and updates of a training of an arm."""
        results = [
            json.loads((self._directory(name, seed) / RESULT).read_text(encoding="utf-8"))
            for seed in seeds
        ]
        return {
            key: float(np.mean([one[key] for one in results])) for key in ("seconds", "updates")
        }

    def _directory(self, name: str, seed: int, trial: int | None = None) -> Path:
        number = [arm.name for arm in self.design.arms].index(name) + 1
        part = "" if trial is None else f"-trial-{trial + 1}"
        return self.out / "cells" / f"arm-{number}-seed-{seed}{part}"

    def _finished(self, place: Place, seconds: float) -> None:
        kind = "" if place.cell.trial is None else f", trial {place.cell.trial + 1}"
        self.say(f"{place.cell.arm}, seed {place.cell.seed}{kind}: {seconds:,.0f} s")
