"""Documents and columns: the translations of their lines, in a file of the same format."""

import csv

import pytest

pytestmark = pytest.mark.usefixtures("unchecked")


def test_the_texts_of_a_document_are_translated_as_lines_are(cli, run, tmp_path):
    lines = cli("translate", run, "--text", "a b c", "--text", "e").out.splitlines()
    page, out = tmp_path / "page.html", tmp_path / "out.html"
    page.write_text("<p class=x>a b c</p>\n<!-- a --><code>a</code><b>e</b>", encoding="utf-8")
    said = cli("translate", run, "--input", page, "--output", out)
    assert (said.code, said.out, said.trouble) == (0, "", "")
    found = out.read_text(encoding="utf-8")
    assert found == f"<p class=x>{lines[0]}</p>\n<!-- a --><code>a</code><b>{lines[1]}</b>"
    said = cli("translate", run, "--input", page, "--output", out)
    assert "--overwrite" in said.sentence
    said = cli("translate", run, "--input", page, "--output", out, "--overwrite", "--max-length", 1)
    assert "the length limit cut 2 translations" in said.err


def test_a_column_is_translated_into_a_new_column(cli, run, tmp_path):
    lines = cli("translate", run, "--text", "a b c", "--text", "e").out.splitlines()
    table, out = tmp_path / "table.csv", tmp_path / "out.csv"
    table.write_text("id,text\n1,a b c\n2,e\n", encoding="utf-8")
    asked = ("translate", run, "--input", table, "--column", "text", "--into", "en")
    assert cli(*asked, "--output", out).code == 0
    with out.open(encoding="utf-8", newline="") as stream:
        found = list(csv.reader(stream))
    assert found == [["id", "text", "en"], ["1", "a b c", lines[0]], ["2", "e", lines[1]]]


def test_flags_that_do_not_fit_a_document_are_refused(cli, run, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a b c\n", encoding="utf-8")
    assert "is a file. Add --input before it." in cli("translate", run, page).sentence
    document = ("translate", run, "--input", page)
    assert "needs a file. Give it with --output FILE" in cli(*document).sentence
    out = tmp_path / "out.html"
    assert "its name must end with `.md`" in cli(*document, "--output", out).sentence
    out = tmp_path / "out.md"
    for flag in ("--json", "--split-sentences", "--confidence"):
        assert f"`{flag}` applies to lines" in cli(*document, "--output", out, flag).sentence
    assert "belong together" in cli(*document, "--output", out, "--column", "1").sentence
    assert "needs a table" in cli("translate", run, "--column", "1", "--into", "x").sentence
    assert not out.exists()
