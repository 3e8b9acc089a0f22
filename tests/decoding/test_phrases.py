"""Phrases that must or must not occur: in any tokenization, as whole words."""

import itertools
import random
from functools import cache

import pytest
import torch

from toy_models import ToyModel, sources
from whyformer.decoding.candidates import Stepper
from whyformer.decoding.lexical.automaton import PhraseAutomaton
from whyformer.decoding.lexical.book import PhraseBook
from whyformer.decoding.lexical.phrases import Phrases, forbidding
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError
from whyformer.text.phrases import phrase_pattern
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

pytestmark = pytest.mark.usefixtures("unchecked")
TEXTS = ["the cat sat", "cats and a dog", "dogs, a catalogue", "모델을 배운 모델", "한국의 하나"]
UNITS = ["words", "chars", "jamo", "bpe", "byte_bpe"]
PHRASES = ["cat", "a dog", "모델", "하", "the cat", "cat sat", "new", "cats,", "dog"]


@cache
def tokenizer_of(units: str) -> Tokenizer:
    return train_tokenizer(units, TEXTS, vocabulary=300)


@cache
def model_of(units: str) -> ToyModel:
    model = ToyModel(7, vocabulary=len(tokenizer_of(units)), eos=1.0)
    model.table[:, FIRST_BYTE:FIRST_PIECE] -= 6.0
    return model


def found(units: str, settings: SearchSettings, required: list[list[str]] | None = None, **more):
    """Search six sources; `required` has the phrases of each source."""
    ids, real = sources(6, 3)
    book = PhraseBook(tokenizer_of(units))
    wanted = required or [settings.force] * 6
    phrases = Phrases(
        [book.required(one) for one in wanted] if any(wanted) else (),
        forbidding(book, settings.forbid),
    )
    return search(model_of(units), ids, real, settings, phrases=phrases, **more)


@pytest.mark.parametrize("units", UNITS)
def test_the_automaton_agrees_with_a_search_in_the_text(units: str) -> None:
    tokenizer, draw = tokenizer_of(units), random.Random(units)
    pieces = [*"cat dog,-’모델하한을 new", "cat", "dog", " ", "모델", "the cat", "sat", "é"]
    texts = {"".join(draw.choices(pieces, k=draw.randint(1, 9))) for _ in range(300)}
    for phrase in PHRASES:
        automaton, pattern = PhraseAutomaton([phrase], tokenizer), phrase_pattern([phrase])
        answers = {text: bool(pattern.search(tokenizer.normalize(text))) for text in texts}
        for text, there in answers.items():
            assert automaton.contains(tokenizer.encode(text)) is there, (phrase, text)
            spelled = [FIRST_BYTE + byte for byte in tokenizer.normalize(text).encode()]
            if units != "jamo":  # the bytes of a syllable are not those of its letters
                assert automaton.contains(spelled) is there, (phrase, text)
    both, pattern = PhraseAutomaton(PHRASES, tokenizer), phrase_pattern(PHRASES)
    for text in texts:
        there = bool(pattern.search(tokenizer.normalize(text)))
        assert both.contains(tokenizer.encode(text)) is there, text


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("beam", [1, 3])
def test_every_hypothesis_contains_every_required_phrase(units: str, beam: int) -> None:
    """Also phrases that overlap (`the cat`, `cat sat`), and phrases with unknown words (`new`)."""
    for phrases in (["the cat", "cat sat"], ["모델", "new"], ["dog", "a dog"]):
        settings = SearchSettings(beam=beam, nbest=beam, max_length=24, force=phrases)
        for hypotheses in found(units, settings):
            assert hypotheses
            for one in hypotheses:
                text = tokenizer_of(units).decode(one.tokens)
                for phrase in phrases:
                    assert phrase_pattern([phrase]).search(text), (phrase, text)


