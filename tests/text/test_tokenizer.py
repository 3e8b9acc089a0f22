"""Laws of every tokenizer: nothing is lost, nothing is unknown, nothing depends on chance."""

import json
import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.foundation.config import build
from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.text.normalization import normalize
from whyformer.text.pieces import UNITS
from whyformer.text.symbols import BOS, EOS, FIRST_BYTE, FIRST_PIECE, MASK, PAD, UNK
from whyformer.text.tokenizer import (
    Tokenizer,
    TokenizerSettings,
    tokenizer_from_json,
    train_tokenizer,
)

TEXTS = [
    "The cat sat on the mat, and the dog sat on the log.",
    "Die Katze saß auf der Matte; der Hund saß auf dem Baumstamm.",
    "나는 오늘 학교에 갔다. 너는 오늘 집에 갔다.",
    "the theatre there, then these others: thesis and the catalogue",
    "T AE S T  K AE T ▁odd▁ <pad> <0x41>",
] * 3
LEARNED = [name for name, kind in UNITS.items() if kind.learned]
LOSSLESS = ["bpe", "unigram", "byte_bpe", "chars"]
SUBWORDS = ["bpe", "unigram", "byte_bpe"]
HARD = [
    "",
    " ",
    "  two  spaces  ",
    "tab\there\u00a0nbsp\u3000wide",
    "a<pad>b<eos><unk> <0x41><0x00>",
    "▁▁ literal ▁",
    "👩‍👩‍👧‍👦 and 🇰🇷",
    "שלום עליכם، مرحبا",
    "한국어 조합 \u1112\u1161\u11ab",
    "e\u0301 q\u0323\u0307 \u0061\u0328\u0301",
    "\x00\x01\x7f\x85\u2028\u200b\ufeff\U0010ffff",
    "a\nb\r\n",
    "x" * 500,
]
text = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=40),
    st.text(alphabet="the cats.,▁ \t<pad>", max_size=40),
)


@cache
def trained(units: str) -> Tokenizer:
    return train_tokenizer(units, TEXTS, vocabulary=400)


@pytest.mark.parametrize("units", LEARNED)
@given(text=text)
@settings(max_examples=60, deadline=None)
def test_decoding_gives_back_the_normalized_text(units, text):
    tokenizer = trained(units)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == tokenizer.normalize(text)
    assert UNK not in ids
    assert all(FIRST_BYTE <= i < len(tokenizer) for i in ids)


@pytest.mark.parametrize("units", LEARNED)
@pytest.mark.parametrize("text", HARD)
def test_hard_texts_survive_the_round_trip(units, text):
    tokenizer = trained(units)
    assert tokenizer.decode(tokenizer.encode(text)) == tokenizer.normalize(text)
    sampled = tokenizer.sample(text, random.Random(0), 0.5)
    assert tokenizer.decode(sampled) == tokenizer.normalize(text)


@given(text=text)
def test_only_nfc_is_changed_by_units_that_keep_spaces(text):
    for units in LOSSLESS:
        assert trained(units).normalize(text) == normalize(text)


@given(text=text)
def test_words_keep_all_but_the_width_of_gaps(text):
    for units in ("words", "phonemes"):
        assert trained(units).normalize(text) == " ".join(normalize(text).split())


def test_unknown_words_side_by_side_keep_their_boundary():
    words = trained("words")
    assert words.decode(words.encode("zig zag the zug the")) == "zig zag the zug the"
    known = words.encode("the")
    assert words.decode([*known, *known]) == "the the"


