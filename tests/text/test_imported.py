"""Tokenizers of other tools: the same ids and texts as there, stored in our own file."""

import json
import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Library

from library_tokenizers import (
    BERT,
    GPT2,
    LINES,
    LLAMA,
    T5,
    byte_level,
    unigram,
    with_byte_tokens,
    word_piece,
)
from whyformer.decoding.text_prefix import Spellings, TextPrefix
from whyformer.decoding.wellformed import WellFormed
from whyformer.foundation.errors import BundleError, ConfigError, UsageError
from whyformer.text.imported import Imported
from whyformer.text.known import Known
from whyformer.text.symbols import BOS, EOS, FIRST_BYTE, FIRST_PIECE, MASK, PAD, UNK
from whyformer.text.tokenizer import tokenizer_from_json, train_tokenizer
from whyformer.text.tokenizer_files import read_tokenizer

OTHERS = ["", "  two  spaces ", "zebra ∑ quux", "tab\there", "line\nend", "a</s><pad>[CLS]b<mask>"]


KINDS = {
    "unigram": (unigram(["<pad>", "</s>", "<unk>"]), T5),
    "byte level": (byte_level(), GPT2),
    "WordPiece": (word_piece(), BERT),
    "byte tokens": (with_byte_tokens(), LLAMA),
}


@pytest.fixture(params=KINDS)
def both(request) -> tuple[Library, Imported]:
    library, symbols = KINDS[request.param]
    return library, Imported.from_tokenizer_json(library.to_str(), symbols=symbols)


def test_ids_and_texts_are_those_of_the_library(both):
    library, imported = both
    for text in [*LINES, *OTHERS[:-1]]:
        wanted = library.encode(text, add_special_tokens=False).ids
        ids = imported.encode(text)
        assert ids == [imported.ours[i] for i in wanted], text
        assert imported.decode(ids) == library.decode(wanted, skip_special_tokens=True), text
        assert imported.sample(text, random.Random(0), 0.5) == ids
    assert imported.encode_batch(LINES) == [imported.encode(line) for line in LINES]


def test_every_id_stands_for_one_id_of_the_library(both):
    library, imported = both
    assert len(imported) == len(imported.theirs) == len(imported.tokens(range(len(imported))))
    others = [i for i in imported.theirs[FIRST_BYTE:] if i is not None]
    assert len(set(others)) == len(imported) - FIRST_BYTE
    known = set(range(library.get_vocab_size()))
    assert known == {i for i in imported.theirs if i is not None} == imported.ours.keys()
    assert all(imported.theirs[our] == their for their, our in imported.ours.items())


def test_a_tokenizer_read_back_encodes_every_text_in_the_same_way(both):
    _, imported = both
    again = tokenizer_from_json(imported.to_json())
    assert isinstance(again, Imported)
    assert again.fingerprint == imported.fingerprint
    assert (again.theirs, again.symbols) == (imported.theirs, imported.symbols)
    for text in [*LINES, *OTHERS]:
        assert again.encode(text) == imported.encode(text)


def test_no_text_is_encoded_as_a_symbol_other_than_unk(both):
    _, imported = both
    for text in [*OTHERS, " ".join(imported.symbols.values())]:
        assert not {PAD, BOS, EOS, MASK}.intersection(imported.encode(text)), text


def test_every_id_can_be_decoded(both):
    _, imported = both
    for i in [*range(len(imported) + 1), -1]:
        assert isinstance(imported.decode([i, PAD, i]), str)
    ids = imported.encode(LINES[0])
    assert imported.decode([BOS, *ids, EOS, *ids]) == imported.decode(ids)


def test_the_bytes_of_the_tokens_spell_the_text(both):
    _, imported = both
    for text in LINES[:2]:
        ids = imported.encode(text)
        spelled = b"".join(imported.spellings[i] for i in ids).decode()
        if imported.lowercase:  # the words and marks of BERT all begin with a space
            spelled = spelled.replace(" ,", ",").replace(" .", ".").replace(" ?", "?")
        assert spelled.removeprefix(" ") == imported.decode(ids)


def test_tokens_at_the_start_of_a_word_begin_with_a_mark():
    library, symbols = KINDS["WordPiece"]
    bert = Imported.from_tokenizer_json(library.to_str(), symbols=symbols)
    assert bert.tokens(bert.encode("sat on"))[0][0] == "▁"
    library, symbols = KINDS["byte level"]
    gpt = Imported.from_tokenizer_json(library.to_str(), symbols=symbols)
    assert gpt.tokens(gpt.encode("sat on"))[-1] == "▁on"


def test_symbols_have_our_ids_and_one_token_can_be_two_symbols():
    library, symbols = KINDS["byte level"]
    imported = Imported.from_tokenizer_json(library.to_str(), symbols=symbols)
    assert imported.theirs[:FIRST_BYTE] == (None, 0, 0, None, None)
    assert imported.ours[0] == BOS
    assert imported.first_piece == FIRST_BYTE
    assert imported.over_bytes


def test_byte_tokens_have_our_ids_of_bytes():
    library, symbols = KINDS["byte tokens"]
    imported = Imported.from_tokenizer_json(library.to_str(), symbols=symbols)
    assert imported.first_piece == FIRST_PIECE
    assert imported.encode("é")[-2:] == [FIRST_BYTE + byte for byte in "é".encode()]
    assert imported.theirs[FIRST_BYTE : FIRST_BYTE + 2] == (3, 4)


