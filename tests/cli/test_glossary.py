"""A glossary: terms of the source as whole words, and their translations in the output."""

import json
from pathlib import Path

import pytest

from toy_runs import toy_run
from whyformer import load
from whyformer.foundation.errors import DataError, UsageError
from whyformer.workflows.glossary import Glossary, read_glossary

TERMS = [
    ("dog", "Hund"),
    ("guide dog", "Blindenhund"),
    ("EU", "Union"),
    ("eu", "gut"),
    ("모델", "model"),
    ("기계 번역", "machine translation"),
    ("dog", "Köter"),
]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("A dog.", ["Hund"]),
        ("Dog or dogs", ["Hund"]),
        ("doghouse, hotdog", []),
        ("the guide dog and a dog", ["Blindenhund", "Hund"]),
        ("GUIDE DOG", ["Blindenhund"]),
        ("EU", ["Union"]),
        ("eu", ["gut"]),
        ("모델을 기계 번역에", ["model", "machine translation"]),
        ("새모델", []),
        ("", []),
    ],
)
def test_the_terms_of_a_source(source: str, wanted: list[str]) -> None:
    assert Glossary(TERMS).required(source) == wanted


def test_a_glossary_without_terms_requires_nothing() -> None:
    assert Glossary([]).required("a dog") == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_run(tmp_path_factory.mktemp("glossary") / "run")


def written(cli, run: Path, *flags: str) -> list[dict]:
    said = cli("translate", str(run), *flags, "--max-length", "9", "--json")
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def test_only_lines_with_a_term_change(cli, run: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("a\tg h\nb\tj\n", encoding="utf-8")
    texts = [part for text in ("a c", "c d", "b a", "ab") for part in ("--text", text)]
    plain = written(cli, run, *texts)
    found = written(cli, run, *texts, "--glossary", str(terms))
    assert "g h" in found[0]["text"]
    assert "g h" in found[2]["text"]
    assert "j" in found[2]["text"].split()
    for row in (1, 3):
        assert found[row]["text"] == plain[row]["text"]
        assert found[row]["score"] == pytest.approx(plain[row]["score"], abs=1e-4)


def test_python_and_the_command_line_agree(cli, run: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("a\tg h\n", encoding="utf-8")
    flags = ["--force", "j", "--forbid", "c", "--coverage-penalty", "0.3"]
    flags += ["--glossary", str(terms)]
    found = written(cli, run, "--text", "a c", "--text", "d", *flags)
    model = load(run)
    search = {"force": ["j"], "forbid": ["c"], "coverage_penalty": 0.3, "max_length": 9}
    texts = model.translate(["a c", "d"], glossary={"a": "g h"}, **search)
    assert texts == [one["text"] for one in found]
    assert "g h" in texts[0]
    for text in texts:
        assert "j" in text.split()
        assert "c" not in text.split()


@pytest.mark.parametrize(
    ("command", "flag"),
    [("translate", "--glossary"), ("translate", "--lexicon"), ("evaluate", "--pairs")],
)
def test_a_file_of_one_column_is_refused_without_advice_about_a_second_file(
    cli, run: Path, tmp_path: Path, command: str, flag: str
) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("a dog\nb\n", encoding="utf-8")
    text = ["--text", "a"] if command == "translate" else []
    said = cli(command, run, flag, terms, *text).sentence
    assert "has one column of text. Add a tab and the target to each line." in said


def test_terms_with_several_translations_are_counted_once_and_the_first_is_used(
    cli, run: Path, tmp_path: Path
) -> None:
    terms = tmp_path / "terms.tsv"
    lines = "b\tj\na\tg h\na\tj\na\tg h\nb\tj\nc\td\nc\te\n"
    terms.write_text(lines, encoding="utf-8")
    said = cli("translate", run, "--glossary", terms, "--text", "a c", "--max-length", 9)
    assert "g h" in said.out
    (warned,) = [line for line in said.err.splitlines() if "several translations" in line]
    assert warned.endswith(
        '2 terms with several translations, such as "a". The first translation of a term is used.'
    )


def test_messages(cli, run: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("a\tg\nb\t\n", encoding="utf-8")
    with pytest.raises(DataError, match=r":2: Each row must have a term and its translation"):
        read_glossary(terms)
    with pytest.raises(UsageError, match="there is no file"):
        read_glossary(tmp_path / "absent.tsv")
    one = ("translate", str(run), "--text", "a")
    for flags, message in (
        (("--force", "c", "--forbid", "c"), "A required phrase must not contain a forbidden"),
        (("--force", "a b c", "--max-length", "2"), "must fit in the length limit"),
        (("--force", " "), "A phrase must have at least one character"),
        (("--prefix", "c d", "--forbid", "c"), "A prefix must not contain a forbidden phrase"),
        (("--force", "a", "--sample"), "`--force` needs a beam search"),
        (("--fallback", "--sample"), "cannot be combined"),
        (("--coverage", "summary"), "read with a coverage penalty only"),
        (("--coverage", "other", "--coverage-penalty", "1"), "`--coverage`"),
        (("--forbid-file", str(tmp_path / "none.txt")), "none.txt"),
    ):
        said = cli(*one, *flags)
        assert said.code == 2
        assert message in said.err
        assert said.err.count("\n") == 1
