"""What the models of the built-in recipes do, in both languages of the viewer."""

import re

from whyformer.recipes.purposes import PURPOSES, purpose_of
from whyformer.recipes.recipe import resolve, shipped


def test_every_built_in_recipe_says_in_both_languages_what_its_model_does():
    assert sorted(PURPOSES) == shipped()
    for english, korean in PURPOSES.values():
        assert re.fullmatch(r"[A-Z][\w ,-]+\.", english)
        assert re.fullmatch(r"[가-힣\d ]+니다\.", korean)


def test_a_purpose_is_found_by_the_description_and_an_own_description_has_none():
    for name, (english, korean) in PURPOSES.items():
        found = purpose_of(resolve(name).recipe.description)
        assert found == {"en": english, "ko": korean}
    assert purpose_of("Translate our manuals.") is None
    assert purpose_of("") is None
