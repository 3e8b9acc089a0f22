"""The budget of each training of a comparison: the same for every arm."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from whyformer.foundation.bounds import MAX_UPDATES
from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted
from whyformer.models.flops import has_formula, update_flops
from whyformer.recipes.recipe import Recipe

TOKENS_OF_A_LINE = 30
"""The length of a source and of a target for which a budget of operations is computed."""


class Unit(StrEnum):
    """What every arm gets the same amount of."""

    UPDATES = "updates"
    MINUTES = "minutes"
    TOKENS = "tokens"
    FLOPS = "flops"


@dataclass(frozen=True)
class Budget:
    """An amount of computation for one training."""

    unit: Unit
    amount: float

    @property
    def described(self) -> str:
        """The budget in words."""
        if self.unit is Unit.FLOPS:
            return f"{self.amount:.3g} operations (FLOPs) a training"
        if self.unit is Unit.MINUTES:
            return f"{self.amount:g} min a training"
        unit = {Unit.TOKENS: "target token"}.get(self.unit, "update")
        return f"{counted(int(self.amount), unit)} a training"

    def settings(self, recipe: Recipe) -> dict[str, list[str]]:
        """Return the settings that give a training this budget.

        Raises: UsageError if the budget is smaller than one update, or if the family of the model
            has no formula for its operations.
        """
        if self.unit is Unit.MINUTES:
            return {"training.minutes": [f"{self.amount:g}"]}
        updates = math.floor(self.amount / self._of_an_update(recipe))
        if not 1 <= updates <= MAX_UPDATES:
            raise UsageError(
                f"A budget must be at least one update and at most {MAX_UPDATES:,}, but "
                f"{self.described} gives this arm {counted(updates, 'update')}."
            )
        return {"training.updates": [str(updates)]}

    def _of_an_update(self, recipe: Recipe) -> float:
        tokens = recipe.training.batch_tokens * recipe.training.accumulate
        if self.unit is Unit.UPDATES:
            return 1.0
        if self.unit is Unit.TOKENS:
            return float(tokens)
        if not has_formula(recipe.model):
            raise UsageError(
                f"A budget of operations needs the family transformer or gpt, but an arm has the "
                f"family {recipe.model.family}. Use --minutes, --updates or --tokens."
            )
        return operations(recipe, tokens)


def operations(recipe: Recipe, tokens: float) -> float:
    """Return the operations of the matrix products for a number of target tokens.

    Raises: ConfigError for a family without a formula.
    """
    lengths = np.full(1, TOKENS_OF_A_LINE)
    line = update_flops(recipe.model, recipe.text.vocabulary, lengths, lengths)
    return line * tokens / TOKENS_OF_A_LINE
