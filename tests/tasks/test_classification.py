"""Labels and numbers from texts: learned, started from a pre-trained run, used, refused."""

import json
from pathlib import Path

import pytest
import torch

from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.data.labelled import cut, examples_to_score, read_examples
from whyformer.foundation.errors import ConfigError, DataError, WhyformerError
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.tasks.build import open_task
from whyformer.tasks.classification import Classification
from whyformer.text.symbols import BOS, EOS
from whyformer.text.tokenizer import train_tokenizer
from whyformer.workflows.labelling import evaluate_labelled, load_labeller
from whyformer.workflows.train import train

SMALL = {
    "model.layers": 1,
    "model.d_model": 16,
    "model.heads": 2,
    "model.d_ff": 32,
    "model.dropout": 0.0,
    "text.units": "words",
    "training.minutes": None,
    "training.updates": 30,
    "training.warmup": 3,
    "training.learning_rate": 0.01,
    "training.batch_tokens": 256,
    "validation.every": 10,
}
FEW_WORDS = ["good film", "bad film", "a good one", "a bad one", "what a good day", "so bad"]


def reviews(directory: Path) -> Path:
    path = directory / "reviews.tsv"
    lines = [
        f"{text} {k}\t{'no' if 'bad' in text else 'yes'}" for k in range(30) for text in FEW_WORDS
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def asked(path: Path, name: str = "classify", **changes: object) -> Resolved:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return resolve(name, SMALL | {"data.train": [str(path)], "data.dev_share": 0.2} | given)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("classify")
    train(asked(reviews(directory)), directory / "run", quiet=True)
    return directory / "run"


def test_labels_are_learned_and_said(run: Path):
    classifier = load_labeller(run)
    found = classifier.classify([("good film 3", None), ("a bad one 99", None), ("", None)])
    assert [one.label for one in found[:2]] == ["yes", "no"]
    assert sum(found[0].probabilities.values()) == pytest.approx(1)
    alone = classifier.classify([("a bad one 99", None)])[0]
    assert alone.probabilities["no"] == pytest.approx(found[1].probabilities["no"], abs=1e-5)


def test_a_run_is_measured(run: Path, capsys: pytest.CaptureFixture[str]):
    file = run.parent / "reviews.tsv"
    assert main(["evaluate", str(run), "--labelled", str(file), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["systems"][0]["scores"]
    assert {one["name"] for one in scores} == {"accuracy", "f1", "matthews"}
    assert scores[0]["value"] > 95
    assert main(["classify", str(run), "--text", "good film"]) == 0
    label, probability = capsys.readouterr().out.strip().split("\t")
    assert label == "yes"
    assert 0.5 < float(probability) <= 1


def test_a_run_remembers_its_columns(tmp_path: Path):
    path = tmp_path / "named.tsv"
    body = reviews(tmp_path).read_text(encoding="utf-8")
    path.write_text("document\tlabel\n" + body, encoding="utf-8")
    recipe = asked(path, data__source="document", data__target="label", training__updates=2)
    train(recipe, tmp_path / "run", quiet=True)
    without = evaluate_labelled(tmp_path / "run", path)
    assert without == evaluate_labelled(tmp_path / "run", path, ["document", "label"])
    assert evaluate_labelled(tmp_path / "run", tmp_path / "reviews.tsv") == without
    empty = tmp_path / "empty.tsv"
    empty.write_text("document\tlabel\n", encoding="utf-8")
    with pytest.raises(DataError):
        evaluate_labelled(tmp_path / "run", empty)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_run_starts_from_a_pretrained_one(tmp_path: Path, frozen: bool):
    text = tmp_path / "text.txt"
    text.write_text(
        "\n".join(f"{one} {k}" for k in range(30) for one in FEW_WORDS), encoding="utf-8"
    )
    shape = {key: value for key, value in SMALL.items() if key.startswith(("model", "training"))}
    pretraining = resolve(
        "tiny-bert",
        shape
        | {
            "data.train": [str(text)], "data.documents": "lines", "data.next_sentence": False,
            "text.vocabulary": 300, "training.updates": 5, "validation.every": 5,
        },
    )  # fmt: skip
    train(pretraining, tmp_path / "pre", quiet=True)
    start = load_bundle(tmp_path / "pre")
    recipe = asked(
        reviews(tmp_path), start_from=str(tmp_path / "pre"), frozen=frozen, training__updates=4,
        validation__every=4,
    )  # fmt: skip
    task = Classification(recipe.recipe, tmp_path / "new")
    assert task.tokenizer.fingerprint == start.source_tokenizer.fingerprint
    fresh = dict(task.model(torch.device("cpu")).named_parameters())
    given = dict(start.model.named_parameters())
    assert torch.equal(fresh["embedding.tokens.weight"], given["embedding.tokens.weight"])
    train(recipe, tmp_path / "run", quiet=True)
    learned = dict(load_bundle(tmp_path / "run").model.named_parameters())
    moved = {name for name in learned if not torch.equal(learned[name], fresh[name])}
    assert {"answer.weight", "pooler.weight"} <= moved
    still = {name for name in learned if not name.startswith(("pooler.", "answer."))}
    assert bool(moved & still) != frozen


def test_numbers_are_learned(tmp_path: Path):
    path = tmp_path / "pairs.tsv"
    rows = [(a, b, "abcd".index(a) + "abcd".index(b) / 2) for a in "abcd" for b in "abcd"] * 12
    path.write_text("".join(f"{a}\t{b}\t{n}\n" for a, b, n in rows), encoding="utf-8")
    recipe = asked(path, "regress", data__dev=[str(path)], training__updates=150)
    outcome = train(recipe, tmp_path / "run", quiet=True)
    assert outcome.scores["pearson"] > 90
    said = load_labeller(tmp_path / "run").classify([("d", "d"), ("a", "a")])
    assert float(said[0].label) > 3 > 1.5 > float(said[1].label)
    assert said[0].probabilities == {}
    assert float(said[0].label) == pytest.approx(said[0].number, rel=1e-5)


def test_tiny_numbers_are_scored_as_they_are(tmp_path: Path):
    path = tmp_path / "pairs.tsv"
    rows = [(a, "abcd".index(a) * 1e-6) for a in "abcd"] * 40
    path.write_text("".join(f"{a} {n}\t{y}\n" for n, (a, y) in enumerate(rows)), encoding="utf-8")
    recipe = asked(path, "regress", data__dev=[str(path)], training__updates=100)
    outcome = train(recipe, tmp_path / "run", quiet=True)
    assert outcome.scores["pearson"] > 90
    scores = {one.name: one.value for one in evaluate_labelled(tmp_path / "run", path)}
    assert scores["pearson"] == pytest.approx(outcome.scores["pearson"], abs=1e-3)


def test_texts_are_cut_as_in_training(tmp_path: Path):
    path = reviews(tmp_path)
    train(asked(path, data__row_tokens=12, training__updates=2), tmp_path / "run", quiet=True)
    labeller = load_labeller(tmp_path / "run")
    long = "good film " * 10
    (whole,), (begun,) = (labeller.classify([(text, None)]) for text in (long, long + "bad film"))
    assert whole.probabilities == begun.probabilities


def test_rows_fit_and_the_longer_text_gives_way():
    tokenizer = train_tokenizer("chars", ["abc"], vocabulary=300)
    assert cut(tokenizer, "ab", None, 9)[0][0] == BOS
    row, second = cut(tokenizer, "a" * 20, "bc", 12)
    assert len(row) == 12
    assert row[second - 1] == EOS
    assert tokenizer.decode(row[second:]) == "bc"
    row, second = cut(tokenizer, "ab", "c" * 20, 12)
    assert len(row) == 12
    assert tokenizer.decode(row[1:]) == "ab"
    row, second = cut(tokenizer, "a" * 20, "b" * 20, 13)
    assert len(row) == 13
    assert second == 7


def test_texts_without_a_label_are_left_out_of_training_and_refused_in_a_score(tmp_path: Path):
    table = tmp_path / "t.tsv"
    table.write_text("".join(f"{n}\t{'' if n == 7 else n % 2}\n" for n in range(60)))
    task = open_task(asked(table).recipe, tmp_path / "run")
    assert isinstance(task, Classification)
    assert len(task.examples) + len(task.held_out) == 59
    assert any(f"they have no label: 1 ({table}:8)" in line for line in task.data_facts())
    with pytest.raises(DataError, match=r"t\.tsv:8: a text to score must have a label"):
        examples_to_score(read_examples(str(table)))


def test_columns_are_found_by_name(tmp_path: Path):
    table = tmp_path / "t.tsv"
    table.write_text("id\tdocument\tlabel\n1\thello\t0\n2\tworld\t1\n", encoding="utf-8")
    names = {"text": "document", "second": None, "label": "label"}
    assert [(e.first, e.label) for e in read_examples(str(table), **names)] == [
        ("hello", "0"),
        ("world", "1"),
    ]
    lines = tmp_path / "t.jsonl"
    lines.write_text('{"a": "x", "b": "y", "n": 3}\n', encoding="utf-8")
    found = list(read_examples(str(lines), text="a", second="b", label="n"))
    assert [example[:4] for example in found] == [(1, "x", "y", "3")]


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        ("a\n", {}, r"t\.tsv` must have labelled texts \(a text, a tab and its label"),
        ("x\ty\na\tb\n", {"data__source": "text", "data__target": "y"}, "must name the column"),
        ("a\tb\nc\td\nc\n", {}, r"t\.tsv:3: a line must have"),
        ("a\tx\nb\tx\n" * 40, {}, "must have at least two different labels"),
        ("a\tx\n", {}, "cannot be divided into training and validation"),
        ("a\tx\nb\ty\n" * 40, {"task": "regress"}, r"t\.tsv:1: the label must be a number"),
        (
            "a\tx\nb\ty\nc\tx\n" * 40,
            {"model__family": "bert", "start_from": "nowhere"},
            "does not exist",
        ),
    ],
)
def test_bad_data_is_named(tmp_path: Path, content: str, changes: dict[str, str], message: str):
    path = tmp_path / "t.tsv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WhyformerError, match=message):
        open_task(asked(path, **changes).recipe, tmp_path / "run")


def test_other_kinds_of_runs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    copy = resolve("copy", {"training.updates": 2, "validation.every": 2, "model.d_model": 16})
    train(copy, tmp_path / "copy", quiet=True)
    assert main(["classify", str(tmp_path / "copy"), "--text", "a"]) == 2
    assert "cannot predict labels" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="needs a model of family bert"):
        asked(reviews(tmp_path), start_from=str(tmp_path / "copy"))


def test_texts_of_unknown_characters_are_named_once(run: Path, tmp_path: Path, capsys):
    (tmp_path / "in.txt").write_text("a film\n안녕하세요\n여러분\n", encoding="utf-8")
    assert main(["classify", str(run), "--input", str(tmp_path / "in.txt")]) == 0
    said = capsys.readouterr().err
    assert said.count("In 2 sources (lines 2, 3) most characters are unknown") == 1
    (tmp_path / "test.tsv").write_text("good film\tyes\n안녕하세요\tno\n", encoding="utf-8")
    assert main(["evaluate", str(run), "--labelled", str(tmp_path / "test.tsv")]) == 0
    assert "In 1 source (line 2) most characters are unknown" in capsys.readouterr().err
