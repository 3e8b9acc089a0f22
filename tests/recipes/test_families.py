"""The family of a model decides which settings a recipe may have."""

import pytest

from whyformer.foundation.config import build
from whyformer.foundation.errors import ConfigError
from whyformer.recipes.recipe import Recipe


@pytest.mark.parametrize(
    ("family", "answer"),
    [
        ("transfomer", r"^r: `model\.family` \"transfomer\" is not known\. .* `transformer`\?$"),
        ("unlike any", r"^r: `model\.family` \"unlike any\" is not known\. Known: bert, .*rnn"),
    ],
)
def test_an_unknown_family_is_answered_with_the_known_ones(family, answer):
    with pytest.raises(ConfigError, match=answer):
        build(Recipe, {"model": {"family": family}}, where="r")
