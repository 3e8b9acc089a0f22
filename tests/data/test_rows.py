"""Rows of a language model: every token once an epoch, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.data.documents import Documents, build_documents
from whyformer.data.rows import ContiguousRows, PackedRows
from whyformer.foundation.errors import DataError
from whyformer.text.symbols import BOS, EOS, PAD
from whyformer.text.tokenizer import train_tokenizer

TEXTS = ["one line\nand another", "tiny", "a longer document\n\nwith an empty line in it", "é한"]
KINDS = pytest.mark.parametrize("kind", [ContiguousRows, PackedRows])


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    return made(tmp_path_factory.mktemp("texts"))


def made(directory: Path, texts: list[str] = TEXTS, key: str = "k") -> Documents:
    tokenizer = train_tokenizer("chars", TEXTS[:3], vocabulary=400)
    return build_documents([t.split("\n") for t in texts], tokenizer, directory / "d", key=key)


def test_a_document_is_its_text_and_eos(documents: Documents):
    tokenizer = train_tokenizer("chars", TEXTS[:3], vocabulary=400)
    assert len(documents) == 4
    for index, text in enumerate(TEXTS):
        ids = documents.document(index).tolist()
        assert ids[-1] == EOS
        assert tokenizer.decode(ids) == text
    report = documents.report
    assert report.characters == sum(map(len, TEXTS))
    assert report.bytes_ == sum(len(text.encode()) for text in TEXTS)
    assert report.spelled == 5  # é and 한 are in no vocabulary: 2 and 3 bytes
    assert report.tokens == report.characters + 3 + 4
    assert report.changed == 0


def test_documents_are_made_once_and_again_when_damaged(tmp_path: Path):
    first = made(tmp_path)
    stamp = (tmp_path / "d" / "ids.bin").stat().st_mtime_ns
    assert made(tmp_path).fingerprint == first.fingerprint
    assert (tmp_path / "d" / "ids.bin").stat().st_mtime_ns == stamp
    (tmp_path / "d" / "ids.bin").write_bytes(b"spoiled")
    assert made(tmp_path).fingerprint == first.fingerprint
    assert made(tmp_path, ["other"], key="other").fingerprint != first.fingerprint


def test_no_text_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="at least one character"):
        made(tmp_path, [""])


@KINDS
@given(
    row=st.integers(2, 40),
    rows=st.integers(1, 4),
    seed=st.integers(0, 5),
    epoch=st.integers(0, 3),
    shuffle=st.booleans(),
)
def test_every_token_is_predicted_once_an_epoch(documents, kind, row, rows, seed, epoch, shuffle):
    def epochs() -> ContiguousRows | PackedRows:
        budget = row * rows
        return kind(documents, row_tokens=row, budget_tokens=budget, seed=seed, shuffle=shuffle)

    batches = epochs()
    seen = []
    for index in range(batches.count(epoch)):
        batch = batches.batch(epoch, index)
        again = epochs().batch(epoch, index)
        assert batch.labels.equal(again.labels)
        assert batch.target.equal(again.target)
        assert batch.labels.shape[1] <= row
        assert len(batch) <= rows
        real = batch.labels != PAD
        assert batch.tokens == int(real.sum())
        seen += batch.labels[real].tolist()
        starts = batch.target == BOS
        follows = ~starts[:, 1:] & real[:, 1:]
        assert (batch.target[:, 1:] == batch.labels[:, :-1])[follows].all()
        assert starts[:, 0].all()
        if batch.documents is not None:
            fresh = batch.documents[:, 1:] != batch.documents[:, :-1]
            assert (starts[:, 1:] == (fresh & real[:, 1:])).all()
    assert sorted(seen) == sorted(np.asarray(documents.ids).tolist())


@KINDS
def test_epochs_and_seeds_differ_but_evaluation_is_in_order(documents, kind):
    def rows(epoch: int, **options: object) -> list[list[int]]:
        made = kind(documents, row_tokens=7, budget_tokens=14, **options)
        batches = [made.batch(epoch, index) for index in range(made.count(epoch))]
        return [row for batch in batches for row in batch.labels.tolist()]

    assert rows(0, seed=1) != rows(1, seed=1)
    assert rows(0, seed=1) != rows(0, seed=2)
    assert rows(0, shuffle=False)[0][0] == documents.ids[0]


def test_packed_rows_hold_whole_documents(documents):
    rows = PackedRows(documents, row_tokens=60, budget_tokens=60)
    for index in range(rows.count(0)):
        batch = rows.batch(0, index)
        assert batch.documents is not None
        ends = int((batch.labels == EOS).sum())
        assert ends == len(set(batch.documents[batch.labels != PAD].tolist()))
