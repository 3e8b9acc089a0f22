"""Hostile JSON and YAML end in one sentence, without recursion or expansion."""

import json
import os

import pytest

from whyformer.foundation.config import parse_yaml
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.parsing import MAX_DEPTH, parse_json, read_json, read_small


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_depth_is_limited_at_any_depth():
    assert parse_json(nested(MAX_DEPTH)) is not None
    for depth in (MAX_DEPTH + 2, 900, 200_000):
        with pytest.raises(ValueError, match="nested deeper"):
            parse_json(nested(depth))


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_numbers_that_json_does_not_have_are_refused_on_request(text):
    parse_json(text)
    with pytest.raises(ValueError, match="is not a JSON number"):
        parse_json(text, finite=True)


def test_size_is_limited(tmp_path, monkeypatch):
    path = tmp_path / "large.json"
    path.write_text(json.dumps("a" * 100), encoding="utf-8")
    read_json(path)
    monkeypatch.setattr("whyformer.foundation.parsing.MAX_BYTES", 50)
    with pytest.raises(ValueError, match="larger than"):
        read_json(path)


@pytest.mark.parametrize("depth", [200, 5_000])
def test_a_recipe_nested_deeply_is_refused(depth):
    with pytest.raises(ConfigError, match="nested deeper than 100 levels"):
        parse_yaml("a: " + nested(depth), "deep.yaml")


def test_aliases_that_expand_without_end_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 9)]
    with pytest.raises(ConfigError, match="aliases expand"):
        parse_yaml("\n".join(lines), "bomb.yaml")
    with pytest.raises(ConfigError, match="nested deeper"):
        parse_yaml("a: &a [*a]", "loop.yaml")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "c": 2, "a": 1}}]'])
def test_a_key_given_twice_is_refused_in_json(text):
    with pytest.raises(ValueError, match="the key `a` is given twice"):
        parse_json(text)


def test_a_key_given_twice_is_refused_in_yaml_with_its_line():
    with pytest.raises(ConfigError, match=r"r\.yaml:3: `a` is given twice"):
        parse_yaml("s:\n  a: 1\n  a: 2\n", "r.yaml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (read_json, read_small):
        with pytest.raises(ValueError, match="not a regular file"):
            read(tmp_path / "pipe")


@pytest.mark.parametrize(("digits", "fits"), [(str(2**64 - 1), True), (str(2**64), False),
                         ("-" + str(2**63), True), ("-" + str(2**63 + 1), False),
                         ("9" * 5000, False)])  # fmt: skip
def test_whole_numbers_of_our_files_fit_64_bits(tmp_path, digits, fits):
    path = tmp_path / "a.json"
    path.write_text(digits, encoding="utf-8")
    if fits:
        assert read_json(path) == int(digits)
    else:
        with pytest.raises(ValueError, match="does not fit into 64 bits"):
            read_json(path)
