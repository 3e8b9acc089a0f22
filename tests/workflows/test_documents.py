"""Documents: the texts are translated, and everything else is kept."""

import csv
import html
import io
import zipfile
from pathlib import Path

import pytest

from whyformer.foundation.errors import DataError
from whyformer.workflows.documents.columns import open_column
from whyformer.workflows.documents.formats import open_document
from whyformer.workflows.documents.passages import Passage, Passages

MARKDOWN = """---
title: Kept
---
# A *nice* heading #

A paragraph that is long and
wrapped over **two lines**. A second sentence with `code` and [a link](https://x.y/a "Title").
A hard break··
and \\* an escape &amp; an entity.

> A quotation with
> two lines.

1. First item
   continued here.
2. Second <b>item</b> with ![alt text](img.png).

- [ ] a task

| Name | Value |
| --- | ---: |
| Hello world | one |

```python
print("kept")
```

    kept code

See <https://example.com> and [this][one].

[one]: https://example.com "Kept"

<div>
kept html
</div>
""".replace("·", " ")
HTML = """<!DOCTYPE html>
<html lang="en"><head><title>A page &amp; more</title>
<style>p { color: red }</style><script>var a = "kept";</script></head>
<body class='x'><!-- kept -->
<p>Hello <b>bold world</b>, this is
   text. Next sentence!<br>A&nbsp;space &copy; &#233;t&#xE9;.</p>
<pre>kept  code</pre> <p translate="no">kept</p><p>Use <code>ls</code> now. One &lt; two.</p>
<img alt="kept" src=x.png><p>Unclosed
</body></html>
"""
SRT = """1\r
00:00:01,000 --> 00:00:02,000\r
<i>Hello there,\r
my friend.</i>\r
\r
2\r
00:00:03,000 --> 00:00:04,500\r
- Yes?\r
- {\\an8}No.\r
"""
VTT = """WEBVTT - Kept

NOTE a kept note

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.000 align:start position:10%
<v Roger>Hello &amp; welcome.</v>

00:03.000 --> 00:04.000
두 줄로 된
자막입니다. 끝.
"""
FILES = {"a.md": MARKDOWN, "a.html": HTML, "a.srt": SRT, "a.vtt": VTT}


def written(directory: Path, name: str, content: str | None = None) -> Path:
    path = directory / name
    path.write_bytes((FILES[name] if content is None else content).encode())
    return path


def changed(path: Path, translate=str.upper) -> str:
    document = open_document(path)
    passages = Passages(document.texts)
    texts = passages.translated([translate(one) for one in passages.sentences])
    return document.with_texts(texts).decode()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_identity_keeps_every_byte(name, mark, tmp_path):
    path = written(tmp_path, name, mark + FILES[name])
    assert changed(path, str).encode() == path.read_bytes()


def test_markdown_keeps_marks_code_links_and_line_breaks(tmp_path):
    found = changed(written(tmp_path, "a.md"))
    for kept in (
        "title: Kept", "# A *NICE* HEADING #", "WRAPPED OVER **TWO LINES**. A SECOND", "`code`",
        '[A LINK](https://x.y/a "Title").\nA HARD BREAK  \nAND \\* AN ESCAPE & AN ENTITY.',
        "> A QUOTATION WITH\n> TWO LINES.", "1. FIRST ITEM\n   CONTINUED HERE.",
        "2. SECOND <b>ITEM</b> WITH ![alt text](img.png).", "- [ ] A TASK", "| HELLO WORLD | ONE |",
        'print("kept")', "    kept code", "SEE <https://example.com> AND [THIS][one].",
        '[one]: https://example.com "Kept"', "kept html",
    ):  # fmt: skip
        assert kept in found


def test_what_a_translation_adds_to_markdown_is_text_and_not_markup(tmp_path):
    markdown_it = pytest.importorskip("markdown_it")
    path = written(tmp_path, "b.md", "Say it.\n\n- one\n\n| a | b |\n| --- | --- |\n| cell | x |\n")
    for output in ("# *no* [x](y) <b>", "1. no", "- no", "> no", "`no` | &amp; no"):
        page = (
            markdown_it.MarkdownIt()
            .enable("table")
            .render(changed(path, lambda _, output=output: output))
        )
        for mark in ("<em>", "<a ", "<b>", "<h1>", "<ol>", "<blockquote>", "<code>"):
            assert mark not in page
        assert page.count("<li>") == 1
        assert page.count("<td>") == 2


def test_html_has_the_same_tags_and_other_texts(tmp_path):
    bs4 = pytest.importorskip("bs4")
    found = changed(written(tmp_path, "a.html"))
    before, after = (bs4.BeautifulSoup(one, "html.parser") for one in (HTML, found))
    tags = [[(tag.name, tag.attrs) for tag in page.find_all(True)] for page in (before, after)]
    assert tags[0] == tags[1]
    assert before.body is not None
    assert after.body is not None
    for kept in ("pre", "script", "style", "code"):
        assert str(before.find(kept)) == str(after.find(kept))
    assert after.title is not None
    assert after.title.text == "A PAGE & MORE"
    assert "HELLO <b>BOLD WORLD</b>, THIS IS\n   TEXT." in found
    assert "<!-- kept -->" in found
    assert "ONE &lt; TWO." in found
    assert '<p translate="no">kept</p>' in found


