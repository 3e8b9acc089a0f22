"""A tag is one token, whatever the units, and it changes nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.foundation.errors import BundleError
from whyformer.text.tags import Tagged, tagged, with_tags
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json, train_tokenizer

TEXTS = ["the cat sat on the mat", "<2de> is < 2 d e > here <2fr>", "나는 학교에 간다"] * 3
KINDS = ("bpe", "byte_bpe", "unigram", "chars", "jamo", "words")


def plain(units):
    return train_tokenizer(units, TEXTS, vocabulary=320)


def both(units):
    found = with_tags(plain(units), ["de", "fr"])
    assert isinstance(found, Tagged)
    assert isinstance(found, Tokenizer)
    return found


@pytest.mark.parametrize("units", KINDS)
def test_a_tag_is_one_token_and_the_rest_is_encoded_as_before(units):
    without, tokenizer = plain(units), both(units)
    for text in (*TEXTS, "", "zebra <2de>"):
        for tag, place in (("de", 0), ("fr", 1)):
            first, *rest = tokenizer.encode(tagged(text, tag) if text else f"<2{tag}>")
            assert first == len(without) + place
            assert rest == without.encode(text)
            assert tokenizer.tokens([first]) == [f"<2{tag}>"]


@pytest.mark.parametrize("units", KINDS)
@given(text=st.text(max_size=20), rate=st.floats(0, 1))
def test_no_text_is_encoded_as_a_tag_and_a_tag_is_never_split(units, text, rate):
    without, tokenizer = plain(units), both(units)
    rng = random.Random(0)
    ids = tokenizer.sample(tagged(text + "x", "fr"), rng, rate)
    assert ids[0] == len(without) + 1
    assert max(ids[1:]) < len(without)
    text = "a" + text  # does not begin with a tag
    assert tokenizer.encode(text) == without.encode(text)
    assert tokenizer.decode(tokenizer.encode(tagged(text, "de"))) == tokenizer.normalize(text)
    assert tokenizer.normalize(tagged(text, "de")) == without.normalize(text)


@pytest.mark.parametrize("units", KINDS)
def test_tags_survive_saving_and_extending(units):
    tokenizer = both(units)
    again = tokenizer_from_json(tokenizer.to_json())
    assert again.fingerprint == tokenizer.fingerprint != plain(units).fingerprint
    assert again.encode("<2fr> the cat") == tokenizer.encode("<2fr>the cat")
    more = with_tags(tokenizer.extended(["zebra zebra zebra"] * 3, 5), ["de", "ko"])
    assert len(tokenizer) < len(more)
    assert more.encode("<2fr>") == tokenizer.encode("<2fr>")
    assert more.tokens(more.encode("<2ko>")) == ["<2ko>"]


def test_a_tokenizer_whose_tags_have_no_piece_is_damaged():
    text = both("chars").to_json().replace('"de"', '"xx"')
    with pytest.raises(BundleError, match="contradict each other"):
        tokenizer_from_json(text)
