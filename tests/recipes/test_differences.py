"""Which changes of a recipe count when a run is resumed."""

from whyformer.recipes.recipe import differences, resolve


def test_the_description_of_a_recipe_is_no_setting():
    first = resolve("copy").recipe
    assert differences(first, first.model_copy(update={"description": "other words"})) == []
    changed = resolve("copy", {"training.seed": 7, "task": "language"}).recipe
    changed = changed.model_copy(update={"description": "other words"})
    found = differences(first, changed)
    assert [line.split(":")[0] for line in found] == ["task", "training.seed"]
