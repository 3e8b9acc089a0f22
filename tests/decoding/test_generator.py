"""Continuations: what a prompt gets does not depend on its company."""

import re

import pytest
import torch

import tiny
from whyformer.decoding.generator import Generator
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError
from whyformer.text.symbols import FIRST_PIECE
from whyformer.text.tokenizer import train_tokenizer

TOKENIZER = train_tokenizer("chars", ["abcdefgh "], vocabulary=400)
DRAW = SearchSettings(method="sample", nbest=2, seed=3)
SEARCH = SearchSettings(beam=3, nbest=3, length_penalty=0.0)


def generator(longest: int = 30) -> Generator:
    torch.manual_seed(0)
    settings = tiny.GPTSettings(
        layers=1, d_model=16, heads=2, d_ff=24, dropout=0.5, max_length=longest
    )
    model = tiny.GPT(settings, (len(TOKENIZER), len(TOKENIZER)))
    with torch.no_grad():
        model.projection.weight[:FIRST_PIECE] *= 0.01  # it says characters
        model.projection.weight[FIRST_PIECE:] *= 3
    return Generator(model, TOKENIZER, max_tokens=longest)


@pytest.mark.parametrize("settings", [DRAW, SEARCH], ids=["sample", "beam"])
def test_company_changes_nothing(settings):
    prompts = ["ab", "", "hgf", "cd", "ab"]
    together = generator().generate(prompts, settings, tokens=6)
    for index, prompt in enumerate(prompts):
        padded = [""] * index + [prompt]  # a draw depends on the prompt's number
        alone = generator().generate(padded, settings, tokens=6)[index]
        assert [one.text for one in alone] == [one.text for one in together[index]]
        for mine, other in zip(alone, together[index], strict=True):
            assert mine.score == pytest.approx(other.score, abs=1e-4)
        assert all(one.text.startswith(prompt) for one in alone)


def test_draws_differ_by_number_and_seed():
    found = generator().generate(["ab", "ab"], DRAW, tokens=12)
    assert found[0][0].text != found[0][1].text
    assert found[0][0].text != found[1][0].text
    other = DRAW.model_copy(update={"seed": 4})
    assert generator().generate(["ab"], other, tokens=12)[0][0].text != found[0][0].text


def test_the_best_continuation_is_the_most_probable_found():
    best, *rest = generator().generate(["ab"], SEARCH, tokens=5)[0]
    assert all(best.score >= one.score for one in rest)


def test_length_is_bounded_by_the_wish_and_by_the_model():
    assert len(generator().generate(["ab"], SEARCH, tokens=4)[0][0].text) <= 6
    assert len(generator(8).generate(["ab"], SEARCH, tokens=50)[0][0].text) <= 8
    with pytest.raises(UsageError, match="Prompt 2 has 9 tokens, but the model supports at most 7"):
        generator(8).generate(["a", "abcdefgh "], SEARCH)


def test_phrases_are_required_and_banned_in_continuations_too():
    prompts = ["ab", "", "hg ab"]
    wanted = SEARCH.model_copy(update={"force": ["fa ce"], "forbid": ["d", "e"]})
    for prompt, found in zip(
        prompts, generator().generate(prompts, wanted, tokens=20), strict=True
    ):
        for one in found:
            assert one.text.startswith(prompt)
            assert re.search(r"\bfa ce\b", one.text)
            assert not one.finished or not re.search(r"\b[de]\b", one.text)
    with pytest.raises(UsageError, match="A prompt must not contain a forbidden phrase"):
        generator().generate(["d a"], wanted)
    penalized = SEARCH.model_copy(update={"coverage_penalty": 0.2})
    with pytest.raises(UsageError, match="needs a source"):
        generator().generate(["ab"], penalized)
