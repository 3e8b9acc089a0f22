"""The page names the characters and words of a text that the model has no token for."""

import pytest

import javascript_engine
import library_tokenizers
import tiny
from javascript import answer
from library_tokenizers import byte_level, word_piece
from whyformer.bundle import Bundle
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import Transformer
from whyformer.text.imported import Imported
from whyformer.text.tags import with_tags
from whyformer.text.tokenizer import train_tokenizer

pytestmark = pytest.mark.usefixtures("unchecked")
LINES = ["the cat sat", "값이 비싸다", "a dog"]


def found(tokenizer, *texts):
    [some] = answer("unknown.mjs", [{"json": tokenizer.to_json(), "texts": list(texts)}])
    return some


@pytest.mark.parametrize("units", ["chars", "bpe", "unigram"])
def test_characters_outside_the_vocabulary_are_named_once_in_the_order_of_the_text(units):
    [some, none] = found(train_tokenizer(units, LINES, vocabulary=400), "žat z 한z", "the dog")
    assert some == {"parts": ["ž", "z", "한"], "asBytes": True}
    assert none["parts"] == []


def test_a_space_that_the_model_never_saw_is_named():
    [some] = found(train_tokenizer("chars", ["cat", "dog"], vocabulary=400), " cat dog ")
    assert some["parts"] == [" "]


def test_a_syllable_with_an_unknown_letter_is_named():
    [some, none] = found(train_tokenizer("jamo", LINES, vocabulary=400), "값을", "싸이")
    assert some["parts"] == ["을"]
    assert none["parts"] == []


def test_words_outside_the_vocabulary_are_named():
    some, both = found(
        train_tokenizer("words", LINES, vocabulary=400), "the bird sat", "big bird sat big"
    )
    assert some["parts"] == ["bird"]
    assert both["parts"] == ["big", "bird"]


def test_ascii_is_known_to_units_over_bytes_and_a_whole_character_in_bytes_is_not():
    tokenizer = train_tokenizer("byte_bpe", ["값이 값이 값이"] * 9, vocabulary=300)
    [some] = found(tokenizer, "qz 값이 한")
    assert some["parts"] == ["한"]


def test_a_mask_and_a_tag_are_known():
    tokenizer = train_tokenizer("bpe", LINES, vocabulary=400)
    [masked] = found(tokenizer, "the <mask> z [MASK]")
    assert masked["parts"] == ["z"]
    [tagged] = found(with_tags(tokenizer, ["de"]), "<2de> the cat z")
    assert tagged["parts"] == ["z"]


def test_words_that_an_imported_tokenizer_writes_as_unknown_are_named():
    bert = Imported.from_tokenizer_json(word_piece().to_str(), symbols=library_tokenizers.BERT)
    assert 3 in bert.encode("🦄")
    [some] = found(bert, "the 🦄 cat")
    assert some == {"parts": ["🦄"], "asBytes": False}
    gpt = Imported.from_tokenizer_json(byte_level().to_str(), symbols=library_tokenizers.GPT2)
    assert found(gpt, "the 🦄")[0]["parts"] == []  # it has a token for every byte


def _bundle(kind, settings):
    tokenizer = train_tokenizer("chars", LINES, vocabulary=400)
    model = kind(settings, (len(tokenizer), len(tokenizer)))
    return Bundle(javascript_engine.stored(model), tokenizer, tokenizer, {"labels": ["a", "b"]})


def test_a_result_names_what_is_unknown_in_all_texts_of_a_request():
    shape = {"layers": 1, "d_model": 16, "heads": 2, "d_ff": 24, "max_length": 64}
    bundles = [
        _bundle(Transformer, tiny.shape()),
        _bundle(GPT, GPTSettings(**shape)),
        _bundle(BERT, BERTSettings(**shape, outputs=2)),
    ]
    requests = [{"text": "a ž", "second": "z", "search": {"maxTokens": 2}}]
    answers = javascript_engine.sessions(bundles, [requests] * 3)
    parts = [one["results"][0]["unknown"]["parts"] for one in answers]
    assert parts == [["ž", "z"], ["ž", "z"], ["ž", "z"]]
