"""`evaluate` reads files as in training, and says which labels a run does not know."""

from pathlib import Path

import pytest

from whyformer.cli.main import main
from whyformer.data.lines import is_utf8
from whyformer.data.reading import Reading
from whyformer.foundation.errors import DataError
from whyformer.workflows.evaluate import read_items, read_parallel
from whyformer.workflows.labelling import evaluate_labelled
from whyformer.workflows.reading_of_training import as_in_training

TINY = [
    "--model.d-model", "8", "--model.heads", "2", "--model.d-ff", "8", "--training.updates", "2",
    "--validation.every", "2", "--text.units", "chars", "--quiet",
]  # fmt: skip
ENCODER = [*TINY, "--model.layers", "1", "--data.row-tokens", "32"]
KOREAN = [(f"안녕 {n}", f"hello {n}") for n in range(40)]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return a run on pairs in CP949, separated by a vertical bar."""
    place = tmp_path_factory.mktemp("pairs")
    text = "".join(f"{a}|{b}\n" for a, b in KOREAN)
    (place / "train.txt").write_text(text, encoding="cp949")
    shape = ["--model.encoder-layers", "1", "--model.decoder-layers", "1"]
    data = ["--data", str(place / "train.txt"), "--encoding", "cp949", "--data.delimiter", "|"]
    assert main(["train", "translate", *data, "--out", str(place / "run"), *TINY, *shape]) == 0
    return place / "run"


def test_the_encoding_of_training_is_used_for_files_that_are_not_utf8(run, tmp_path):
    said: list[str] = []
    path = tmp_path / "test.txt"
    for encoding in ("cp949", "utf-8", "utf-16"):
        path.write_text("".join(f"{a}|{b}\n" for a, b in KOREAN), encoding=encoding)
        sources, references = read_items(path, run=run, say=said.append)
        assert list(zip(sources, references, strict=True)) == [(a, [b]) for a, b in KOREAN]
    (line,) = (one for one in said if "is training data" not in one)
    assert line == f"`{path}` is not UTF-8. It is read as cp949, as in training."
    said.clear()
    path.write_text("déjà|vu\n", encoding="cp1252")
    found, _ = read_items(path, encoding="cp1252", run=run, say=said.append)
    assert (found, said) == (["déjà"], [])


def test_the_delimiter_of_training_is_used_for_files_that_have_it(run, tmp_path):
    path = tmp_path / "test.tsv"
    path.write_text("a\tb\nc\td\n")
    assert as_in_training(run, path) == Reading()
    assert read_items(path, run=run)[0] == ["a", "c"]
    path.write_text("a|b\nc|d\n")
    assert as_in_training(run, path) == Reading(delimiter="|")


def test_a_file_with_the_content_of_the_training_data_is_named(run, tmp_path):
    training, said = run.parent / "train.txt", []
    copy = tmp_path / "copy.txt"
    copy.write_bytes(training.read_bytes())
    read_items(copy, run=run, say=said.append)
    assert any(f"`{copy}` is training data of `{run}`" in one for one in said)
    said.clear()
    copy.write_bytes(training.read_bytes()[::-1])
    read_items(copy, encoding="cp949", run=run, say=said.append)
    assert not any("training data" in one for one in said)


def test_parallel_files_are_read_as_in_training(run, tmp_path):
    for name, place in (("a", 0), ("b", 1)):
        text = "".join(f"{pair[place]}\n" for pair in KOREAN)
        (tmp_path / name).write_text(text, encoding="cp949")
    sources, references = read_parallel(tmp_path / "a", [tmp_path / "b"], run=run)
    assert sources == [a for a, _ in KOREAN]
    assert references == [[b] for _, b in KOREAN]


def test_utf8_is_recognized_to_the_last_byte(tmp_path):
    path = tmp_path / "a"
    long = ("가" * 400_000).encode()  # a character is divided between two blocks
    for content, wanted in (
        (long, True), (long + b"\xff", False), (long[:-1], False), ("가".encode("utf-16"), True),
    ):  # fmt: skip
        path.write_bytes(content)
        assert is_utf8(path) is wanted


@pytest.fixture(scope="module")
def tagger(tmp_path_factory) -> Path:
    """Return a run on words with the labels X and Y."""
    place = tmp_path_factory.mktemp("tags")
    (place / "t.tsv").write_text("".join(f"a b {n}\tX Y X\n" for n in range(40)))
    out = str(place / "run")
    assert main(["train", "tag", "--data", str(place / "t.tsv"), "--out", out, *ENCODER]) == 0
    return place / "run"


def test_labels_that_a_tagger_does_not_know_are_said(tagger, tmp_path):
    path, said = tmp_path / "test.tsv", []
    path.write_text("a b 1\tX Y Z\na b\tX W\n")
    scores = evaluate_labelled(tagger, path, warn=said.append)
    (line,) = (one for one in said if "does not know" in one)
    assert "does not know Z, W, the labels of 2 words of 5: they count as errors." in line
    assert scores[0].value <= 60
    said.clear()
    path.write_text("a b 1\tX Y X\n")
    evaluate_labelled(tagger, path, warn=said.append)
    assert not any("does not know" in one for one in said)
    path.write_text("a b 1\tK L M\n")
    with pytest.raises(DataError, match=r"it knows none of K, L, M\. Known: X, Y\."):
        evaluate_labelled(tagger, path)


def test_blanks_are_said_when_a_tagger_is_evaluated(tagger, tmp_path):
    path, said = tmp_path / "test.tsv", []
    path.write_text("a\tX\n \tX\nb\tY\n\nc\tX\nd\tY\n")
    evaluate_labelled(tagger, path, warn=said.append)
    assert any("left out 1 labelled blank," in one for one in said)


def test_a_run_that_predicts_numbers_names_a_label_that_is_none(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("".join(f"a b {n}\t{n}\n" for n in range(40)))
    out = tmp_path / "run"
    assert main(["train", "regress", "--data", str(path), "--out", str(out), *ENCODER]) == 0
    path.write_text("a\tgood\nb\tbad\n")
    with pytest.raises(DataError, match=r"t\.tsv:1: .* it is `good`\. This run predicts numbers"):
        evaluate_labelled(out, path)
