"""The page's tokenizers give the ids and texts of the Python tokenizers."""

import json
import random
from functools import cache

import pytest

from javascript import answer
from library_tokenizers import BERT, GPT2, byte_level, word_piece
from odd_texts import odd_texts
from whyformer.text.imported import Imported
from whyformer.text.pieces import UNITS
from whyformer.text.tags import with_tags
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

pytestmark = pytest.mark.usefixtures("unchecked")
TEXTS = 2000
NEW_MARKS = frozenset("\u061d" + "".join(map(chr, range(0x1E944, 0x1E960))))
"""Marks of Unicode 9 and later. The `tokenizers` library does not know that they are marks."""
LINES = [
    "The cat sat on the mat, and the dog sat on the log. The theatre there, then these others!",
    "Die Katze saß auf der Matte; der Hund saß auf dem Baumstamm. İstanbul, ΟΔΟΣ, Œuvre?",
    "나는 오늘 학교에 갔다. 너는 오늘 집에 갔다. 값이 비싸다",
    "T AE S T  K AE T ▁odd▁ <pad> <0x41> शब्द नमस्ते। Привет, мир 日本語。日本",
    "café naïve e\u0301 👩‍👩‍👧‍👦 👍🏽 שלום عليكم، مرحبا",
] * 4
LEARNED = sorted(name for name, kind in UNITS.items() if kind.learned)


def tokenizers() -> dict[str, Tokenizer]:
    """Return a tokenizer of every kind of units, with and without case and tags."""
    found: dict[str, Tokenizer] = {}
    for units in LEARNED:
        found[units] = train_tokenizer(units, LINES, vocabulary=420)
        found[f"{units} lower"] = train_tokenizer(units, LINES, vocabulary=400, lowercase=True)
        found[f"{units} tags"] = with_tags(found[units], ["de", "fr"])
    return found | imported()


def imported() -> dict[str, Tokenizer]:
    """Return the imported tokenizers that the page can read, with the options of their kind."""
    bert, gpt = word_piece().to_str(), byte_level().to_str()
    cased = json.loads(bert)
    cased["normalizer"] |= {"lowercase": False, "handle_chinese_chars": False}
    accents = json.loads(bert)
    accents["normalizer"] |= {"strip_accents": False, "clean_text": False}
    accents["decoder"]["cleanup"] = False
    spaced = json.loads(gpt)
    spaced["pre_tokenizer"]["add_prefix_space"] = True
    spaced["model"]["ignore_merges"] = True
    made = Imported.from_tokenizer_json
    return {
        "BERT": made(bert, symbols=BERT),
        "BERT cased": made(json.dumps(cased), symbols=BERT),
        "BERT accents": made(json.dumps(accents), symbols=BERT, unused=["the"]),
        "GPT-2": made(gpt, symbols=GPT2),
        "GPT-2 spaced": made(json.dumps(spaced), symbols=GPT2, lowercase=True, lead=["T"]),
    }


def rows(tokenizer: Tokenizer, count: int) -> list[list[int]]:
    """Return random ids, as a bad model could write them."""
    rng = random.Random(1)
    whole = range(-1, len(tokenizer) + 2)
    return [
        [rng.choice(whole[:262] if rng.random() < 0.5 else whole) for _ in range(rng.randint(0, 9))]
        for _ in range(count)
    ]


@cache
def answers() -> dict[str, tuple[Tokenizer, dict]]:
    """Return the tokenizers, and what JavaScript says about them, from one process."""
    named = tokenizers()
    texts = odd_texts(TEXTS)
    request = [
        {"json": one.to_json(), "texts": texts, "rows": rows(one, TEXTS)} for one in named.values()
    ]
    given = answer("tokenizers.mjs", request)
    return {name: (named[name], one) for name, one in zip(named, given, strict=True)}


NAMES = [*(f"{units}{more}" for units in LEARNED for more in ("", " lower", " tags")), *imported()]


@pytest.mark.parametrize("name", NAMES)
def test_every_text_has_the_same_ids_in_javascript(name):
    tokenizer, found = answers()[name]
    new = NEW_MARKS if name.startswith("BERT") else frozenset()
    for text, ids in zip(odd_texts(TEXTS), found["ids"], strict=True):
        assert ids == tokenizer.encode(text) or not new.isdisjoint(text), repr(text)


@pytest.mark.parametrize("name", NAMES)
def test_every_text_has_the_same_normal_form_in_javascript(name):
    tokenizer, found = answers()[name]
    for text, normalized in zip(odd_texts(TEXTS), found["normalized"], strict=True):
        assert normalized == tokenizer.normalize(text), repr(text)


@pytest.mark.parametrize("name", NAMES)
def test_all_ids_have_the_same_text_in_javascript(name):
    tokenizer, found = answers()[name]
    for ids, text in zip(rows(tokenizer, TEXTS), found["texts"], strict=True):
        assert text == tokenizer.decode(ids), ids


@pytest.mark.parametrize("name", NAMES)
def test_every_id_is_shown_alike_and_found_by_what_is_shown(name):
    tokenizer, found = answers()[name]
    size = len(tokenizer)
    tokens = tokenizer.tokens(range(-1, size + 1))
    assert found["tokens"] == tokens
    assert [bytes(one) for one in found["spellings"]] == list(tokenizer.spellings)
    assert (found["size"], found["firstPiece"]) == (size, tokenizer.first_piece)
    assert (found["gaps"], found["lead"]) == (tokenizer.gaps, list(tokenizer.lead))
    assert found["found"] == [tokens[1:].index(token) for token in tokens[1:-1]]