@pytest.mark.parametrize("units", SUBWORDS)
@given(text=text, seed=st.integers(0, 99), rate=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
@settings(max_examples=60, deadline=None)
def test_sampling_round_trips_and_depends_on_the_generator_only(units, text, seed, rate):
    tokenizer = trained(units)
    ids = tokenizer.sample(text, random.Random(seed), rate)
    assert tokenizer.decode(ids) == tokenizer.normalize(text)
    fresh = tokenizer_from_json(tokenizer.to_json())
    assert fresh.sample(text, random.Random(seed), rate) == ids
    assert tokenizer.sample(text, random.Random(seed), 0.0) == tokenizer.encode(text)


@pytest.mark.parametrize("units", LEARNED)
def test_json_keeps_fingerprint_and_encodings(units):
    tokenizer = trained(units)
    again = tokenizer_from_json(tokenizer.to_json())
    assert again.fingerprint == tokenizer.fingerprint
    assert len(again) == len(tokenizer)
    assert again.units == units
    for sentence in TEXTS + HARD:
        assert again.encode(sentence) == tokenizer.encode(sentence)


@pytest.mark.parametrize("units", LEARNED)
def test_training_depends_on_the_texts_only(units):
    once = train_tokenizer(units, TEXTS, vocabulary=350)
    again = train_tokenizer(units, reversed(TEXTS), vocabulary=350)
    assert once.fingerprint == again.fingerprint
    other = train_tokenizer(units, TEXTS[:1], vocabulary=350)
    assert once.fingerprint != other.fingerprint


@pytest.mark.parametrize("units", LEARNED)
@pytest.mark.parametrize("vocabulary", [261, 265, 300, 5000])
def test_vocabulary_is_a_limit_and_small_corpora_stay_below_it(units, vocabulary):
    tokenizer = train_tokenizer(units, TEXTS, vocabulary=vocabulary)
    assert FIRST_PIECE <= len(tokenizer) <= vocabulary
    for sentence in TEXTS:
        assert tokenizer.decode(tokenizer.encode(sentence)) == tokenizer.normalize(sentence)


@pytest.mark.parametrize("units", LEARNED)
@pytest.mark.parametrize("texts", [[], [""], ["a"], ["\x00"]])
def test_almost_no_text_still_makes_a_tokenizer(units, texts):
    tokenizer = train_tokenizer(units, texts, vocabulary=300)
    assert tokenizer.decode(tokenizer.encode("a b c")) == "a b c"


@pytest.mark.parametrize("units", LEARNED)
@given(ids=st.lists(st.integers(-5, 500), max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_ids_decode_without_an_error(units, ids):
    tokenizer = trained(units)
    assert isinstance(tokenizer.decode(ids), str)
    assert len(tokenizer.tokens(ids)) == len(ids)


@pytest.mark.parametrize("units", LEARNED)
def test_decoding_stops_at_eos_and_symbols_carry_no_text(units):
    tokenizer = trained(units)
    ids = tokenizer.encode("the cat")
    assert tokenizer.decode([BOS, *ids, PAD, MASK, UNK, EOS, *ids]) == "the cat"


def test_bytes_that_are_not_utf8_become_the_replacement_character():
    broken = [FIRST_BYTE + 0xED, FIRST_BYTE + 0x95]
    assert trained("bpe").decode(broken) == "\ufffd"


def test_a_lone_surrogate_becomes_the_replacement_character():
    for units in LEARNED:
        assert trained(units).decode(trained(units).encode("a\ud800b")) == "a\ufffdb"


def test_lower_case_is_lossy_and_asked_for():
    tokenizer = train_tokenizer("bpe", TEXTS, vocabulary=400, lowercase=True)
    assert tokenizer.decode(tokenizer.encode("The CAT İ")) == tokenizer.normalize("THE cat İ")
    assert tokenizer_from_json(tokenizer.to_json()).lowercase


def test_tokens_show_the_space_before_a_word():
    tokenizer = trained("bpe")
    assert tokenizer.tokens(tokenizer.encode("the the")) == ["the", "▁the"]
    assert tokenizer.tokens([PAD, EOS, FIRST_BYTE, 9999]) == ["<pad>", "<eos>", "<0x00>", "<9999>"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: s | {"pieces": [1]},
        lambda s: s | {"pieces": ["a", "a"]},
        lambda s: s | {"units": []},
        lambda s: s | {"lowercase": "no"},
        lambda s: s | {"merges": [[261]]},
        lambda s: s | {"merges": [[99999, 261]]},
        lambda s: {k: v for k, v in s.items() if k != "pieces"},
    ],
)
def test_damaged_json_is_one_clear_error(damage):
    state = damage(json.loads(trained("bpe").to_json()))
    with pytest.raises(BundleError, match=r"^tok\.json: this must be a tokenizer .* damaged"):
        tokenizer_from_json(json.dumps(state), "tok.json")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "{}"])
def test_what_is_no_tokenizer_is_one_clear_error(text):
    with pytest.raises(BundleError, match=r"damaged .*\. Copy the model directory again"):
        tokenizer_from_json(text)


def test_a_newer_format_asks_for_a_newer_whyformer():
    state = json.loads(trained("chars").to_json()) | {"format": 3}
    with pytest.raises(BundleError, match=r"must be 2 or older, but it is 3\. Install a newer"):
        tokenizer_from_json(json.dumps(state))


def test_differing_units_are_not_shared():
    assert TokenizerSettings().is_shared
    g2p = TokenizerSettings(source_units="chars", target_units="phonemes")
    assert (g2p.of_source, g2p.of_target, g2p.is_shared) == ("chars", "phonemes", False)


def test_sampling_without_subwords_is_refused():
    with pytest.raises(ConfigError, match=r"`sampling` must be 0 without subword units"):
        build(TokenizerSettings, {"units": "chars", "sampling": 0.1}, where="recipe.yaml")


def test_sampling_with_tokenizer_files_is_refused_without_advice_on_units_alone():
    files = {"from_file": "spm.model", "sampling": 0.1}
    with pytest.raises(ConfigError, match=r"0 with a tokenizer file, .*leave out the tokenizer"):
        build(TokenizerSettings, files, where="recipe.yaml")
