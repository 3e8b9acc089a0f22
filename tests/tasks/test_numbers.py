"""Numbers in recipes and flags are decimal: YAML 1.1 reads `0100` as 64 and `1:30` as 90."""

import pytest

from whyformer.foundation.errors import ConfigError
from whyformer.recipes.recipe import parse_overrides, resolve

ODD = ["0100", "1:30", "0x10", "0b11", "1_000", "0o17", "true", "yes", "on", "++1", "1 000", ".inf"]
ODD += ["nan", "1e", "٣", "1,5"]


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("name", ["training.updates", "training.minutes", "model.d_k"])
def test_a_flag_in_another_notation_is_refused(name, text):
    kind = "decimal" if name == "training.minutes" else "whole"
    with pytest.raises(ConfigError, match=f"command line: `{name}` must be a {kind} number such"):
        resolve("copy", parse_overrides({name: [text]}))


@pytest.mark.parametrize("text", [one for one in ODD if one != "1,5"])
@pytest.mark.parametrize("line", ["updates: {}", "betas: [0.9, {}]", "learning_rate: {}"])
def test_a_recipe_in_another_notation_is_refused_with_its_line(tmp_path, line, text):
    (tmp_path / "r.yaml").write_text(f"training:\n  {line.format(text)}\n", encoding="utf-8")
    kind = "whole" if line.startswith("updates") else "decimal"
    with pytest.raises(ConfigError, match=rf"r\.yaml:2: `training\..* must be a {kind} number"):
        resolve(tmp_path / "r.yaml")


@pytest.mark.parametrize(
    ("text", "number"),
    [("100", 100), ("+7", 7), ("1e3", 1000), ("2.0", 2), ("1E2", 100), ("5.", 5)],
)
def test_decimal_numbers_are_read_alike_in_flags_and_recipes(tmp_path, text, number):
    (tmp_path / "r.yaml").write_text(f"training:\n  updates: {text}\n", encoding="utf-8")
    assert resolve(tmp_path / "r.yaml").recipe.training.updates == number
    flags = parse_overrides({"training.updates": [text]})
    assert resolve("copy", flags).recipe.training.updates == number


@pytest.mark.parametrize(
    ("text", "number"), [(".5e-3", 0.0005), ("1e-9", 1e-9), ("0.25", 0.25), ("3", 3.0)]
)
def test_decimal_fractions_are_read_alike_in_flags_and_recipes(tmp_path, text, number):
    (tmp_path / "r.yaml").write_text(f"training:\n  learning_rate: {text}\n", encoding="utf-8")
    assert resolve(tmp_path / "r.yaml").recipe.training.learning_rate == number
    flags = parse_overrides({"training.learning_rate": [text]})
    assert resolve("copy", flags).recipe.training.learning_rate == number


def test_names_that_look_like_numbers_stay_names():
    flags = {"data.source": ["0100"], "data.target": ["no"], "data.second": ["1:30"]}
    assert parse_overrides(flags) == {
        "data.source": "0100", "data.target": "no", "data.second": "1:30",
    }  # fmt: skip


def test_nothing_truth_and_lists_are_still_read():
    flags = {"model.d_k": ["null"], "text.shared": ["false"], "training.betas": ["[0.8, 0.9]"]}
    assert parse_overrides(flags) == {
        "model.d_k": None, "text.shared": False, "training.betas": [0.8, 0.9],
    }  # fmt: skip
