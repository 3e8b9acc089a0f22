"""CSV files with stray quotes, cells of many lines, and other characters between the columns."""

import csv
import json

import pytest

from whyformer.data.formats.recognition import known_delimiter
from whyformer.data.labelled import read_examples
from whyformer.data.reading import Reading, parallel, read_pairs
from whyformer.data.tagged import read_tagged
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.recipes.recipe import Documents, resolve
from whyformer.recipes.unused import refuse_unused
from whyformer.tasks.text_data import read_documents

KOREAN = ["무엇을 드릴까요?", "톰은 갔다.", "나는 학생이다.", "비가 온다.", "책을 읽는다."]
ENGLISH = ["What can I get you?", "Tom left.", "I am a student.", "It rains.", "I read a book."]
ROWS = [(f"{ENGLISH[n % 5]} {n}", f"{KOREAN[n % 5]} {n}") for n in range(40)]


def _csv_with_stray_quotes(tmp_path, opened: int, closed: int, *, delimiter=",", header=""):
    rows = [f"{en.replace(',', '')} {n}{delimiter}{n % 3}" for n, (en, _) in enumerate(ROWS)]
    rows[opened] = f'"{rows[opened]}'
    text, _, label = rows[closed].rpartition(delimiter)
    rows[closed] = f'{text}"{delimiter}{label}'
    path = tmp_path / "a.csv"
    path.write_text("\n".join([*([header] if header else []), *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("opened", "closed"), [(0, 4), (7, 12), (3, 39), (20, 38)])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_stray_quotes_that_swallow_rows_are_named_with_their_line(
    tmp_path, opened, closed, delimiter
):
    path = _csv_with_stray_quotes(tmp_path, opened, closed, delimiter=delimiter)
    with pytest.raises(
        DataError, match=rf"a\.csv:{opened + 1}: a quote must be closed .* rows below"
    ):
        list(read_examples(str(path), text="1", label="2", reading=Reading(header=False)))
    path = _csv_with_stray_quotes(
        tmp_path, opened, closed, header=f"text{delimiter}label", delimiter=delimiter
    )
    with pytest.raises(DataError, match=rf"a\.csv:{opened + 2}: a quote must be closed"):
        list(read_examples(str(path)))


def test_a_quote_that_is_not_closed_for_thousands_of_lines_is_named(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f"some words {n}" for n in range(5000)]
    path.write_text("\n".join(["x,y", '"two', 'lines","open', *lines, 'closed"']) + "\n")
    with pytest.raises(DataError, match=r"a\.csv:3: a quote must be closed at the end of its cell"):
        list(read_pairs(path, source="1", target="2", reading=Reading(header=False)))


@pytest.mark.parametrize(
    "cell",
    [
        "\n".join(["Dear John, hello", "I am, as you know, well.", "", "Yours, Mary", "x"] * 20),
        "\n".join(["Shall I compare thee to a summer,", "Thou art more lovely,"] * 7),
        "\n".join(f"line {n}" for n in range(1500)),
        "1,2\n3,4",
    ],
)
def test_a_cell_of_many_lines_is_read(tmp_path, cell):
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [(f"{cell}\n{n}", f"label {n % 2}") for n in range(30)]
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    found = [(one.first, one.label) for one in read_examples(str(path))]
    assert found == rows


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a", "a.tsv"])
@pytest.mark.parametrize("delimiter", ["|", "\t", "~", ":"])
def test_a_delimiter_can_be_given(tmp_path, name, delimiter):
    path = tmp_path / name
    rows = [(f"{en}, ; {n}", ko) for n, (en, ko) in enumerate(ROWS)]
    path.write_text("".join(f"{en}{delimiter}{ko}\n" for en, ko in rows), encoding="utf-8")
    reading = Reading(delimiter=delimiter)
    assert [pair[1:3] for pair in read_pairs(path, reading=reading)] == rows
    labelled = read_examples(str(path), reading=reading)
    assert [(one.first, one.label) for one in labelled] == rows
    assert parallel([str(path)] * 2, reading=reading) == [(str(path), None)] * 2
    texts = read_documents(str(path), Documents.LINES, "1", reading)
    assert [list(one) for one in texts] == [[en] for en, _ in rows]


def test_a_delimiter_is_suggested_and_must_be_one_character(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{en}|{ko}\n" for en, ko in ROWS), encoding="utf-8")
    hint = r"If `\|` separates columns, give --data.delimiter '\|'\.$"
    for read in (read_pairs, read_examples, read_tagged):
        with pytest.raises(DataError, match=hint):
            list(read(str(path)))
    assert known_delimiter("tab") == known_delimiter("\\t") == known_delimiter("\t") == "\t"
    for wrong in ("", "||", '"', "\n"):
        with pytest.raises(ConfigError, match=r"`data\.delimiter` must be one character, or tab"):
            known_delimiter(wrong)


def test_a_delimiter_without_effect_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"source": en, "target": ko} for en, ko in ROWS]))
    overrides = {"data.train": [str(path)], "data.delimiter": "|"}
    with pytest.raises(ConfigError, match="none of the files is text with columns"):
        refuse_unused(resolve("translate", overrides).recipe, overrides)
    path.write_text("".join(f"{en}|{ko}\n" for en, ko in ROWS))
    refuse_unused(resolve("translate", overrides).recipe, overrides)
