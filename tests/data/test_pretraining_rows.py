"""BERT's rows: what follows what, how often, and the same for the same seed."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from binomial import within
from whyformer.data.documents import Documents, build_documents
from whyformer.data.pretraining_rows import Fill, PretrainingRows
from whyformer.text.symbols import BOS, EOS, FIRST_BYTE, PAD
from whyformer.text.tokenizer import train_tokenizer

RNG = np.random.default_rng(0)
TEXTS = [
    [f"d{d}s{s} " + "x" * int(RNG.integers(0, 9)) for s in range(int(RNG.integers(1, 12)))]
    for d in range(60)
]
TOKENIZER = train_tokenizer("chars", ["0123456789dsx \n"], vocabulary=300)
LINE_END = TOKENIZER.encode("\n")[0]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    directory: Path = tmp_path_factory.mktemp("texts")
    return build_documents(TEXTS, TOKENIZER, directory / "d", key="k")


def rows(documents: Documents, **changes) -> PretrainingRows:
    settings = {
        "row_tokens": 40,
        "budget_tokens": 200,
        "vocabulary": len(TOKENIZER),
        "line_end": LINE_END,
        "next_sentence": True,
    }
    return PretrainingRows(documents, **{**settings, **changes})


def restored(batch) -> torch.Tensor:
    return torch.where(batch.labels != PAD, batch.labels, batch.ids)


def stretches(row: list[int]) -> list[str]:
    ids = [i for i in row if i != PAD]
    assert ids[0] == BOS
    assert ids[-1] == EOS
    cut = [i + 1 for i, one in enumerate(ids) if one == EOS]
    parts = [ids[1 : cut[0] - 1], *([ids[cut[0] : cut[1] - 1]] if len(cut) > 1 else [])]
    return [TOKENIZER.decode(part) for part in parts]


@given(epoch=st.integers(0, 3), seed=st.integers(0, 3), room=st.integers(8, 60))
def test_what_follows_follows_and_what_does_not_is_of_another_document(
    documents, epoch, seed, room
):
    made = rows(documents, seed=seed, row_tokens=room)
    whole = ["\n".join(text) for text in TEXTS]
    for index in range(made.count(epoch)):
        batch = made.batch(epoch, index)
        assert batch.ids.shape[1] <= room
        assert batch.follows is not None
        for row, segment, follows in zip(
            restored(batch).tolist(), batch.segments.tolist(), batch.follows.tolist(), strict=True
        ):
            first, second = stretches(row)
            assert first
            assert second
            edge = row.index(EOS) + 1
            end = edge + len(second) + 1
            assert segment == [0] * edge + [1] * (end - edge) + [0] * (len(row) - end)
            at_home = any(f"{first}\n{second}" in text for text in whole)
            assert at_home or not follows


def test_about_half_of_the_pairs_follow(tmp_path: Path):
    texts = [[f"{d} {s} " * 3 for s in range(20)] for d in range(30)]
    made = rows(build_documents(texts, TOKENIZER, tmp_path / "d", key="k"), row_tokens=80)
    plans = [made.plan(epoch)[0] for epoch in range(20)]
    total = sum(map(len, plans))
    # Rows that had one sentence left have nothing that follows: those are the last of a document.
    several = total - 20 * len(texts)
    follows = sum(row.follows for plan in plans for row in plan)
    assert 0.45 * several < follows < 0.52 * total


def test_without_pairs_every_token_is_in_one_row(documents):
    made = rows(documents, next_sentence=False, row_tokens=16)
    seen = []
    for index in range(made.count(0)):
        batch = made.batch(0, index)
        assert batch.follows is None
        assert not batch.segments.any()
        ids = restored(batch)
        seen += ids[ids >= FIRST_BYTE].tolist()
    stored = np.asarray(documents.ids)
    assert sorted(seen) == sorted(stored[stored >= FIRST_BYTE].tolist())


def test_masks_change_with_the_epoch_and_follow_their_rate(documents):
    made = rows(documents, next_sentence=False)
    chosen = total = 0
    for epoch in range(10):
        for index in range(made.count(epoch)):
            batch = made.batch(epoch, index)
            again = rows(documents, next_sentence=False).batch(epoch, index)
            assert torch.equal(batch.ids, again.ids)
            assert torch.equal(batch.labels, again.labels)
            assert batch.tokens == max(1, int((batch.labels != PAD).sum()))
            chosen += int((batch.labels != PAD).sum())
            total += int((restored(batch) >= FIRST_BYTE).sum())
    assert within(chosen, total, 0.15)
    fixed = rows(documents, shuffle=False)
    assert torch.equal(fixed.batch(0, 0).ids, fixed.batch(5, 0).ids)


def test_whole_words_include_the_first_of_a_line(documents):
    starts = np.array([token == "▁" for token in TOKENIZER.tokens(range(len(TOKENIZER)))])
    made = rows(documents, next_sentence=False, starts_word=starts)
    for index in range(made.count(0)):
        batch = made.batch(0, index)
        for row, label in zip(restored(batch).tolist(), batch.labels.tolist(), strict=True):
            for i in range(1, len(row)):
                joined = row[i] >= FIRST_BYTE and row[i - 1] >= FIRST_BYTE
                if joined and not starts[row[i]] and row[i - 1] != LINE_END:
                    assert (label[i] != PAD) == (label[i - 1] != PAD)


@given(epoch=st.integers(0, 3), room=st.integers(8, 60))
def test_full_rows_hold_every_sentence_in_order_across_documents(documents, epoch, room):
    made = rows(documents, next_sentence=False, fill=Fill.FULL, row_tokens=room)
    ids = np.asarray(documents.ids)
    plan, _ = made.plan(epoch)
    seen = [place for row in plan for start, end in row.spans for place in range(start, end)]
    assert len(set(seen)) == len(seen)
    left_out = set(range(len(ids))) - set(seen)
    assert all(ids[place] in (LINE_END, EOS) for place in left_out)
    of = np.searchsorted(documents.offsets, seen, side="right")
    assert sum(a != b for a, b in pairwise(of)) == len(documents) - 1  # one after another
    assert all(a < b for (a, m), (b, n) in pairwise(zip(seen, of, strict=True)) if m == n)
    assert all(row.length <= room for row in plan)


def test_full_rows_cut_no_sentence_that_fits_and_leave_no_room_for_the_next(documents):
    ids = np.asarray(documents.ids)
    plan, _ = rows(documents, next_sentence=False, fill=Fill.FULL).plan(0)
    for row in plan:  # no sentence of these documents is longer than a row of 40
        for start, end in row.spans:
            assert start == 0 or ids[start - 1] in (LINE_END, EOS)
            assert ids[end] in (LINE_END, EOS)
    for row, after in pairwise(plan):
        start, end = after.spans[0]
        next_sentence = TOKENIZER.decode(ids[start:end].tolist()).split("\n")[0]
        assert row.length + len(next_sentence) + 1 > 40


def test_full_rows_are_batches_without_pairs(documents):
    made = rows(documents, next_sentence=False, fill=Fill.FULL)
    batch = made.batch(0, 0)
    assert batch.follows is None
    assert not batch.segments.any()
    row = max(restored(batch).tolist(), key=lambda one: one.count(EOS))
    assert row.count(EOS) > 1
    assert row[0] == BOS
    # Without line ends a document is one long sentence, cut where a row is full.
    words = rows(documents, next_sentence=False, fill=Fill.FULL, line_end=-1)
    assert all(one.length <= 40 for one in words.plan(0)[0])