def test_ids_of_the_model_can_differ_from_those_of_the_file():
    library, symbols = KINDS["unigram"]
    tokens = sorted(library.get_vocab(), reverse=True)[:-5]  # five tokens have no id
    ids = {token: 10 + i for i, token in enumerate({*tokens, *symbols.values()})}
    imported = Imported.from_tokenizer_json(library.to_str(), symbols=symbols, ids=ids)
    for text in LINES:
        encoded = library.encode(text, add_special_tokens=False).tokens
        wanted = [ids.get(token, ids["<unk>"]) for token in encoded]
        assert [imported.theirs[i] for i in imported.encode(text)] == wanted


def test_lower_case_is_the_rule_of_the_file_or_of_the_caller():
    library, symbols = KINDS["WordPiece"]
    assert Imported.from_tokenizer_json(library.to_str(), symbols=symbols).lowercase
    library, symbols = KINDS["byte level"]
    imported = Imported.from_tokenizer_json(library.to_str(), symbols=symbols, lowercase=True)
    assert imported.decode(imported.encode("The Cat")) == "the cat"
    assert tokenizer_from_json(imported.to_json()).encode("The") == imported.encode("the")


def test_characters_that_become_unk_or_bytes_are_unknown():
    for name, other in (("unigram", "∑"), ("byte tokens", "語")):
        library, symbols = KINDS[name]
        imported = Imported.from_tokenizer_json(library.to_str(), symbols=symbols)
        assert Known(imported).unknown_share(f"cat{other}") == pytest.approx(1 / 4)


def test_a_prefix_can_be_spelled_with_the_tokens_of_the_text(both):
    _, imported = both
    prefix = TextPrefix("the cat", imported, Spellings(imported))
    for place, token in enumerate(prefix.ids):
        allowed = prefix.allowed(prefix.ids[:place], 50)
        assert allowed is not None
        assert token in allowed
    assert prefix.allowed(prefix.ids, 50) is None


def test_sampled_bytes_stay_valid_text(both):
    _, imported = both
    text = WellFormed(imported.spellings, first_piece=imported.first_piece)
    half = [i for i, spelling in enumerate(imported.spellings) if spelling == "é".encode()[:1]]
    assert all(not text.allowed[text.after[0, i], EOS] for i in half)
    assert text.allowed[0, imported.encode("cat")].all()


def test_such_a_tokenizer_can_be_neither_learned_nor_extended(both):
    _, imported = both
    with pytest.raises(UsageError, match=r"--text\.from-file"):
        train_tokenizer("imported", LINES, vocabulary=300)
    with pytest.raises(ConfigError, match=r"was imported"):
        imported.extended(LINES, 5)


@pytest.mark.parametrize(
    "change", [{"content": "{}"}, {"theirs": [1]}, {"symbols": 3}, {"tool": "x"}]
)
def test_a_damaged_tokenizer_is_refused(change):
    library, symbols = KINDS["unigram"]
    imported = Imported.from_tokenizer_json(library.to_str(), symbols=symbols)
    with pytest.raises(BundleError, match="damaged"):
        tokenizer_from_json(json.dumps(json.loads(imported.to_json()) | change))


def test_unknown_symbols_are_refused():
    library, _ = KINDS["unigram"]
    with pytest.raises(ConfigError, match=r'but pad "\[PAD\]" was given'):
        Imported.from_tokenizer_json(library.to_str(), symbols={"pad": "[PAD]"})


def test_a_tokenizer_json_names_its_symbols_itself_or_in_the_file_beside_it(tmp_path: Path):
    library, symbols = KINDS["unigram"]
    file = tmp_path / "tokenizer.json"
    library.save(str(file))
    assert read_tokenizer(file).symbols == symbols
    config = {"pad_token": {"content": "</s>"}, "eos_token": "</s>", "unk_token": "<unk>"}
    config |= {"bos_token": None, "model_max_length": 10**30}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    assert read_tokenizer(file).symbols == symbols | {"pad": "</s>"}


def test_a_vocab_txt_is_read_as_word_piece(tmp_path: Path):
    library, symbols = KINDS["WordPiece"]
    tokens = sorted(library.get_vocab(), key=library.get_vocab().__getitem__)
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(tokens) + "\n", encoding="utf-8")
    imported = read_tokenizer(file)
    assert imported.symbols == symbols
    assert imported.lowercase
    for text in LINES:
        wanted = library.encode(text, add_special_tokens=False).ids
        assert [imported.theirs[i] for i in imported.encode(text)] == wanted
    config = tmp_path / "tokenizer_config.json"
    config.write_text('{"do_lower_case": false}', encoding="utf-8")
    assert read_tokenizer(file).encode("THE")[0] == UNK


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"must have one token per line"),
        (b"{", "position|column"),
        (b'{"model": {}}', "`vocab` is missing"),
        (b"\x80\x04\x95pickle", "is a pickle"),
        (b"word\nword\n[UNK]\n", "each once"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, reason: str):
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        read_tokenizer(file)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="no such file"):
        read_tokenizer(tmp_path / "none.model")
