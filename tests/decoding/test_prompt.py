"""Prompts read in one pass give what prompts read token by token give."""

import pytest
import torch

import tiny
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.recurrence import Cell
from whyformer.decoding.prompt import PromptReader
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings

pytestmark = pytest.mark.usefixtures("unchecked")
VOCABULARY = 23
PROMPTS = [[9, 10, 11, 9, 12], [13, 9, 9, 14, 10]]
SEARCHES = {
    "greedy": {"beam": 1},
    "beam": {"beam": 3, "nbest": 3, "length_penalty": 0.6},
    "groups": {"beam": 4, "groups": 2, "nbest": 2, "no_repeat_ngram": 3},
    "draws": {"method": "sample", "nbest": 3, "seed": 5},
}


def gpt(position: str) -> tiny.GPT:
    torch.manual_seed(0)
    settings = tiny.GPTSettings(
        layers=2, d_model=16, heads=2, d_ff=24, positions=position, max_length=40
    )
    return tiny.GPT(settings, (VOCABULARY, VOCABULARY)).eval()


def lstm(cell: Cell) -> tiny.RecurrentLanguageModel:
    torch.manual_seed(0)
    settings = tiny.RecurrentLanguageSettings(layers=2, d_model=16, cell=cell, max_length=40)
    return tiny.RecurrentLanguageModel(settings, (VOCABULARY, VOCABULARY)).eval()


MODELS = [*((gpt, position) for position in POSITIONS), *((lstm, cell) for cell in Cell)]


@pytest.mark.parametrize(("make", "kind"), MODELS, ids=[str(kind) for _, kind in MODELS])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_the_same(make, kind, name):
    model = make(kind)
    nothing = torch.zeros(len(PROMPTS), 1, dtype=torch.long)
    settings = SearchSettings.model_validate({"max_length": 16, **SEARCHES[name]})
    with torch.inference_mode():
        stepped, read = (
            search(one, nothing, None, settings, prefixes=PROMPTS)
            for one in (model, PromptReader(model, PROMPTS))
        )
    for prompt, mine, other in zip(PROMPTS, read, stepped, strict=True):
        assert [one.tokens for one in mine] == [one.tokens for one in other]
        assert all(one.tokens[: len(prompt)] == tuple(prompt) for one in mine)
        for one, same in zip(mine, other, strict=True):
            assert one.log_probability == pytest.approx(same.log_probability, abs=1e-5)


def test_the_model_is_asked_once_for_all_prompts(monkeypatch):
    model = gpt("rotary")
    lengths = []
    features = model.features

    def counted(tokens, *others):
        lengths.append(tokens.shape[1])
        return features(tokens, *others)

    monkeypatch.setattr(model, "features", counted)
    settings = SearchSettings(beam=1, max_length=8)
    nothing = torch.zeros(len(PROMPTS), 1, dtype=torch.long)
    with torch.inference_mode():
        search(PromptReader(model, PROMPTS), nothing, None, settings, prefixes=PROMPTS)
    assert lengths[0] == len(PROMPTS[0]) + 1  # bos
    assert lengths[1:] == [1] * len(lengths[1:])
    assert len(lengths) <= 8 - len(PROMPTS[0]) + 1  # the last step asks for eos
