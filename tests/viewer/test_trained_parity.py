"""A trained model gives the same answers on the page as in Python, for 1,000 texts."""

import random
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import javascript_engine
from whyformer.bundle import Bundle
from whyformer.decoding.padding import pad
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import Translation
from whyformer.decoding.translator import Translator
from whyformer.models.build import build_model
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import TransformerSettings
from whyformer.text.symbols import BOS, EOS, PAD
from whyformer.text.tokenizer import train_tokenizer
from whyformer.viewer.weights import as_stored

pytestmark = pytest.mark.usefixtures("unchecked")
LETTERS = "abcdefghij"
TEXTS = 1000
UPDATES = 150  # enough to write words of about the right length, and too few to be sure of them
NEAR = 1e-3
"""Two hypotheses with scores as near as this may change places."""
TOKENIZER = train_tokenizer("chars", [LETTERS], vocabulary=300)
SHAPES = {
    "transformer": TransformerSettings(
        encoder_layers=1, decoder_layers=1, d_model=32, heads=4, d_ff=64, dropout=0.0
    ),
    "rnn": RecurrentSettings(encoder_layers=1, decoder_layers=1, d_model=32, dropout=0.0),
}
SEARCHES = {
    "greedy": {"beam": 1, "nbest": 1},
    "beam": {"beam": 5, "nbest": 5, "length_penalty": 0.6},
}


def words(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(LETTERS, k=rng.randint(2, 8))) for _ in range(count)]


def encoded(texts: list[str]) -> tuple[Tensor, Tensor]:
    return pad([[*TOKENIZER.encode(text), EOS] for text in texts], torch.device("cpu"))


@cache
def bundle(family: str) -> Bundle:
    """Return a model that was trained for a short time to write words backwards."""
    torch.manual_seed(0)
    model = build_model(SHAPES[family], (len(TOKENIZER), len(TOKENIZER)), shared=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for update in range(UPDATES):
        texts = words(32, update)
        source, real = encoded(texts)
        target, _ = encoded([text[::-1] for text in texts])
        start = torch.full((len(texts), 1), BOS)
        logits = model(source, real, torch.cat([start, target[:, :-1]], 1))
        loss = cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(as_stored(parameter))
    return Bundle(model.eval(), TOKENIZER, TOKENIZER, {})


@cache
def answers(family: str) -> dict[str, list[tuple[Translation, list[dict[str, Any]]]]]:
    """Return, for each search, what Python and JavaScript answer to all texts."""
    texts = words(TEXTS, seed=10**6)
    translator = Translator([bundle(family).model], TOKENIZER, TOKENIZER)
    requests, wanted = [], {}
    for name, fields in SEARCHES.items():
        wanted[name] = translator.translate(texts, SearchSettings(**fields))
        search = {"beam": fields["beam"], "forms": fields["nbest"], "lengthPenalty": 0.6}
        requests += [{"text": text, "search": search} for text in texts]
    [given] = javascript_engine.sessions([bundle(family)], [requests])
    found = iter(given["results"])
    return {name: [(one, next(found)["hypotheses"]) for one in wanted[name]] for name in SEARCHES}


@pytest.mark.parametrize("family", SHAPES)
@pytest.mark.parametrize("search", SEARCHES)
def test_answers_are_equal_unless_two_scores_are_almost_equal(family, search):
    swapped = 0
    for translation, found in answers(family)[search]:
        assert len(found) == len(translation.hypotheses)
        scores = {text: one.score for text, one in translation.hypotheses}
        for given, (text, one) in zip(found, translation.hypotheses, strict=True):
            assert given["score"] == pytest.approx(one.score, abs=NEAR), translation.source
            assert given["finished"] == one.finished
            if given["text"] != text:
                swapped += 1
                other = scores.get(given["text"], given["score"])
                assert other == pytest.approx(one.score, abs=NEAR), translation.source
    assert swapped <= 0.01 * TEXTS


@pytest.mark.parametrize("family", SHAPES)
def test_the_model_is_neither_sure_nor_clueless(family):
    found = [hypotheses[0] for _, hypotheses in answers(family)["beam"]]
    right = sum(
        one["text"] == translation.source[::-1]
        for one, (translation, _) in zip(found, answers(family)["beam"], strict=True)
    )
    assert 0.02 * TEXTS < right < 0.98 * TEXTS
    assert len({one["text"] for one in found}) > 0.3 * TEXTS
