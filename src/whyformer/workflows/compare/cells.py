"""The cells of a comparison: their recipes, their directories, and the time that they take."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from whyformer.recipes.recipe import Recipe, dump
from whyformer.workflows.compare.arms import Arm
from whyformer.workflows.compare.budget import Unit
from whyformer.workflows.compare.cell import RESULT, Cell
from whyformer.workflows.compare.design import Design
from whyformer.workflows.compare.pace import expected_seconds
from whyformer.workflows.compare.running import Place

CELLS = "cells"
Resolve = Callable[[Arm, Mapping[str, list[str]]], Recipe]
"""Returns the whole recipe of an arm with further settings."""


class Cells:
    """The cells of a comparison in the directory ``out``. Args: resolve: see `Resolve`."""

    def __init__(self, design: Design, resolve: Resolve, out: Path) -> None:
        self.design, self.resolve, self.out = design, resolve, out

    def recipe(self, arm: Arm, more: Mapping[str, list[str]]) -> Recipe:
        """Return the recipe of an arm with the budget, and without what a cell does not need."""
        budget = self.design.budget.settings(self.resolve(arm, more))
        recipe = self.resolve(arm, {**more, **budget})
        return recipe.model_copy(
            update={
                "training": recipe.training.model_copy(update={"convert": False}),
                "validation": recipe.validation.model_copy(update={"verdict": False}),
            }
        )

    def place(self, name: str, seed: int, recipe: Recipe, trial: int | None = None) -> Place:
        """Return the cell of a seed of an arm. Args: trial: number of the trial, from 0."""
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
        return Place(cell, self.directory(name, seed, trial))

    def pace_place(self, name: str, recipe: Recipe) -> Place:
        """Return the cell that measures the time of the first updates of an arm."""
        cell = Cell(name, 0, None, dump(recipe), tuple(self.design.plugins), only_pace=True)
        return Place(cell, self._pace_directory(name))

    def directory(self, name: str, seed: int, trial: int | None = None) -> Path:
        """Return the directory of a cell."""
        part = "" if trial is None else f"-trial-{trial + 1}"
        return self.out / CELLS / f"arm-{self._number(name)}-seed-{seed}{part}"

    def finished(self, names: Sequence[str]) -> dict[str, int]:
        """Return the number of finished trainings of each arm."""
        return {name: len(self._results(name)) for name in names}

    def known_seconds(self, names: Sequence[str]) -> dict[str, float]:
        """Return the seconds of a training of the arms for which they are known before the start:
        from the budget, or from finished trainings."""
        if self.design.budget.unit is Unit.MINUTES:
            return dict.fromkeys(names, 60 * self.design.budget.amount)
        results = {name: self._results(name) for name in names}
        return {
            name: mean(json.loads(one.read_text(encoding="utf-8"))["seconds"] for one in some)
            for name, some in results.items()
            if some
        }

    def measured_seconds(
        self, names: Sequence[str], recipes: Mapping[str, Recipe]
    ) -> dict[str, float]:
        """Return the seconds of a training of each arm, from the measured time of updates."""
        found = {}
        for name in names:
            text = (self._pace_directory(name) / RESULT).read_text(encoding="utf-8")
            found[name] = expected_seconds(json.loads(text), recipes[name])
        return found

    def _results(self, name: str) -> list[Path]:
        return sorted((self.out / CELLS).glob(f"arm-{self._number(name)}-seed-*/{RESULT}"))

    def _pace_directory(self, name: str) -> Path:
        return self.out / CELLS / f"arm-{self._number(name)}-pace"

    def _number(self, name: str) -> int:
        return [arm.name for arm in self.design.arms].index(name) + 1
