"""A comparison as the user asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whyformer.foundation.plugins import recorded, used_by
from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import Recipe, dump
from whyformer.workflows.compare.arms import Arm
from whyformer.workflows.compare.budget import Budget, Unit
from whyformer.workflows.compare.registration import Registration, hash_of
from whyformer.workflows.compare.sampling import version_of_search
from whyformer.workflows.compare.space import Space

FIRST_TUNING_SEED = 100_001
"""The seeds of the trials begin here, so that they are not those that are judged."""


@dataclass(frozen=True)
class Design:
    """What is compared, and how it will be judged.

    Args:
        recipe: name of the recipe, and the SHA-256 of the recipe with the settings of all arms.
        arms: the first arm is the base.
        seeds: number of seeds that are judged.
        budget: what every training gets.
        margin: the smallest difference that matters, in the unit of the metric.
        space: what is tuned for each arm.
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
    space: Space = field(default_factory=Space)
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
    def tuning_seeds(self) -> list[int]:
        """The seeds of the trials."""
        count = self.tune_seeds if self.space.count else 0
        return list(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + count))

    @property
    def trainings_of_an_arm(self) -> int:
        """The largest number of trainings of an arm, with its trials."""
        return self.space.count * self.tune_seeds + self.seeds

    def workers_share_time(self, workers: int) -> bool:
        """Return whether trainings at the same time may slow each other down."""
        return workers > 1 and self.budget.unit is Unit.MINUTES

    def described(self, workers: int) -> str:
        """Return what the comparison trains, in one sentence without its full stop."""
        trials = self.space.count
        tuned = f", {counted(trials, 'trial')} for each arm" if trials else ""
        trainings = self.trainings_of_an_arm * len(self.arms)
        return (
            f"At most {counted(trainings, 'training')} of {self.budget.described} "
            f"({counted(len(self.arms), 'arm')}, {counted(self.seeds, 'seed')}{tuned}), "
            f"{workers} at a time"
        )

    def registration(self, recipes: Mapping[str, Recipe]) -> Registration:
        """Return what is written before the first update. Args: recipes: the recipe of each arm."""
        return Registration(
            recipe=dict(self.recipe),
            arms={
                arm.name: {
                    "settings": dict(arm.settings),
                    "recipe": arm.recipe,
                    "sha256": hash_of(dump(recipes[arm.name])),
                }
                for arm in self.arms
            },
            seeds=self.numbers,
            tuning=self._tuning(),
            budget=self.budget.described,
            metric=self.metric,
            margin=self.margin,
            test=None
            if self.test is None
            else {"name": self.test.name, "sha256": self.test_hash or ""},
            stop_early=self.stop_early,
            plugins=recorded({p for one in recipes.values() for p in used_by(one)}),
        )

    def _tuning(self) -> dict[str, Any]:
        search = version_of_search(self.space)
        by = {"search": search} if search else {}
        return {**self.space.to_json(), **by, "seeds": self.tuning_seeds}
