"""A prefix that ends anywhere: what begins with it is found, however it is cut into tokens."""

from functools import cache

import pytest
import torch

from toy_models import ToyModel, sources
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_prefix import Spellings, TextPrefix
from whyformer.foundation.errors import UsageError
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

pytestmark = pytest.mark.usefixtures("unchecked")
TEXTS = ["ɒ bː ɒ n", "ɒ b a", "virág virágok vir a", "bot boats"]
UNITS = ["words", "phonemes", "chars", "bpe", "unigram", "byte_bpe"]


@cache
def tokenizer_of(units: str) -> Tokenizer:
    return train_tokenizer(units, TEXTS, vocabulary=300)


@cache
def model_of(units: str) -> ToyModel:
    model = ToyModel(5, vocabulary=len(tokenizer_of(units)), eos=1.0)
    model.table[:, FIRST_BYTE:FIRST_PIECE] -= 4.0
    return model


def prefix_of(units: str, text: str) -> TextPrefix:
    tokenizer = tokenizer_of(units)
    return TextPrefix(text, tokenizer, Spellings(tokenizer))


def cuts(units: str, settings: SearchSettings):
    """Yield an own answer of the model, and what is found with each of its beginnings."""
    tokenizer, model = tokenizer_of(units), model_of(units)
    ids, real = sources(8, 5)
    for row, (best, *_) in enumerate(search(model, ids, real, settings)):
        text = tokenizer.decode(best.tokens)
        if "\ufffd" in text or tokenizer.normalize(text) != text:
            continue  # bytes that are no text
        for end in range(1, len(text) + 1):
            if text[:end] != tokenizer.normalize(text[:end]):
                continue
            prefix = prefix_of(units, text[:end])
            if len(prefix.ids) >= 12:
                continue
            one = ids[row : row + 1], real[row : row + 1]
            found = search(model, *one, settings, prefixes=[prefix], indices=[row])[0]
            yield best, text[:end], found


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("beam", [1, 4])
def test_every_beginning_of_an_answer_leads_to_an_answer_as_probable(units, beam):
    settings = SearchSettings(beam=beam, nbest=beam, max_length=12)
    checked = 0
    for best, beginning, found in cuts(units, settings):
        checked += 1
        if beam == 1:
            assert found == [best]
        assert found[0].score >= best.score - 1e-6
        for one in found:
            assert tokenizer_of(units).decode(one.tokens).startswith(beginning)
    assert checked > 3


@pytest.mark.parametrize("units", UNITS)
def test_every_sample_begins_with_the_prefix(units):
    tokenizer, model = tokenizer_of(units), model_of(units)
    settings = SearchSettings.model_validate({"method": "sample", "nbest": 20, "max_length": 14})
    for text in ("ɒ b", "vir", "bo", "ɒ bː ɒ", "q é"):
        (found,) = search(
            model, torch.tensor([[9]]), None, settings, prefixes=[prefix_of(units, text)]
        )
        assert len(found) == 20
        for one in found:
            assert tokenizer.decode(one.tokens).startswith(text)


def test_a_unit_that_goes_on_where_the_prefix_ends_is_allowed():
    tokenizer = tokenizer_of("phonemes")
    first, short, long = tokenizer.encode("ɒ b bː")
    allowed = prefix_of("phonemes", "ɒ b").allowed([first], 9)
    assert allowed is not None
    assert {short, long} <= set(allowed)
    assert set(tokenizer.encode("n")).isdisjoint(allowed)
    assert prefix_of("phonemes", "ɒ b").allowed([first, long], 9) is None


@pytest.mark.parametrize("units", UNITS)
def test_a_choice_that_leads_nowhere_or_too_far_is_not_offered(units):
    tokenizer = tokenizer_of(units)
    prefix = prefix_of(units, "ɒ virágo")
    shortest = min(len(prefix.ids), len(tokenizer.encode("ɒ virágok")))
    for room in range(shortest, 16):
        said: list[int] = []
        while (allowed := prefix.allowed(said, room - len(said))) is not None:
            assert allowed
            said.append(allowed[len(allowed) // 2])
        assert len(said) <= room
        assert tokenizer.decode(said).startswith("ɒ virágo")


def test_a_limit_that_the_prefix_fills_is_refused():
    settings = SearchSettings(beam=2, max_length=3)
    model, prefix = model_of("chars"), prefix_of("chars", "abot")
    with pytest.raises(UsageError, match="A prefix must be shorter than the length limit"):
        search(model, torch.tensor([[9]]), None, settings, prefixes=[prefix])
