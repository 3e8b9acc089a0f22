"""Every format reads alike, and every fault is one sentence with its place."""

import gzip
import io
import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.data.formats.recognition import Wanted
from whyformer.data.formats.tables import cells_of, open_table
from whyformer.data.lines import read_lines
from whyformer.data.reading import Pair, Reading, pair_key, read_pairs
from whyformer.foundation.errors import DataError
from whyformer.foundation.files import sha256_of

PAIRS = [Pair(1, "a b", "x"), Pair(2, "c\u2028d\x0b", "é"), Pair(3, "", "z")]
TEXTS = [pair[:3] for pair in PAIRS]


def read(*places, **names):
    """Return line, source and target of each pair."""
    return [pair[:3] for pair in read_pairs(*places, **names)]


def columns_of(path, *names):
    table = open_table(path, Wanted.LABELLED)
    return cells_of(table, names, strict=False)


def written(path, text):
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("gz", ["", ".gz"])
def test_all_formats_give_the_same_pairs(tmp_path, gz):
    tsv = "".join(f"{p.source}\t{p.target}\n" for p in PAIRS)
    rows = "".join(json.dumps({"en": p.source, "de": p.target}) + "\n" for p in PAIRS)
    written(tmp_path / f"a.tsv{gz}", tsv)
    written(tmp_path / f"a.jsonl{gz}", rows)
    left = written(tmp_path / f"p.en{gz}", "".join(p.source + "\n" for p in PAIRS))
    right = written(tmp_path / f"p.de{gz}", "".join(p.target + "\r\n" for p in PAIRS))
    assert read(tmp_path / f"a.tsv{gz}") == TEXTS
    assert read(tmp_path / f"a.jsonl{gz}", source="en", target="de") == TEXTS
    assert read(left, right) == TEXTS
    assert read(tmp_path / "p", source="en", target="de") == TEXTS


def test_standard_input_is_read_as_it_comes(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"a\tx\nb\ty"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stdin)
    pairs = read_pairs("-")
    assert next(pairs) == Pair(1, "a", "x", "-")
    assert list(pairs) == [Pair(2, "b", "y", "-")]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0")), min_size=1))
