"""Every arm gets the same amount of what the budget counts."""

import pytest

from whyformer.foundation.errors import UsageError
from whyformer.recipes.recipe import Recipe, resolve
from whyformer.workflows.compare.budget import Budget, Unit


def recipe(**settings: object) -> Recipe:
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return resolve("copy", {"training.batch_tokens": 100, **given}).recipe


def updates(budget: Budget, of: Recipe) -> int:
    return int(budget.settings(of)["training.updates"][0])


def test_tokens_are_those_of_all_batches_of_an_update():
    budget = Budget(Unit.TOKENS, 10_000)
    assert updates(budget, recipe()) == 100
    assert updates(budget, recipe(training__accumulate=4)) == 25


def test_an_arm_with_twice_the_operations_gets_half_of_the_updates():
    budget = Budget(Unit.FLOPS, 1e12)
    small, large = recipe(model__encoder_layers=2), recipe(model__encoder_layers=8)
    assert updates(budget, large) < updates(budget, small)
    twice = Budget(Unit.FLOPS, 2e12)
    assert updates(twice, small) == pytest.approx(2 * updates(budget, small), abs=1)


def test_minutes_and_updates_are_the_settings_of_these_names():
    assert Budget(Unit.MINUTES, 0.5).settings(recipe()) == {"training.minutes": ["0.5"]}
    assert Budget(Unit.UPDATES, 30).settings(recipe()) == {"training.updates": ["30"]}


def test_a_budget_below_one_update_or_without_a_formula_is_refused():
    with pytest.raises(UsageError, match="at least one update"):
        Budget(Unit.TOKENS, 99).settings(recipe())
    recurrent = resolve("pronounce-lstm").recipe
    with pytest.raises(UsageError, match="family transformer or gpt"):
        Budget(Unit.FLOPS, 1e12).settings(recurrent)