@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_subtitles_keep_times_and_tags(name, tmp_path):
    pysubs2 = pytest.importorskip("pysubs2")
    path = written(tmp_path, name)
    found = changed(path)
    files = [pysubs2.SSAFile.from_string(one) for one in (FILES[name], found)]
    times = [[(event.start, event.end) for event in file] for file in files]
    assert times[0] == times[1]
    texts = [[html.unescape(event.plaintext) for event in file] for file in files]
    assert [one.upper() for one in texts[0]] == texts[1]
    kept = ["NOTE a kept note", "align:start position:10%", "<v Roger>", "HELLO &amp; WELCOME."]
    for one in ["<i>HELLO THERE,\r\nMY FRIEND.</i>", "- {\\an8}NO."] if ".srt" in name else kept:
        assert one in found


def test_a_line_break_moves_to_the_same_relative_place():
    passage = Passage.of("  one two\n  three. four  ")
    assert passage.parts == ("one two three.", "four")
    assert passage.translated(["a b c d e f", "g"]) == "  a b c\n  d e f g  "
    assert passage.translated(["x", "y"]) == "  x\n  y  "
    assert passage.translated(["x", ""]) in ("  x\n    ", "  x \n  ", "  x   ")
    assert Passage.of("你好。再见。").translated(["你好。", "再见。"]) == "你好。再见。"
    assert Passage.of("你好。再见。").translated(["Hi.", "Bye."]) == "Hi. Bye."
    assert Passage.of(" 12, 3 ").translated([]) == " 12, 3 "
    assert Passage.of("(see \t this)").translated(["(siehe hier)"]) == "(siehe \t hier)"


def paragraph(document, *runs: tuple[str, bool]) -> None:
    block = document.add_paragraph()
    for text, bold in runs:
        block.add_run(text).bold = bold or None


@pytest.fixture
def word(tmp_path) -> Path:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.add_heading("A heading", 1)
    paragraph(
        document, ("One sen", False), ("tence. And ", False), ("bold", True), (" words.", False)
    )
    document.add_table(1, 2).cell(0, 0).text = "in a cell"
    document.sections[0].header.paragraphs[0].text = "a header"
    document.save(str(tmp_path / "a.docx"))
    return tmp_path / "a.docx"


def test_word_keeps_formats_tables_and_headers(word, tmp_path):
    import docx

    document = open_document(word)
    passages = Passages(document.texts)
    assert passages.sentences == [
        "A heading", "One sentence.", "And", "bold", "words.", "in a cell", "a header"
    ]  # fmt: skip
    same = document.with_texts(passages.translated(passages.sentences))
    parts = []
    for content in (word.read_bytes(), same):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts.append({name: archive.read(name) for name in archive.namelist()})
    assert parts[0] == parts[1]  # the identity keeps every part
    texts = passages.translated([one.upper() for one in passages.sentences])
    (tmp_path / "b.docx").write_bytes(document.with_texts(texts))
    found = docx.Document(str(tmp_path / "b.docx"))
    heading, block = found.paragraphs[:2]
    assert (heading.text, heading.style.name) == ("A HEADING", "Heading 1")
    assert block.text == "ONE SENTENCE. AND BOLD WORDS."
    assert [run.text for run in block.runs if run.bold] == ["BOLD"]
    assert found.tables[0].cell(0, 0).text == "IN A CELL"
    assert found.sections[0].header.paragraphs[0].text == "A HEADER"


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_column_becomes_a_new_column(suffix, tmp_path):
    separator = "," if suffix == ".csv" else "\t"
    path = tmp_path / f"a{suffix}"
    rows = [["id", "en"], ["1", "Hello. Bye."], ["2", "a b" if suffix == ".tsv" else "a, b"]]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=separator).writerows(rows)
    document = open_column(path, "en", "up")
    passages = Passages(document.texts)
    texts = passages.translated([one.upper() for one in passages.sentences])
    found = document.with_texts(texts).decode().splitlines()
    expected = [["up"], ["HELLO. BYE."], [rows[2][1].upper()]]
    table = list(csv.reader(found, delimiter=separator))
    assert table == [a + b for a, b in zip(rows, expected, strict=True)]
    with pytest.raises(DataError, match="already has a column `id`"):
        open_column(path, "en", "id")
    with pytest.raises(DataError, match="must name the column `de`"):
        open_column(path, "de", "up")


def test_a_column_of_a_workbook_becomes_a_new_column(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["A title"], ["id", "en"], [1, "Hello."], [2, None], [3, "Bye."]):
        book.active.append(row)
    book.active["B3"].font = openpyxl.styles.Font(bold=True)
    book.save(tmp_path / "a.xlsx")
    document = open_column(tmp_path / "a.xlsx", "en", "up")
    assert document.texts == ["Hello.", "", "Bye."]
    (tmp_path / "b.xlsx").write_bytes(document.with_texts(["HELLO.", "", "BYE."]))
    sheet = openpyxl.load_workbook(tmp_path / "b.xlsx").active
    assert [cell.value for cell in sheet["C"]] == [None, "up", "HELLO.", None, "BYE."]
    assert sheet["A3"].value == 1
    assert sheet["B3"].font.bold


def test_documents_that_cannot_be_read_are_refused(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes("가나".encode("cp949"))
    with pytest.raises(DataError, match="must be utf-8, but byte 1 is not"):
        open_document(path)
    assert open_document(path, "cp949").texts == ["가나"]
    with pytest.raises(DataError, match="must fit into the encoding of the document, cp949"):
        open_document(path, "cp949").with_texts(["🙂"])
    (tmp_path / "a.docx").write_bytes(b"no")
    with pytest.raises(DataError, match="is not a Word document"):
        open_document(tmp_path / "a.docx")
    with pytest.raises(DataError, match="cannot be read"):
        open_document(tmp_path / "missing.srt")
    with pytest.raises(DataError, match="must be a table"):
        open_column(written(tmp_path, "a.html"), "en", "up")
