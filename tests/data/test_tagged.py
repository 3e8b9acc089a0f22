"""Words with labels: read from every form, cut into rows, put into batches."""

import gzip
import unicodedata
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyformer.data.labelled import read_examples
from whyformer.data.tagged import NOTHING, TaggedRows, read_tagged, word_rows
from whyformer.foundation.errors import DataError
from whyformer.text.symbols import BOS, EOS, PAD
from whyformer.text.tokenizer import train_tokenizer

FOUND = [(["Ann", "sings"], ["B-PER", "O"]), (["Rome"], ["B-LOC"])]
UNITS = ("bpe", "unigram", "byte_bpe", "chars", "words")
TOKENIZERS = {
    units: train_tokenizer(units, ["Ann sings in Rome", "a song"] * 3, vocabulary=300)
    for units in UNITS
}


def read(path: Path, content: str, **names: str) -> list[tuple[list[str], list[str]]]:
    path.write_text(content, encoding="utf-8")
    return [(one.words, one.labels) for one in read_tagged(str(path), **names)]


def test_every_form_says_the_same(tmp_path: Path):
    assert read(tmp_path / "t.tsv", "Ann sings\tB-PER O\n\t\nRome\tB-LOC\n") == FOUND
    header = "labels\tid\twords\nB-PER O\t1\tAnn sings\nB-LOC\t2\tRome\n"
    assert read(tmp_path / "h.tsv", header, text="words", label="labels") == FOUND
    lists = '{"w": ["Ann", "sings"], "t": ["B-PER", "O"]}\n{"w": "Rome", "t": "B-LOC"}\n'
    assert read(tmp_path / "j.jsonl", lists, text="w", label="t") == FOUND
    column = "-DOCSTART- -X- O\n\nAnn\tB-PER\nsings\tO\n\n\nRome\tB-LOC"
    assert read(tmp_path / "c.conll", column) == FOUND
    four = "Ann NNP I-NP B-PER\nsings VBZ I-VP O\n\nRome NNP I-NP B-LOC\n"
    assert read(tmp_path / "c.bio", four) == FOUND
    packed = tmp_path / "c.conll.gz"
    packed.write_bytes(gzip.compress(column.encode()))
    assert [(one.words, one.labels) for one in read_tagged(str(packed))] == FOUND
    assert [one.line for one in read_tagged(str(packed))] == [3, 7]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "t.tsv",
            "a b\n",
            r"t\.tsv` must have words with labels, but it has neither columns nor",
        ),
        (
            "t.tsv",
            "a b\tO O\na b\tO\n",
            r"t\.tsv:2: every word must have a label, but the line has 2 words and 1 label",
        ),
        ("t.conll", "a O\nb\n", r"t\.conll:2: a line must be a word, a space or tab"),
    ],
)
def test_what_does_not_fit_names_its_line(tmp_path: Path, name: str, content: str, message: str):
    with pytest.raises(DataError, match=message):
        read(tmp_path / name, content)


@pytest.mark.parametrize("units", UNITS)
def test_a_row_is_the_text_and_the_first_piece_of_each_word_is_its_place(units):
    tokenizer = TOKENIZERS[units]
    words = ["Ann", "sings", "songs", "(in)", "Rome", "ü"]
    (row,) = word_rows(tokenizer, words, 200)
    if units != "words":
        assert row.ids == [BOS, *tokenizer.encode(" ".join(words)), EOS]
    assert len(row.places) == len(words)
    for place, end, word in zip(row.places, [*row.places[1:], -1], words, strict=True):
        assert tokenizer.decode(row.ids[place:end]).strip() == word


@given(
    words=st.lists(st.text("ansingR", min_size=1, max_size=9), max_size=12),
    longest=st.integers(4, 12),
    units=st.sampled_from(UNITS),
)
def test_a_long_sentence_goes_on_and_no_word_is_lost(words, longest, units):
    rows = word_rows(TOKENIZERS[units], words, longest)
    assert sum(len(row.places) for row in rows) == len(words)
    for row in rows:
        assert len(row.ids) <= longest
        assert (row.ids[0], row.ids[-1]) == (BOS, EOS)
        assert row.places == sorted(set(row.places))
        assert all(0 < place < len(row.ids) - 1 for place in row.places)


def test_a_batch_has_labels_at_first_pieces_only():
    tokenizer = TOKENIZERS["chars"]
    rows = [word_rows(tokenizer, words, 50)[0] for words in (["Ann", "sings"], ["a"])]
    made = TaggedRows(rows, [[3, 4], [5]], budget_tokens=100)
    batch = made.batch(0, 0)
    for number, said in ((0, [3, 4]), (1, [5])):
        at = batch.indices.tolist().index(number)
        labels = batch.labels[at]
        assert labels[rows[number].places].tolist() == said
        assert int((labels != NOTHING).sum()) == len(said)
    assert batch.tokens == made.words == 3
    assert batch.real is not None
    assert torch.equal(batch.ids == PAD, ~batch.real)
    assert (batch.labels[~batch.real] == NOTHING).all()


def test_the_fingerprint_sees_ids_and_labels():
    rows = [word_rows(TOKENIZERS["chars"], ["Ann", "sings"], 50)[0]]
    first, second = (TaggedRows(rows, [said], budget_tokens=9) for said in ([0, 1], [1, 0]))
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == TaggedRows(rows, [[0, 1]], budget_tokens=9).fingerprint


def test_labels_are_read_in_one_unicode_form(tmp_path):
    separate = unicodedata.normalize("NFD", "긍정")
    assert separate != "긍정"
    (tmp_path / "t.tsv").write_text(f"a b\t{separate} O\n", encoding="utf-8")
    (tmp_path / "t.conll").write_text(f"a {separate}\nb O\n", encoding="utf-8")
    for name in ("t.tsv", "t.conll"):
        (found,) = read_tagged(str(tmp_path / name))
        assert found.labels == ["긍정", "O"]
    (tmp_path / "l.tsv").write_text(f"a b\t{separate}\n", encoding="utf-8")
    (example,) = read_examples(str(tmp_path / "l.tsv"), text=None, second=None, label=None)
    assert example.label == "긍정"
