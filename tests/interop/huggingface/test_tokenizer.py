"""A tokenizer written as tokenizer.json gives the ids of the tokenizer of the run."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer as Library

from whyformer.foundation.errors import UsageError
from whyformer.interop.huggingface.tokenizer import REASONS, Frame, to_library, write_tokenizer
from whyformer.text.symbols import BOS, EOS, MASK
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

TRAINING = [
    "The quick brown fox jumps over the lazy dog, and the dog sleeps on: 3.14 times!",
    "안녕하세요, 저는 학생입니다. 오늘 날씨가 좋습니다.",
    "東京は日本の首都です。今日はいい天気ですね。",
    "Привет, мир! Сегодня хорошая погода в Москве.",
    "مرحبا بالعالم، كيف حالك اليوم؟ الطقس جميل.",
    "नमस्ते दुनिया। आज मौसम अच्छा है।",
] * 3
LINES = [
    *TRAINING[:6],
    "A man,  a plan — “canal”… (Panama) [x] {y} a&b ~^`|\\ 100% #1 e-mail@host.org",
    "Ο ΣΊΣΥΦΟΣ ΑΝΕΒΑΊΝΕΙ, ΣΑΣ. ΑΣ'Σ — ΌΣΟΣ Σ",
    "İSTANBUL Straße ǅ ﬁ Å é e\u0301 한\u1112\u1161\u11ab",
    "unseen: ไทย 🙂🏽 ქართული \U00020000 \ufffd \u00a0 nbsp\u2003em",
    "line\nbreaks\tand\ttabs \r\n  end",
    "x" * 200 + " " + "한" * 100 + "!" * 100,
    "<0x41> <0x> <|endoftext|> <un> pad> a<b>c",
    " spaces at the ends \u3000",
    "",
]


def trained(units: str, *, lowercase: bool = False) -> Tokenizer:
    return train_tokenizer(units, TRAINING, vocabulary=420, lowercase=lowercase)


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("units", ["bpe", "byte_bpe", "unigram", "chars"])
def test_written_tokenizer_gives_the_same_ids(units: str, lowercase: bool):
    ours = trained(units, lowercase=lowercase)
    library = to_library(ours, Frame.SOURCE, keep_spaces=True)
    library = Library.from_str(library.to_str())  # what a file holds
    assert library.get_vocab_size() == len(ours)
    for line in LINES:
        assert library.encode(line).ids == [*ours.encode(line), EOS], line


@pytest.mark.parametrize("units", ["bpe", "byte_bpe", "unigram", "chars"])
def test_written_tokenizer_decodes_to_the_normalized_text(units: str):
    ours = trained(units)
    library = to_library(ours, Frame.PROMPT, keep_spaces=True)
    for line in LINES:
        assert library.decode(library.encode(line).ids) == ours.normalize(line)


def test_spaces_at_the_ends_are_removed_as_in_training():
    ours = trained("bpe")
    library = to_library(ours, Frame.SOURCE)
    for space in " \t\n\r\x1c\x1f\x85\xa0\u1680\u2000\u200a\u2028\u202f\u205f\u3000":
        line = f"{space} a  dog{space}{space}"
        assert library.encode(line).ids == [*ours.encode(line.strip()), EOS], repr(space)


def test_a_pair_of_texts_has_two_segments():
    library = to_library(trained("chars"), Frame.TEXTS)
    found = library.encode("ab", "c")
    assert [found.ids[0], found.ids[3], found.ids[5]] == [BOS, EOS, EOS]
    assert found.type_ids == [0, 0, 0, 0, 1, 1]


def test_the_spelling_of_a_symbol_is_text_only_if_symbols_are_split():
    ours = trained("bpe")
    library = to_library(ours, Frame.SOURCE)
    assert MASK in library.encode("a <mask>").ids
    library.encode_special_tokens = True
    assert library.encode("a <mask>").ids == [*ours.encode("a <mask>"), EOS]


@pytest.mark.parametrize("units", sorted(REASONS))
def test_units_that_cannot_be_written_are_refused_with_the_reason(units: str):
    ours = train_tokenizer(units, ["a b c"], vocabulary=300)
    with pytest.raises(UsageError, match=REASONS[units]):
        to_library(ours, Frame.SOURCE)


def test_a_piece_with_the_spelling_of_a_symbol_is_refused():
    ours = trained("bpe")
    damaged = type(ours)("bpe", ["<pad>"], [])
    with pytest.raises(UsageError, match="both a symbol and a learned piece"):
        to_library(damaged, Frame.SOURCE)


@pytest.mark.parametrize("symbols_in_text", [False, True])
def test_transformers_loads_the_written_tokenizer(symbols_in_text: bool, tmp_path: Path):
    from transformers import AutoTokenizer

    ours = trained("unigram")
    settings = {"max_length": 500, "symbols_in_text": symbols_in_text}
    write_tokenizer(tmp_path, ours, Frame.TEXTS, **settings)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    theirs = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for line in LINES:
        assert theirs(line).input_ids == [BOS, *ours.encode(line.strip()), EOS]
    assert theirs("a", "b").token_type_ids == [0, 0, 0, 1, 1]
    assert (theirs.mask_token_id in theirs("a <mask>").input_ids) is symbols_in_text
    assert theirs.mask_token_id == MASK
    assert theirs.model_max_length == 500
