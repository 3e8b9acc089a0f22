"""When a run of a number of updates is validated."""

from pathlib import Path

import pytest

from whyformer.foundation.ranks import ALONE
from whyformer.recipes.recipe import resolve
from whyformer.recipes.run_length import RunLength


def validations(tmp_path: Path, updates: int, after: int = 0, **settings: int) -> list[int]:
    asked = {"training.updates": updates, "training.warmup": 1, **settings}
    length = RunLength(resolve("copy", asked).recipe, tmp_path, None, ALONE, after=after)
    return [step for step in range(after + 1, after + updates + 1) if length.validates(step)]


@pytest.mark.parametrize(
    ("updates", "wanted"),
    [(3, [3]), (20, [20]), (50, [20, 40, 50]), (400, [*range(20, 401, 20)])],
)
def test_a_short_run_is_validated_at_most_every_20_updates(tmp_path, updates, wanted):
    assert validations(tmp_path, updates) == wanted


def test_a_long_run_is_validated_20_times(tmp_path):
    assert validations(tmp_path, 1000) == [*range(50, 1001, 50)]


def test_a_continued_run_counts_its_own_updates(tmp_path):
    assert validations(tmp_path, 50, after=1000) == [1020, 1040, 1050]


def test_the_recipe_can_ask_for_more(tmp_path):
    assert validations(tmp_path, 5, **{"validation.every": 2}) == [2, 4, 5]
