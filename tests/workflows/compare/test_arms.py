"""An arm is what its text says, and a text that says two things is refused."""

import pytest

from whyformer.foundation.errors import UsageError
from whyformer.workflows.compare.arms import (
    Arm,
    full_key,
    parse_arm,
    parse_arms,
)

KEYS = ["model.d_model", "model.wiring", "training.minutes", "training.learning_rate"]
TWICE = [*KEYS, "validation.minutes"]


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("base", Arm("base", {})),
        ("wiring=post-norm", Arm("wiring=post-norm", {"model.wiring": ["post-norm"]})),
        ("model.d-model=8", Arm("model.d-model=8", {"model.d_model": ["8"]})),
        ("post: wiring=post-norm d_model=8", Arm(
            "post", {"model.wiring": ["post-norm"], "model.d_model": ["8"]}
        )),
        ("data.train=a.tsv,b.tsv", Arm(
            "data.train=a.tsv,b.tsv", {"data.train": ["a.tsv", "b.tsv"]}
        )),
        ("my.yaml d_model=8", Arm("my.yaml d_model=8", {"model.d_model": ["8"]}, "my.yaml")),
    ],
)  # fmt: skip
def test_an_arm_has_the_settings_of_its_text(text, arm):
    assert parse_arm(text, KEYS) == arm


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["base"], "at least two arms"),
        (["base", "base"], "Two arms have the name `base`"),
        (["d_model=8", "small: d_model=8"], "are the same"),
        (["base", "d_model=8 model.d_model=9"], "sets `model.d_model` twice"),
        (["base", "copy translate"], "names the recipes `copy` and `translate`"),
        (["base", " "], "must not be empty"),
        (["base", "wirin=post-norm"], "no setting `wirin`. Did you mean `wiring`"),
        (["base", "'d_model=8"], "cannot be read"),
    ],
)
def test_arms_that_say_two_things_are_refused(texts, said):
    with pytest.raises(UsageError, match=said):
        parse_arms(texts, KEYS)


def test_a_section_may_be_left_out_only_if_the_name_is_clear():
    assert full_key("learning-rate", TWICE) == "training.learning_rate"
    with pytest.raises(UsageError, match=r"training\.minutes, validation\.minutes"):
        full_key("minutes", TWICE)
