"""Settings are strict, and every fault is one sentence that names file, line and nearest key."""

import pytest
from pydantic import Field, ValidationError

from whyformer.foundation.config import Settings, build, merge, parse_yaml, read_yaml
from whyformer.foundation.errors import ConfigError


class Inner(Settings):
    heads: int = Field(default=8, ge=1)


class Outer(Settings):
    model: Inner = Inner()
    seed: int


def built(text):
    tree, lines = parse_yaml(text, "r.yaml")
    places = {path: f"r.yaml:{line}" for path, line in lines.items()}
    return build(Outer, tree, where="r.yaml", places=places)


def test_a_recipe_becomes_settings():
    assert built("seed: 3\nmodel:\n  heads: 4\n") == Outer(seed=3, model=Inner(heads=4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nmodel:\n  head: 4\n", r"^r\.yaml:3: `model\.head` is not a setting.*`heads`"),
        ("sed: 1\n", r"^r\.yaml:1: `sed` is not a setting\. Did you mean `seed`\?"),
        ("model: {}\n", r"^r\.yaml: `seed` is required and was not given\."),
        ("seed: 1\nmodel:\n  heads: 0\n", r"^r\.yaml:3: `model\.heads` must .* 0 was found"),
        ("seed: 1\nseed: 2\n", r"^r\.yaml:2: `seed` is given twice"),
        ("- 1\n", r"^r\.yaml:1: a recipe is a mapping"),
        ("seed: [1\n", r"^r\.yaml:\d+: not valid YAML"),
        ("seed: 1\nmodel: \x00\n", r"^r\.yaml:2: not valid YAML: special characters are not"),
        ("seed: 1\n? [a]\n: b\n", r"^r\.yaml:2: a key must be a word, not a list or a section\."),
        (
            "seed: one\n",
            r'^r\.yaml:1: `seed` must be a whole number such as 100, but "one" was found\.',
        ),
        ("seed: null\n", r"`seed` must be a whole number such as 100, but null was found\."),
        ("seed: true\n", r"`seed` must be a whole number such as 100, but true was found\."),
        ("seed: 0.5\n", r"`seed` must be a whole number such as 100, but 0\.5 was found\."),
        (
            "seed: 1\nmodel:\n  heads: 0\n",
            r"^r\.yaml:3: `model\.heads` must be at least 1, but 0 was found\.",
        ),
    ],
)
def test_faults_name_file_line_and_way_out(text, message):
    with pytest.raises(ConfigError, match=message):
        built(text)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"x\.yaml` does not exist"):
        read_yaml(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match="is a directory"):
        read_yaml(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_yaml(tmp_path / "b.yaml")


def test_an_empty_recipe_is_an_empty_tree():
    assert parse_yaml("", "r.yaml") == ({}, {})


def test_merging_leaves_both_trees_as_they_were():
    base, override = {"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d": 4}
    assert merge(base, override) == {"a": {"b": 3, "c": 2}, "d": 4}
    assert base == {"a": {"b": 1, "c": 2}}


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        Inner().heads = 2
