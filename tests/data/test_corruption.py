"""Masking follows its law: how often, what with, and never a symbol."""

import numpy as np
import pytest

from binomial import within
from whyformer.data.corruption import mask_tokens
from whyformer.text.symbols import BOS, EOS, FIRST_BYTE, MASK, PAD

VOCABULARY = 1000


def words(rows: int = 400, length: int = 128, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ids = rng.integers(FIRST_BYTE, VOCABULARY, (rows, length))
    ids[:, 0], ids[:, -2], ids[:, -1] = BOS, EOS, PAD
    return ids


def test_how_often_and_what_with():
    ids = words()
    read, labels = mask_tokens(ids, np.random.default_rng(1), VOCABULARY)
    choosable, chosen = ids >= FIRST_BYTE, labels != PAD
    assert within(chosen.sum(), choosable.sum(), 0.15)
    hidden = chosen & (read == MASK)
    stayed = chosen & (read == ids)
    drawn = chosen & ~hidden & ~stayed
    assert within(hidden.sum(), chosen.sum(), 0.8)
    alphabet = VOCABULARY - FIRST_BYTE
    assert within(stayed.sum(), chosen.sum(), 0.1 + 0.1 / alphabet)
    assert within(drawn.sum(), chosen.sum(), 0.1 * (1 - 1 / alphabet))
    assert read[drawn].min() >= FIRST_BYTE
    assert len(np.unique(read[drawn])) > 300


def test_what_was_not_chosen_is_untouched_and_has_no_label():
    ids = words()
    read, labels = mask_tokens(ids, np.random.default_rng(1), VOCABULARY)
    chosen = labels != PAD
    assert (read[~chosen] == ids[~chosen]).all()
    assert (labels[chosen] == ids[chosen]).all()
    assert not chosen[ids < FIRST_BYTE].any()


def test_each_epoch_masks_otherwise_and_each_seed_the_same():
    ids = words()
    first = mask_tokens(ids, np.random.default_rng(1), VOCABULARY)[1]
    assert np.array_equal(first, mask_tokens(ids, np.random.default_rng(1), VOCABULARY)[1])
    assert not np.array_equal(first, mask_tokens(ids, np.random.default_rng(2), VOCABULARY)[1])


def test_whole_words_are_chosen_or_left_as_a_whole():
    ids = words(200, 64)
    starts = np.random.default_rng(3).random(ids.shape) < 0.4
    labels = mask_tokens(ids, np.random.default_rng(4), VOCABULARY, starts=starts)[1]
    count = chosen_words = 0
    for row, start, label in zip(ids, starts, labels, strict=True):
        edges = [i for i in range(len(row)) if start[i] or row[i] < FIRST_BYTE or i == 0]
        for left, right in zip(edges, [*edges[1:], len(row)], strict=True):
            inside = [i for i in range(left, right) if row[i] >= FIRST_BYTE]
            picked = {bool(label[i] != PAD) for i in inside}
            assert len(picked) <= 1
            count += bool(inside)
            chosen_words += picked == {True}
    assert within(chosen_words, count, 0.15)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_none_and_all(rate):
    ids = words(3, 20)
    labels = mask_tokens(ids, np.random.default_rng(0), VOCABULARY, rate=rate)[1]
    assert ((labels != PAD) == ((ids >= FIRST_BYTE) & (rate == 1.0))).all()


@pytest.mark.parametrize(
    ("shares", "kept"), [((1.0, 0.0), 0.0), ((0.0, 1.0), 0.0), ((0.0, 0.0), 1)]
)
def test_other_shares_hide_replace_or_keep_every_chosen_token(shares, kept):
    ids = words()
    read, labels = mask_tokens(ids, np.random.default_rng(1), VOCABULARY, shares=shares)
    chosen = labels != PAD
    assert (read[chosen] == MASK).mean() == shares[0]
    assert (read[chosen] == ids[chosen]).mean() == pytest.approx(kept, abs=0.01)
    assert np.array_equal(read[~chosen], ids[~chosen])
