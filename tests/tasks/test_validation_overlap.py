"""Validation examples that are also trained on are counted and reported, whatever the task."""

import unicodedata
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from whyformer.data.held_out import overlap
from whyformer.recipes.recipe import resolve
from whyformer.tasks.build import open_task
from whyformer.tasks.pair_data import prepare
from whyformer.tasks.validation_facts import few_fact

nfd = partial(unicodedata.normalize, "NFD")

LABELS = {
    "classify": [f"Text {k}\t{'yes' if k % 2 else 'no'}" for k in range(60)],
    "regress": [f"Text {k}\t{k}" for k in range(60)],
    "tag": [f"Word {k}\tA B" for k in range(60)],
}
SHAPE = {
    "text.lowercase": True, "text.units": "chars", "model.layers": 1, "model.d_model": 8,
    "model.heads": 2, "model.d_ff": 8, "data.row_tokens": 64,
}  # fmt: skip
RECIPES = {"language": "tiny-gpt", "masked": "tiny-bert", "replaced": "tiny-electra"}


def facts(tmp_path: Path, name: str, train: list[str], dev: list[str] | None) -> str:
    """Return what a run says before its first update."""
    ending = "tsv" if name in LABELS else "txt"
    given: dict[str, Any] = dict(SHAPE)
    for key, lines in (("train", train), ("dev", dev)):
        if lines is not None:
            path = tmp_path / f"{key}.{ending}"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            given[f"data.{key}"] = [str(path)]
    recipe = resolve(RECIPES.get(name, name), given).recipe
    return "\n".join(open_task(recipe, tmp_path / "run").facts(1, torch.device("cpu")))


@pytest.mark.parametrize("name", LABELS)
def test_labelled_texts_that_are_trained_on_are_counted_as_the_model_sees_them(tmp_path, name):
    dev = [line.replace("T", "t").replace("W", "w") for line in LABELS[name][:30]]
    dev[0] = {"classify": "text 0\tyes", "regress": "text 0\t7", "tag": "word 0\tA A"}[name]
    dev.append(LABELS[name][50].replace("0", "x", 1))
    said = facts(tmp_path, name, LABELS[name], dev)
    assert "30 of 31 different" in said
    assert "also in the training data (29 with the same " in said
    assert "so scores are too good" in said


@pytest.mark.parametrize("name", LABELS)
def test_labelled_texts_that_are_new_are_said_to_be(tmp_path, name):
    new = [f"new {line}" if name != "tag" else f"new {line} B" for line in LABELS[name]]
    assert "; none of them is in the training data" in facts(tmp_path, name, LABELS[name], new)
    assert ", held out of the training data" in facts(tmp_path, name, LABELS[name], None)


@pytest.mark.parametrize("name", RECIPES)
def test_lines_of_a_text_that_are_trained_on_are_counted(tmp_path, name):
    text = [f"Line {k} of a text" for k in range(60)]
    dev = [line.upper() for line in text[:20]] + [f"another {k}" for k in range(5)]
    said = facts(tmp_path, name, text, dev)
    assert "warning: 20 of 25 different lines are also in the training data" in said
    few = [*(f"another {k}" for k in range(25)), text[0]]
    said = facts(tmp_path, name, text, few)
    assert "; 1 of 26 different lines is also in the training data" in said
    assert "too good" not in said


def test_repeated_examples_count_once():
    assert overlap([("a", "x"), ("a", "x"), ("b", "y")], [("a", "x"), ("a", "z")]) == (1, 1, 2)


def test_advice_for_a_small_validation_set_fits_where_it_came_from():
    (given,) = few_fact(1, "text", separate=True)
    assert "scores on 1 text are unreliable; use a larger validation set" in given
    (held_out,) = few_fact(3, "text", separate=False)
    assert held_out.endswith("give more texts or a validation set with --dev")


def test_validation_sources_that_are_equal_for_the_model_are_one_item(tmp_path):
    path = tmp_path / "pairs.tsv"
    words = [f"caf\u00e9 {a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    lines = [
        f"{one}\t{one[-2:]} {k}" for w in words for k, one in enumerate((w, nfd(w), w.upper()))
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    given = {"data.train": [str(path)], "text.lowercase": True, "text.units": "chars"}
    data = prepare(resolve("translate", given).recipe, tmp_path / "run")
    assert [len(item.references) for item in data.dev] == [3] * (len(data.dev_corpus) // 3)