@pytest.mark.parametrize("units", UNITS)
def test_phrases_that_just_fit_are_complete_at_the_limit(units: str) -> None:
    phrases = ["the cat", "cat sat"]
    wanted = PhraseBook(tokenizer_of(units)).required(phrases)
    needed = int(wanted.left(wanted.begin())[0]) - 1  # without eos
    settings = SearchSettings(beam=2, nbest=2, max_length=needed, force=phrases)
    for hypotheses in found(units, settings):
        for one in hypotheses:
            text = tokenizer_of(units).decode(one.tokens)
            assert all(phrase_pattern([phrase]).search(text) for phrase in phrases), text
    with pytest.raises(UsageError, match=r"The required phrases must fit in the length limit"):
        found(units, settings.model_copy(update={"max_length": needed - 1}))


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("method", ["beam", "greedy", "sample"])
def test_no_finished_hypothesis_contains_a_forbidden_phrase(units: str, method: str) -> None:
    beam, draws = (1, 1) if method == "greedy" else (4, 4)
    plain = SearchSettings(
        method="sample" if method == "sample" else "beam",  # pyright: ignore[reportArgumentType]
        beam=beam,
        nbest=draws,
        max_length=12,
    )
    decode = tokenizer_of(units).decode
    written = [decode(one.tokens) for hypotheses in found(units, plain) for one in hypotheses]
    words = sorted({word for text in written for word in text.split() if "\ufffd" not in word})
    forbidden = words[:: max(1, len(words) // 5)]
    pattern = phrase_pattern(forbidden)
    assert any(pattern.search(text) for text in written)
    bound = plain.model_copy(update={"forbid": forbidden})
    for hypotheses in found(units, bound):
        for one in hypotheses:
            text = decode(one.tokens)
            if one.finished and "\ufffd" not in text:  # bytes that are no text
                assert not pattern.search(text)


@pytest.mark.parametrize("units", ["words", "bpe"])
@pytest.mark.parametrize("beam", [1, 2, 5])
def test_without_phrases_a_grid_search_is_a_beam_search(units: str, beam: int) -> None:
    from whyformer.decoding.lexical.grid import grid_search

    ids, real = sources(6, 3)
    wanted = PhraseBook(tokenizer_of(units)).required([])
    prefixes = [[], [FIRST_PIECE], [], [FIRST_PIECE + 1] * 3, [], []]
    for more in ({}, {"no_repeat_ngram": 2, "min_length": 3, "length_penalty": 1.0}):
        settings = SearchSettings(beam=beam, nbest=beam, max_length=9, **more)
        model = model_of(units)
        plain = search(model, ids, real, settings, prefixes=prefixes)
        limits = [9] * 6
        assert grid_search(model, ids, real, limits, settings, [wanted] * 6, prefixes) == plain


def test_a_line_does_not_depend_on_the_phrases_of_other_lines() -> None:
    settings = SearchSettings(beam=3, nbest=3, max_length=20)
    required = [["cat"], [], ["a dog", "cat"], ["the cat", "cat sat"], [], ["new"]]
    together = found("bpe", settings, required)
    ids, real = sources(6, 3)
    book = PhraseBook(tokenizer_of("bpe"))
    for row, phrases in enumerate(required):
        alone = search(
            model_of("bpe"),
            ids[row : row + 1],
            real[row : row + 1],
            settings,
            phrases=Phrases([book.required(phrases)] if phrases else ()),
        )
        assert alone == [together[row]]


class Words(Stepper):
    """Every word has a fixed log-probability, whatever was written before."""

    def __init__(self, tokenizer: Tokenizer, weights: dict[str, float]) -> None:
        self.logits = torch.full((len(tokenizer),), -30.0)
        for word, weight in weights.items():
            ids = tokenizer.encode(word) if word else [2]
            self.logits[ids[0]] = weight

    def begin(self, source, source_real):
        return None

    def step(self, state, tokens):
        return self.logits.expand(int((tokens >= 0).sum()), -1).clone(), state

    def select(self, state, sentences, beams):
        return state


def test_a_wide_grid_finds_the_best_text_that_contains_the_phrases() -> None:
    """By hand: all texts of up to six words, and the best of those with both phrases."""
    tokenizer = tokenizer_of("words")
    weights = {"the": 0.0, "cat": -1.0, "sat": -2.0, "dogs,": 0.5, "": 0.3}
    values = torch.tensor([*weights.values()]).log_softmax(0).tolist()
    log_p = dict(zip(weights, values, strict=True))
    words = [one for one in weights if one]
    texts = [text for n in range(7) for text in itertools.product(words, repeat=n)]
    good = [one for one in texts if "the cat" in " ".join(one) and "cat sat" in " ".join(one)]
    ranked = sorted(good, key=lambda text: -sum(log_p[word] for word in text))
    phrases = Phrases([PhraseBook(tokenizer).required(["cat sat", "the cat"])])
    settings = SearchSettings(beam=30, nbest=4, max_length=12, length_penalty=0.0)
    source = torch.tensor([[9]])
    (answers,) = search(Words(tokenizer, weights), source, None, settings, phrases=phrases)
    assert answers[0].tokens == tuple(tokenizer.encode("the cat sat"))
    for one, text in zip(answers, ranked, strict=False):
        wanted = sum(log_p[word] for word in text) + log_p[""]
        assert one.log_probability == pytest.approx(wanted, abs=1e-3)
