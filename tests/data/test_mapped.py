"""Arrays of a damaged corpus are refused, even where its hashes were made to fit."""

import json
import os

import numpy as np
import pytest

from whyformer.data.corpus import build_corpus, open_corpus
from whyformer.data.documents import build_documents
from whyformer.data.mapped import mapped, refuse_changed_files
from whyformer.data.reading import Pair
from whyformer.foundation.errors import DataError
from whyformer.foundation.integrity import FILES, hashes, sealed_text
from whyformer.text.tokenizer import train_tokenizer

TEXTS = ["a b", "b c d", "d"]


@pytest.fixture
def tokenizer():
    return train_tokenizer("chars", iter(TEXTS), vocabulary=300)


@pytest.fixture
def corpus(tmp_path, tokenizer):
    pairs = [Pair(number, text, text) for number, text in enumerate(TEXTS, start=1)]
    build_corpus(pairs, tokenizer, tokenizer, tmp_path / "corpus", key="k")
    return tmp_path / "corpus"


def seal(path):
    """Make hashes and seal fit what is there."""
    state = json.loads(path.read_text(encoding="utf-8"))
    state[FILES] = hashes(path.parent, state[FILES])
    path.write_text(sealed_text(state), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("source.offsets.bin", b"\0" * 15, "multiple of the data-type size"),
        ("source.offsets.bin", b"", "damaged"),
        ("target.offsets.bin", np.array([0, 9, 3, 8]).tobytes(), "offsets of `target`"),
        ("target.offsets.bin", np.array([0, 2**62]).tobytes(), "offsets of `target`"),
        ("text.offsets.bin", np.array([0, 18]).tobytes(), "`text` has 1 entry for 3 pairs"),
        ("source.bin", np.array([9] * 12, dtype=np.uint16).tobytes(), None),
    ],
)
def test_arrays_that_do_not_fit_each_other(corpus, name, content, fault):
    assert len(open_corpus(corpus)) == 3
    (corpus / name).write_bytes(content)
    seal(corpus / "corpus.json")
    if fault is None:
        with pytest.raises(DataError, match="the id 9 must be below the vocabulary size 9"):
            open_corpus(corpus, (9, 9))
        return
    with pytest.raises(DataError, match=fault):
        open_corpus(corpus)


@pytest.mark.parametrize("value", [10**400, -1, 1.5, "3", None, True])
def test_counts_that_are_none(corpus, tokenizer, value):
    path = corpus / "corpus.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    state["report"]["source"]["tokens"] = value
    path.write_text(json.dumps(state), encoding="utf-8")
    seal(path)
    with pytest.raises(DataError, match=r"corpus\.json` is damaged"):
        open_corpus(corpus)
    pairs = [Pair(number, text, text) for number, text in enumerate(TEXTS, start=1)]
    again = build_corpus(pairs, tokenizer, tokenizer, corpus, key="k")
    assert again.report.source.tokens == 12


@pytest.mark.parametrize(
    ("name", "content"),
    [("offsets.bin", b"\0" * 15), ("ids.bin", np.array([999] * 12, dtype=np.uint16).tobytes())],
)
def test_documents_that_are_damaged_are_built_again(tmp_path, tokenizer, name, content):
    place = tmp_path / "documents"
    built = build_documents([TEXTS], tokenizer, place, key="k")
    before = np.array(built.ids)
    (place / name).write_bytes(content)
    seal(place / "documents.json")
    assert np.array_equal(build_documents([TEXTS], tokenizer, place, key="k").ids, before)


@pytest.mark.parametrize("dtype", ["V0", "S0", "float64", "object", "int64x", ""])
def test_only_whole_numbers_are_read(tmp_path, dtype):
    (tmp_path / "a.bin").write_bytes(bytes(16))
    with pytest.raises(ValueError, match="is not one of"):
        mapped(tmp_path / "a.bin", dtype)


def test_a_file_that_is_cut_while_it_is_mapped_is_named(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(range(64)))
    array = mapped(file, "uint8")
    refuse_changed_files()
    os.truncate(file, 32)
    with pytest.raises(DataError, match=r"a\.bin` must not change .* from 64 bytes to 32 bytes"):
        refuse_changed_files()
    del array
    refuse_changed_files()


def test_a_file_that_is_replaced_or_removed_stays_mapped_and_is_no_fault(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(range(64)))
    array = mapped(file, "uint8")
    (tmp_path / "b.bin").write_bytes(b"another")
    (tmp_path / "b.bin").replace(file)
    refuse_changed_files()
    file.unlink()
    refuse_changed_files()
    assert array[63] == 63