def test_only_newlines_end_lines(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lines") / "f"
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    assert list(read_lines(path)) == [
        line.removeprefix("\ufeff") if k == 0 else line for k, line in enumerate(lines)
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.tsv", "a\tb\n\n"), ("a.jsonl", '{"source": "a", "target": "b"}\n \n')],
)
def test_a_blank_line_is_an_empty_pair(tmp_path, name, content):
    path = written(tmp_path / name, content)
    assert list(read_pairs(path))[1] == Pair(2, "", "", str(path))


def test_a_pair_names_its_file_and_line(tmp_path):
    path = written(tmp_path / "a.tsv", "a\tb\n")
    assert next(read_pairs(path)).place == f"{path}:1"
    assert Pair(7, "a", "b").place == 7


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
def test_utf16_without_a_mark_is_named_and_can_be_read(tmp_path, order):
    path = written(tmp_path / "a.tsv", "a b\tx\r\nc\t\u010a\n".encode(order))
    wanted = rf"a\.tsv:1: .*looks like {order.upper()}\. Give --encoding {order}, or convert"
    with pytest.raises(DataError, match=wanted):
        list(read_pairs(path))
    assert read(path, reading=Reading(order)) == [(1, "a b", "x"), (2, "c", "\u010a")]


def test_utf16_with_a_mark_is_read(tmp_path):
    path = written(tmp_path / "a.tsv", "a b\tx\nc\ty".encode("utf-16"))
    assert read(path) == [(1, "a b", "x"), (2, "c", "y")]
    assert pair_key(path) != pair_key(path, reading=Reading("utf-16"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("null", r"a\.jsonl:1: `text` must be a text, a number or a list of them, found null"),
        ('["a", null]', "must be a text, a number or a list"),
        ('{"a": 1}', "must be a text, a number or a list"),
        ("true", r'found true\. Quote it where it is a word: "true"\.'),
        ('["a", false]', r'found \["a", false\]\. Quote it where it is a word: "false"\.'),
        ('"\\ud83d"', r"`text` contains half of a surrogate pair \(\\ud83d\)"),
    ],
)
def test_a_json_value_that_is_no_text_is_refused(tmp_path, value, message):
    path = written(tmp_path / "a.jsonl", f'{{"text": {value}}}\n')
    with pytest.raises(DataError, match=message):
        list(columns_of(path, "text"))


def test_a_lone_surrogate_in_a_pair_is_refused(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"source": "\\udc80x", "target": "b"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:1: `source` contains half of a surrogate pair"):
        list(read_pairs(path))


def test_numbers_and_lists_of_json_become_text(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"a": 3.5, "b": ["x", 1], "c": 7}\n')
    assert list(columns_of(path, "a", "b", "c")) == [(1, ["3.5", "x 1", "7"])]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.tsv",
            "a\tb\nonly one\n",
            r"a\.tsv:2: .* columns as the other lines, but it has 1 and the other lines have 2",
        ),
        (
            "a.tsv",
            "a\tb\tc\n",
            r"a\.tsv` has 3 columns, and it is not clear which contain the source",
        ),
        ("a.tsv", "", r"a\.tsv` must have at least one line, but it is empty"),
        ("a.tsv", b"a\tb\n\xff\tb\n", r"a\.tsv:2: text must be UTF-8, but byte 0xff at position 1"),
        (
            "a.jsonl",
            '{"source": "a"}\n',
            r"columns for the source and the target, but it has only `source`",
        ),
        (
            "a.jsonl",
            '{"source": "a", "target": "b"}\n{"source": "a"}\n',
            r"a\.jsonl:2: the key `target` is required, .*`source`",
        ),
        ("a.jsonl", "{}\n", r"a\.jsonl:1: .*but an empty one was found"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: a line must be one JSON object, but \[1\] was found"),
        ("a.jsonl", "null\n", r"a\.jsonl:1: a line must be one JSON object, but null was found"),
        ("a.jsonl", "{\n", r"a\.jsonl:1: a line must be one JSON object, but it is not JSON at"),
        ("a.jsonl", "[" * 100_000 + "\n", r"a\.jsonl:1: .*cannot be parsed"),
        ("a.jsonl", "9" * 5000 + "\n", r"a\.jsonl:1: .*cannot be parsed"),
        (
            "a.jsonl",
            '{"source": 1, "target": ""}\n',
            r"a\.jsonl:1: `source` must be a string, found 1\. Quote it",
        ),
        (
            "a.jsonl",
            '{"source": null, "target": ""}\n',
            r"`source` must be a string, found null\. Correct it, or leave the line out\.",
        ),
        (
            "a.jsonl",
            '{"source": true, "target": ""}\n',
            r"`source` must be a string, found true\. Quote it",
        ),
    ],
)
def test_each_fault_is_named_with_its_place(tmp_path, name, content, message):
    path = written(tmp_path / name, content)
    with pytest.raises(DataError, match=message):
        list(read_pairs(path))


def test_unequal_files_name_both_counts(tmp_path):
    left, right = written(tmp_path / "l", "1\n2\n3\n"), written(tmp_path / "r", "1\n")
    with pytest.raises(DataError, match=r"equally many lines, but `.*l` has 3 and `.*r` has 1\."):
        list(read_pairs(left, right))
    with pytest.raises(DataError, match=r"`.*r` has 1 and `.*l` has 3\."):
        list(read_pairs(right, left))


def test_absent_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"x\.tsv` does not exist"):
        list(read_pairs(tmp_path / "x.tsv"))
    with pytest.raises(DataError, match=r"neither such a .* nor the two files `.*x\.en` and"):
        list(read_pairs(tmp_path / "x", source="en", target="de"))
    with pytest.raises(DataError, match=r"is a directory"):
        list(read_lines(tmp_path))


def test_a_broken_gzip_file_is_named(tmp_path):
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(b"a\tb\n" * 1000)[:-20])
    with pytest.raises(DataError, match=r"must be a complete gzip file, but it is damaged"):
        list(read_pairs(path))
    path.write_bytes(b"not gzip")
    with pytest.raises(DataError, match=r"must be a complete gzip file"):
        list(read_pairs(path))


def test_keys_follow_the_content(tmp_path):
    path = written(tmp_path / "a.tsv", "a\tb\n")
    key = pair_key(path)
    assert pair_key(path) == key
    written(path, "a\tc\n")
    assert pair_key(path) != key
    assert pair_key("-") == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_data_that_can_be_read_only_once_is_refused_without_waiting(tmp_path):
    pipe = tmp_path / "pairs.tsv"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="must be a regular file, because training reads its data"):
        pair_key(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        sha256_of(pipe)
