"""`whyformer plan` on the command line."""

import json
import re

import pytest


def test_the_table_and_the_formulas(cli):
    said = cli("plan", "base", "--gpus", "8,64")
    assert said.code == 0
    assert "P = 63,045,632" in said.out
    assert "2(N−1)/N · 4P / B = 2 · 63/64 · 4 · 63.0e6 / 400e9" in said.out
    assert sum(line.split()[1:2] == ["DDP"] for line in said.out.splitlines()) == 2


def test_a_recipe_with_overrides_and_json(cli):
    said = cli("plan", "copy", "--model.d-model", "128", "--vocabulary", "300", "--json")
    found = json.loads(said.out)
    assert found["name"] == "copy"
    assert found["vocabulary"] == 300
    assert found["batch_tokens"] == 512
    other = json.loads(cli("plan", "base", "--training.batch-tokens", "8192", "--json").out)
    assert other["batch_tokens"] == 8192
    assert other["vocabulary"] == 37_000


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["bese"], "neither a built-in recipe nor a YAML file"),
        (["base", "--gpus", "many"], "`--gpus` must be whole numbers"),
        (["base", "--gpus", "0"], "`--gpus` must be whole numbers from 1"),
        (["base", "--machine", "h10"], "Did you mean|h100"),
        (["base", "--machine", "absent.yaml"], "absent.yaml"),
        (["base", "--vocabulary", "5"], "`--vocabulary` must be from 261 to"),
        (["base", "--mfu", "40"], "`--mfu` must be from 0.0001 to 1.0, but it is 40"),
        (["copy-lstm"], "the family of this recipe is rnn"),
        (["base", "--model.heads", "7"], "not divisible by 7"),
    ],
)
def test_what_is_asked_wrongly(cli, argv, message):
    assert re.search(message, cli("plan", *argv).sentence)
