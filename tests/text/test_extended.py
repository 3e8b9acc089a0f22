"""A vocabulary with more pieces: old ids keep their meaning, and new text needs fewer tokens."""

import pytest

from whyformer.text.pieces import UNITS
from whyformer.text.symbols import FIRST_PIECE
from whyformer.text.tokenizer import tokenizer_from_json, train_tokenizer

LEARNED = [name for name, kind in UNITS.items() if kind.learned]
OLD = ["the cat sat on the mat", "a dog and a cat"] * 5 + ["abc abd"] * 3
NEW = ["the wombat sat", "wombats and a wombat, éé"] * 6 + ["한글 한국"] * 4


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("units", LEARNED)
def test_old_ids_keep_their_meaning_and_every_text_is_still_lossless(units: str, lowercase: bool):
    old = train_tokenizer(units, OLD, vocabulary=300, lowercase=lowercase)
    new = old.extended(NEW, 30)
    assert len(old) < len(new) <= len(old) + 30
    assert new.spellings[: len(old)] == old.spellings
    assert (new.units, new.lowercase) == (old.units, old.lowercase)
    for text in (*OLD, *NEW, "Quite other 文字"):
        assert new.decode(new.encode(text)) == new.normalize(text) == old.normalize(text)
        assert len(new.encode(text)) <= len(old.encode(text))
    for place, piece in enumerate(new.pieces[len(old.pieces) :], start=len(old)):
        ids = old.ids_of_piece(piece)
        assert b"".join(old.spellings[i] for i in ids) == new.spellings[place]
    assert tokenizer_from_json(new.to_json()).fingerprint == new.fingerprint
    assert min(new.encode("wombat")) >= FIRST_PIECE or new.over_bytes


@pytest.mark.parametrize("units", LEARNED)
def test_nothing_to_add(units: str):
    old = train_tokenizer(units, OLD, vocabulary=300)
    assert old.extended(NEW, 0).fingerprint == old.fingerprint
    assert old.extended([], 9).fingerprint == old.fingerprint


@pytest.mark.parametrize("units", ["bpe", "byte_bpe"])
def test_new_merges_come_after_the_old_ones(units: str):
    old = train_tokenizer(units, OLD, vocabulary=300)
    new = old.extended(NEW, 30)
    assert new.merges[: len(old.merges)] == old.merges  # pyright: ignore
    assert " wombat" in new.pieces
    assert new.extended(NEW, 30).pieces[: len(new.pieces)] == new.pieces


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_every_new_piece_can_be_used(count: int):
    """A piece whose characters are not all in the vocabulary would never be used."""
    old = train_tokenizer("unigram", OLD, vocabulary=300)
    new = old.extended(NEW, count)
    assert len(old) < len(new) <= len(old) + count
    known = {piece for piece in new.pieces if len(piece) == 1}
    assert all(known.issuperset(piece) for piece in new.pieces)
