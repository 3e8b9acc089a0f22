"""Samples are text: valid UTF-8, without bytes that training never spelled."""

import math
import unicodedata

import pytest
import torch

from toy_models import ToyModel, sources
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.wellformed import WellFormed, step
from whyformer.foundation.errors import WhyformerError
from whyformer.text.symbols import FIRST_BYTE
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

TEXTS = ["한글 é ab", "ab 日本 ab é", "a b c 😀"]
SAMPLES = "aé\u07ff\u0800\ufff0\U00010000\U0010ffff한😀"


def drawn(tokenizer: Tokenizer, seen: set[int] | None, **changes: object) -> list[bytes]:
    model = ToyModel(3, vocabulary=len(tokenizer))
    ids, real = sources(8, 3)
    settings = SearchSettings.model_validate({"method": "sample", "nbest": 25} | changes)
    text = WellFormed(tokenizer.spellings, seen)
    found = search(model, ids, real, settings, text=text)
    spelled = tokenizer.spellings
    return [b"".join(spelled[i] for i in one.tokens) for some in found for one in some]


@pytest.mark.parametrize("units", ["chars", "words", "bpe", "unigram", "byte_bpe"])
@pytest.mark.parametrize("limit", [1, 2, 3, 9])
@pytest.mark.parametrize("ngram", [0, 1])
def test_every_draw_is_text(units, limit, ngram):
    tokenizer = train_tokenizer(units, TEXTS, vocabulary=300)
    found = drawn(tokenizer, None, max_length=limit, no_repeat_ngram=ngram)
    texts = [one.decode() for one in found]  # strictly
    assert any(ord(character) > 127 for text in texts for character in text) or limit == 1
    for text in texts:
        controls = {one for one in text if unicodedata.category(one) == "Cc"} - set("\t\n\r")
        assert not controls


@pytest.mark.parametrize("limit", [2, 9])
def test_only_bytes_of_training_are_drawn(limit):
    tokenizer = train_tokenizer("chars", ["abc"], vocabulary=300)
    seen = set("né😀".encode())
    for one in drawn(tokenizer, seen, max_length=limit):
        assert set(one) <= seen | set(b"abc")
        one.decode()


def test_a_byte_after_which_nothing_can_follow_is_never_drawn():
    tokenizer = train_tokenizer("chars", ["abc"], vocabulary=300)
    for seen in ({0xC2, 0x80}, {0xE0, 0x80}, {0xF4, 0x90}, {0x80}):
        assert all(set(one) <= set(b"abc") for one in drawn(tokenizer, seen, max_length=5))


def test_the_states_are_those_of_utf8():
    for first in range(0x110000 // 97):
        point = first * 97
        if 0xD800 <= point < 0xE000:
            continue
        state: int | None = 0
        for byte in chr(point).encode():
            assert state is not None
            state = step(state, byte)
        assert state == 0
    wrongs = ["80", "c080", "c1bf", "e08080", "eda080", "f0808080", "f4908080", "f5", "ff", "c361"]
    for wrong in map(bytes.fromhex, wrongs):
        state = 0
        for byte in wrong:
            state = None if state is None else step(state, byte)
        assert state is None


def test_a_prefix_keeps_what_it_spells():
    tokenizer = train_tokenizer("chars", ["abc"], vocabulary=300)
    prefix = tokenizer.encode("한\x01")
    text = WellFormed(tokenizer.spellings, set())
    settings = SearchSettings(method="sample", nbest=9, max_length=8)  # pyright: ignore
    model = ToyModel(1, vocabulary=len(tokenizer))
    (found,) = search(model, torch.tensor([[9]]), None, settings, prefixes=[prefix], text=text)
    for one in found:
        said = b"".join(tokenizer.spellings[i] for i in one.tokens).decode()
        assert said.startswith("한\x01")
        assert set(said[2:]) <= set("abc")


def test_what_may_be_drawn_is_drawn_as_often_as_before():
    tokenizer = train_tokenizer("chars", ["abc"], vocabulary=300)
    logits = torch.randn(1, 1, len(tokenizer))
    text = WellFormed(tokenizer.spellings)
    kept = text.hide(logits, text.begin(1, 1), torch.tensor([9]))
    allowed = kept > -math.inf
    assert torch.equal(kept[allowed], logits[allowed])
    assert allowed[0, 0, [FIRST_BYTE + 0x41, len(tokenizer) - 1]].all()
    assert not allowed[0, 0, FIRST_BYTE + 0x80]


def test_a_logit_that_is_no_number_after_the_softmax_is_refused():
    model = ToyModel(1)
    model.table[:, 6] = math.inf  # the softmax of an infinity is no number
    settings = SearchSettings(method="sample", max_length=4)  # pyright: ignore
    with pytest.raises(WhyformerError, match="logits must be finite"):
        search(model, torch.tensor([[9]]), None, settings)
