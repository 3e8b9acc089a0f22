"""What a run says about files that people bring: left-out blanks, columns, labels and numbers."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from whyformer.data.tagged import read_tagged
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.recipes.recipe import resolve
from whyformer.recipes.unused import refuse_unused
from whyformer.tasks.build import open_task

SHAPE = {
    "encoder": {"model.layers": 1, "model.d_model": 8, "model.heads": 2, "model.d_ff": 8},
    "pairs": {"model.encoder_layers": 1, "model.decoder_layers": 1, "model.d_model": 8,
              "model.heads": 2, "model.d_ff": 8},
}  # fmt: skip


def facts(recipe: str, path: Path, run: Path, **changes: Any) -> list[str]:
    """Return the lines of a run before its first update."""
    shape = SHAPE["pairs" if recipe == "translate" else "encoder"]
    given = shape | {"text.units": "chars", "data.train": [str(path)]}
    given |= {name.replace("__", "."): value for name, value in changes.items()}
    return list(open_task(resolve(recipe, given).recipe, run).facts(1, torch.device("cpu")))


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def klue(sentences: int) -> list[str]:
    """Return sentences of three characters and two blanks, one per line."""
    return [
        line
        for n in range(sentences)
        for line in (
            f"## {n}\tx",
            "경\tB-OG",
            " \tO",
            f"{chr(0xAC00 + n)}\tO",
            "\u00a0\tO",
            "다\tO",
            "",
        )
    ]


def test_labelled_blanks_are_counted_and_said(tmp_path):
    path = written(tmp_path / "ner.tsv", klue(60))
    first = next(read_tagged(str(path)))
    assert (first.words, first.blanks) == (["경", "가", "다"], 2)
    said = facts("tag", path, tmp_path / "run", data__row_tokens=32)
    assert any("left out 120 labelled blanks" in line for line in said)
    plain = written(
        tmp_path / "plain.tsv", [one for one in klue(60) if one[:2] not in (" \t", "\u00a0\t")]
    )
    said = facts("tag", plain, tmp_path / "other", data__row_tokens=32)
    assert not any("left out" in line for line in said)


def test_labels_that_only_the_validation_set_has_are_said(tmp_path):
    train = written(tmp_path / "t.tsv", [f"a b {n}\tX Y X" for n in range(40)])
    dev = written(tmp_path / "v.tsv", [f"c d {n}\tX Y {'NEW' if n else 'X'}" for n in range(30)])
    said = facts("tag", train, tmp_path / "run", data__dev=[str(dev)], data__row_tokens=32)
    assert any("1 label of the validation set never occur in training: NEW" in one for one in said)


@pytest.mark.parametrize("recipe", ["tiny-gpt", "tiny-bert", "tiny-electra"])
def test_a_model_of_texts_says_what_is_read_of_each_file(tmp_path, recipe):
    options = {"data__row_tokens": 32, "data__documents": "lines"}
    lines = [f"some words of line {n}" for n in range(60)]
    path = written(tmp_path / "a.txt", lines)
    said = facts(recipe, path, tmp_path / "run", **options)
    assert said[0] == f"files       {path}: lines of text, each line is a document"
    tabs = written(tmp_path / "b.txt", [f"{line}\tx{line}" for line in lines])
    said = facts(recipe, tabs, tmp_path / "tabs", **options)
    assert "its lines contain tabs: to read only one column, give --columns TEXT" in said[0]
    said = facts(recipe, tabs, tmp_path / "column", data__source="1", **options)
    assert "TSV; text = column 1 (“some words of line 0”); not read: column 2" in said[0]


def test_pairs_for_training_and_held_out_pairs_are_counted(tmp_path):
    pairs = [f"word {n}\tWORD {n}" for n in range(60)]
    path = written(tmp_path / "p.tsv", [*pairs, "empty\t"])
    said = facts("translate", path, tmp_path / "run")
    (line,) = (one for one in said if one.startswith("pairs "))
    assert line.startswith(
        "pairs       54 for training and 6 held out for validation, of 61; dropped"
    )
    dev = written(tmp_path / "v.tsv", [line.upper() for line in pairs[:30]])
    said = facts("translate", path, tmp_path / "other", data__dev=[str(dev)])
    assert "pairs       60 for training, of 61; dropped" in "\n".join(said)


@pytest.mark.parametrize("recipe", ["translate", "classify", "regress", "tag"])
@pytest.mark.parametrize(("name", "line"), [("a.tsv", "text\tlabel"), ("a.csv", "source,target")])
def test_a_file_with_only_a_header_is_named(tmp_path, recipe, name, line):
    path = written(tmp_path / name, [line])
    with pytest.raises(
        DataError, match=rf"{name}` must have rows, but it has only line 1, a header"
    ):
        facts(recipe, path, tmp_path / "run")


@pytest.mark.parametrize(
    ("label", "advice"),
    [("una {}", "If it is a text to produce, choose --task translate"),
     ("{}", "If it is a number to predict, choose --task regress"),
     ("-{},5", "If it is a number to predict, choose --task regress")],
)  # fmt: skip
def test_labels_that_all_differ_are_something_else(tmp_path, label, advice):
    path = written(tmp_path / "a.tsv", [f"text {n}\t{label.format(n)}" for n in range(40)])
    with pytest.raises(
        DataError, match=rf"a\.tsv` must have labels .* all 40 labels differ.*{advice}"
    ):
        facts("classify", path, tmp_path / "run")


@pytest.mark.parametrize("number", ["3,5", "-0,25", "1.234,5", "1,000"])
def test_a_decimal_comma_is_named(tmp_path, number):
    path = written(tmp_path / "a.tsv", [f"text {n}\t{n}" for n in range(40)] + [f"b\t{number}"])
    message = (
        rf"a\.tsv:41: the label must be a number, but it is `{number}`\. Write a point instead"
    )
    with pytest.raises(DataError, match=message):
        facts("regress", path, tmp_path / "run")


@pytest.mark.parametrize("recipe", ["translate", "classify", "tiny-gpt"])
def test_an_archive_is_to_be_unpacked(tmp_path, recipe):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mine/", "")
        archive.writestr("mine/pairs.tsv", "a\tb\n" * 40)
    message = r"is a ZIP archive, not a text file\. Unpack it .* such as mine/pairs\.tsv\.$"
    with pytest.raises(DataError, match=message):
        facts(recipe, path, tmp_path / "run")


@pytest.mark.parametrize(
    ("task", "columns", "message"),
    [
        ("translate", "a,b,c", "only the tasks classify and regress .* --columns SOURCE,TARGET"),
        ("tag", "a,b,c", "Give two: --columns TEXT,LABEL"),
        ("language", "a,b", r"names two columns, but the task `language` reads one\. Give --"),
    ],
)
def test_too_many_columns_for_a_task_are_explained(task, columns, message):
    from whyformer.cli.shared.recipes import columns_of

    found = columns_of([columns])
    recipe = resolve(None, {"task": task, "data.train": ["a.txt"], **found}).recipe
    with pytest.raises(ConfigError, match=message):
        refuse_unused(recipe, found, typed=dict.fromkeys(found, "columns"))
