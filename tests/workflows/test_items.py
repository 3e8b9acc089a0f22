"""Data given in Python: kept in the run, trained on as a file is, and refused item by item."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import whyformer
from toy_runs import SMALL
from whyformer.foundation.errors import ConfigError, DataError, UsageError
from whyformer.tasks.items import ITEMS
from whyformer.training.journal import read_journal

LETTERS = "abcdefgh"
PAIRS = [(f"{a}{b} {a}", f"{b} {a}") for a in LETTERS for b in LETTERS]
TWO = SMALL | {"training.updates": 2, "text.vocabulary": 300, "training.batch_tokens": 256}
ENCODER = {
    "model.d_model": 16,
    "model.heads": 2,
    "model.d_ff": 24,
    "model.layers": 1,
    "training.updates": 2,
    "training.minutes": None,
    "text.vocabulary": 300,
    "data.row_tokens": 32,
    "data.dev_share": 0.2,
}


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_journal(run) if "loss" in line]


def train(out: Path, data: Any, **options: Any):
    changes = {"overrides": TWO, "quiet": True, **options}
    return whyformer.train(out=out, data=data, **changes)


def test_items_train_exactly_as_the_file_of_the_same_pairs(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS), encoding="utf-8")
    train(tmp_path / "file", file)
    train(tmp_path / "pairs", PAIRS)
    dicts = [{"id": n, "source": a, "target": b} for n, (a, b) in enumerate(PAIRS)]
    train(tmp_path / "dicts", dicts)
    named = [{"translation": {"de": a, "en": b}} for a, b in PAIRS]
    columns = {"data.source": "de", "data.target": "en"}
    train(tmp_path / "named", named, overrides=TWO | columns)
    assert len(losses(tmp_path / "file")) == 2
    for name in ("pairs", "dicts", "named"):
        assert losses(tmp_path / name) == losses(tmp_path / "file")


def test_items_are_read_one_by_one(tmp_path: Path) -> None:
    alive = 0

    class Counted(tuple):
        def __new__(cls, pair: tuple[str, str]):
            nonlocal alive
            alive += 1
            return super().__new__(cls, pair)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    most = 0

    def stream() -> Iterator[Counted]:
        nonlocal most
        for pair in PAIRS:
            most = max(most, alive)
            yield Counted(pair)

    train(tmp_path / "run", stream())
    assert most <= 2


def test_tabs_and_line_ends_in_texts_are_kept(tmp_path: Path) -> None:
    pairs = [(f"{a}\t{b}", f"{b}\n{a}") for a, b in PAIRS]
    train(tmp_path / "run", pairs)
    lines = (tmp_path / "run" / "items.jsonl").read_text(encoding="utf-8").splitlines()
    assert [tuple(json.loads(line).values()) for line in lines] == pairs


def test_the_same_items_resume_and_others_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(out, PAIRS, dev=PAIRS[:4])
    assert train(out, iter(PAIRS), dev=PAIRS[:4]).updates == 2
    with pytest.raises(
        ConfigError, match=r"`data` is not the data that the run .* was started with"
    ):
        train(out, PAIRS[1:], dev=PAIRS[:4])
    with pytest.raises(ConfigError, match="`dev` is not the data"):
        train(out, PAIRS, dev=PAIRS[:5])
    with pytest.raises(
        ConfigError, match=r"`data` has no items, but .* An iterator can be read on"
    ):
        train(out, iter(()), dev=PAIRS[:4])
    assert train(out, PAIRS[1:], overwrite=True).updates == 2


def test_a_run_keeps_its_items_so_its_recipe_resumes_it_without_them(tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(out, PAIRS)
    recipe = out / "recipe.yaml"
    assert f"- {ITEMS}" in recipe.read_text(encoding="utf-8")
    assert whyformer.train(recipe, out=out, quiet=True).updates == 2
    with pytest.raises(ConfigError, match=r"items.jsonl` does not exist. Give the items in Python"):
        whyformer.train(recipe, out=tmp_path / "other", quiet=True)


TASKS = {
    "language": [f"{a} {b}\n{b} {a}" for a, b in PAIRS],
    "masked": [{"text": f"{a} {b}"} for a, b in PAIRS],
    "classify": [(a, (len(b) > 2 and b[0] < "d" and "low") or "high") for a, b in PAIRS],
    "regress": [{"text": a, "label": float(ord(b[0]))} for a, b in PAIRS],
    "tag": [([a, b], ["A", "B"]) for a, b in (pair[0].split() for pair in PAIRS)],
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_reads_items(tmp_path: Path, task: str) -> None:
    settings = ENCODER | {"task": task}
    outcome = train(tmp_path / "run", TASKS[task], overrides=settings)
    assert outcome.updates == 2


def test_items_of_three_have_two_texts(tmp_path: Path) -> None:
    triples = [(a, b, n % 3) for n, (a, b) in enumerate(PAIRS)]
    train(tmp_path / "run", triples, overrides=ENCODER | {"task": "classify"})
    first = (tmp_path / "run" / "items.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert json.loads(first) == {"text": "aa a", "second": "a a", "label": 0}


def test_each_text_is_a_document_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    settings = ENCODER | {"task": "language"}
    train(tmp_path / "texts", TASKS["language"], overrides=settings)
    assert "documents: lines" in (tmp_path / "texts" / "recipe.yaml").read_text(encoding="utf-8")
    one = settings | {"data.documents": "file"}
    train(tmp_path / "one", TASKS["language"], overrides=one)
    assert "documents: file" in (tmp_path / "one" / "recipe.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("task", "items", "sentence"),
    [
        ("translate", [("a", "b"), ("a",)], r"Item 2 of `data` must be a pair .*\[\"a\"\]"),
        ("translate", ["a.tsv"], "Item 1 of `data` must be a pair"),
        ("translate", [("a", 3)], "with texts as str, but 3 was found"),
        ("translate", [{"source": "a"}], "must have the key `target`, but it has `source`"),
        ("translate", [("a", "\ud800")], "Item 1 of `data` contains half of a surrogate pair"),
        ("translate", [], "must have at least one item"),
        ("translate", 7, "must be a path or an iterable of items, but it is 7"),
        ("language", [3], "Item 1 of `data` must be a text"),
        ("classify", [("a", True)], "must have a label that is a text or a finite number"),
        ("classify", [("a", "x"), ("a", "b", "x")], "must have 2 parts like the first item"),
        ("regress", [("a", float("nan"))], "finite number, but it is NaN"),
        ("tag", [(["a b"], ["X"])], r"words and labels without spaces, but \"a b\" was found"),
        ("tag", [("a b", "X")], "has 2 words and 1 label"),
    ],
)
def test_a_wrong_item_is_named_by_its_number(
    tmp_path: Path, task: str, items: Any, sentence: str
) -> None:
    settings = {"task": task} if task != "translate" else {}
    with pytest.raises(DataError, match=sentence):
        train(tmp_path / "run", items, overrides=settings)
    assert not (tmp_path / "run" / "items.jsonl").exists()


def test_data_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`data` and the setting `data.train` were both given"):
        train(tmp_path / "run", PAIRS, overrides={"data.train": ["x.tsv"]})
