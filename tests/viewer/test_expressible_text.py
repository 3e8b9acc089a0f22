"""The page refuses the tokenizers that it cannot express, and says why."""

import json
from collections.abc import Iterable

import pytest

from library_tokenizers import (
    BERT,
    GPT2,
    LLAMA,
    T5,
    byte_level,
    unigram,
    with_byte_tokens,
    word_piece,
)
from whyformer.text.imported import Imported
from whyformer.text.pieces import UNITS, Pieces
from whyformer.text.tags import with_tags
from whyformer.text.tokenizer import train_tokenizer
from whyformer.viewer.expressible_text import refused_tokenizer

LEARNED = sorted(name for name, kind in UNITS.items() if kind.learned)


@pytest.mark.parametrize("units", LEARNED)
def test_every_kind_of_units_can_be_expressed_with_and_without_tags(units):
    tokenizer = train_tokenizer(units, ["a cat and a dog"] * 3, vocabulary=300)
    assert refused_tokenizer(tokenizer) is None
    assert refused_tokenizer(with_tags(tokenizer, ["de"])) is None


def test_imported_tokenizers_like_those_of_bert_and_gpt_2_can_be_expressed():
    for library, symbols in ((word_piece(), BERT), (byte_level(), GPT2)):
        assert refused_tokenizer(made(library.to_str(), symbols)) is None


def made(content: str, symbols: dict[str, str]) -> Imported:
    return Imported.from_tokenizer_json(content, symbols=symbols)


@pytest.mark.parametrize(
    ("library", "symbols"),
    [(unigram(["<pad>", "</s>", "<unk>"]), T5), (with_byte_tokens(), LLAMA)],
    ids=["T5", "Llama"],
)
def test_imported_tokenizers_of_other_kinds_are_refused(library, symbols):
    reason = refused_tokenizer(made(library.to_str(), symbols))
    assert reason is not None
    assert "WordPiece as in BERT" in reason


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("pre_tokenizer", {"use_regex": False}),
        ("model", {"dropout": 0.5}),
        ("normalizer", {"type": "NFC"}),
    ],
)
def test_a_byte_level_tokenizer_with_other_rules_is_refused(part, change):
    state = json.loads(byte_level().to_str())
    state[part] = (state[part] or {}) | change
    assert "rules that the page cannot apply" in str(
        refused_tokenizer(made(json.dumps(state), GPT2))
    )


def test_a_byte_level_tokenizer_that_lacks_a_byte_is_refused():
    state = json.loads(byte_level().to_str())
    merged = {a + b for a, b in state["model"]["merges"]}
    lost = next(t for t in state["model"]["vocab"] if len(t) == 1 and t not in "".join(merged))
    state["model"]["vocab"].pop(lost)
    assert "rules" in str(refused_tokenizer(made(json.dumps(state), GPT2)))


def test_an_added_token_that_is_no_symbol_is_refused_by_name():
    library = word_piece()
    library.add_tokens(["<user>"])
    assert "the added token <user>" in str(refused_tokenizer(made(library.to_str(), BERT)))


def test_units_of_a_plugin_are_refused_by_name():
    class Mine(Pieces):
        @classmethod
        def train(
            cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
        ) -> "Mine":
            return cls(units, [], lowercase=lowercase)

    mine = Mine.train("mine", [], vocabulary=261)
    assert "`mine` come from a plugin" in str(refused_tokenizer(mine))
