"""Lexical shortlists: the alignment model by hand, and the search among the listed tokens."""

from collections import defaultdict

import numpy as np
import pytest
import torch

import tiny
from toy_translators import LINES, TOKENIZER, transformer, translator
from whyformer.decoding.lexical import word_translation as module
from whyformer.decoding.lexical.shortlist import Shortlist, Shortlisted
from whyformer.decoding.lexical.word_translation import word_translation
from whyformer.decoding.queue import SupportsJoin
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import UsageError
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import FIRST_BYTE

pytestmark = pytest.mark.usefixtures("unchecked")
WORDS = len(TOKENIZER)
EVERYTHING = Shortlist(torch.full((WORDS, 1), -1), torch.arange(WORDS), WORDS)


def some_words() -> Shortlist:
    """Each word may become itself or its neighbour; `g` is common."""
    targets = torch.full((WORDS, 2), -1)
    for word in range(261, WORDS):
        targets[word] = torch.tensor([word, min(word + 1, WORDS - 1)])
    return Shortlist(targets, torch.tensor([WORDS - 1]), WORDS)


def test_the_alignment_model_is_that_of_plain_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expectation maximization with dictionaries, one cell after another."""
    draw = np.random.default_rng(1)
    pairs = [
        (draw.integers(1, 6, draw.integers(1, 5)), draw.integers(1, 7, draw.integers(1, 6)))
        for _ in range(30)
    ]
    t = defaultdict(lambda: 1.0)
    for _ in range(4):
        counts: dict[tuple[int, int], float] = defaultdict(float)
        totals: dict[int, float] = defaultdict(float)
        for source, target in pairs:
            for f in target:
                total = sum(t[e, f] for e in source)
                for e in source:
                    counts[e, f] += t[e, f] / total
                    totals[e] += t[e, f] / total
        t = {(e, f): count / totals[e] for (e, f), count in counts.items()}
    for cells in (1 << 20, 7):  # one chunk, and many
        monkeypatch.setattr(module, "CELLS", cells)
        found = word_translation(pairs, passes=4)
        assert len(found.sources) == len(t)
        for e, f, p in zip(found.sources, found.targets, found.probabilities, strict=True):
            assert p == pytest.approx(t[e, f])
    best = found.best(2, 7)
    for e in range(1, 6):
        ranked = sorted((-p, f) for (one, f), p in t.items() if one == e)
        assert best[e].tolist() == [f for _, f in ranked[:2]]
    assert best[0].tolist() == best[6].tolist() == [-1, -1]


@pytest.mark.parametrize("beam", [1, 4])
def test_with_the_whole_vocabulary_the_output_is_identical(beam: int) -> None:
    settings = SearchSettings(beam=beam, nbest=beam, max_length=6)
    models = [transformer(1), transformer(2)]
    for some in (models[:1], models):
        plain = Translator(some, TOKENIZER, TOKENIZER)
        listed = Translator(some, TOKENIZER, TOKENIZER, shortlist=EVERYTHING)
        assert listed.translate(LINES, settings) == plain.translate(LINES, settings)


class Masked:
    """A model whose logits are computed in full, then masked: the reference implementation."""

    def __init__(self, model, allowed):
        self.model, self.allowed = model, allowed

    def begin(self, source, source_real):
        return self.model.begin(source, source_real)

    def step(self, state, tokens):
        logits, state = self.model.step(state, tokens)
        return logits.masked_fill(~self.allowed, -torch.inf), state

    def select(self, state, sentences, beams):
        return self.model.select(state, sentences, beams)


@pytest.mark.parametrize("variant", ["wiring=post-norm", "rnn cell=lstm"])
@torch.no_grad()
def test_the_search_is_that_of_a_model_with_masked_logits(variant: str) -> None:
    model = tiny.shaken(variant)
    targets = torch.full((tiny.VOCABULARY, 1), -1)
    targets[5:, 0] = torch.arange(5, tiny.VOCABULARY).flip(0)
    shortlist = Shortlist(targets, torch.tensor([6]), tiny.VOCABULARY)
    source = torch.tensor([[7, 9, 11, 2]])
    allowed = shortlist.allowed(source)[0]
    assert allowed.nonzero().flatten().tolist() == [0, 1, 2, 3, 4, 6, 8, 10]
    settings = SearchSettings(beam=3, nbest=3, max_length=7)
    listed = Shortlisted(model, shortlist)
    assert isinstance(listed, SupportsJoin)
    (found,) = search(listed, source, None, settings)
    (wanted,) = search(Masked(model, allowed), source, None, settings)
    assert [one.tokens for one in found] == [one.tokens for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


def test_a_line_uses_only_its_own_shortlist_whatever_is_beside_it() -> None:
    settings = SearchSettings(beam=3, nbest=3, max_length=6)
    shortlist = some_words()
    listed = Translator([transformer(1)], TOKENIZER, TOKENIZER, shortlist=shortlist)
    together = listed.translate(LINES, settings, batch_lines=3)
    plain = translator(1).translate(LINES, settings)
    assert [one.text for one in together] != [one.text for one in plain]
    for line, found in zip(LINES, together, strict=True):
        (alone,) = listed.translate([line], settings)
        assert [text for text, _ in alone.hypotheses] == [text for text, _ in found.hypotheses]
        assert alone.score == pytest.approx(found.score, abs=1e-4)
        allowed = shortlist.allowed(torch.tensor([TOKENIZER.encode(line)], dtype=torch.long))[0]
        for _, one in found.hypotheses:
            assert all(bool(allowed[token]) for token in one.tokens)


def test_the_model_itself_keeps_its_projection() -> None:
    model = transformer(1).eval()
    source, target = torch.tensor([[261, 262, 2]]), torch.tensor([[1, 263]])
    with torch.no_grad():
        before = model(source, None, target)
        listed = Shortlisted(model, some_words())
        listed.step(listed.begin(source, None), torch.tensor([[1]]))
        assert torch.equal(model(source, None, target), before)
    assert model.projection.out_features == WORDS


def test_empty_slots_have_no_logits() -> None:
    model = transformer(1).eval()
    listed = Shortlisted(model, some_words())
    with torch.no_grad():
        state = listed.begin(torch.tensor([[261, 2], [264, 2]]), None)
        logits, _ = listed.step(state, torch.tensor([[EMPTY], [1]]))
    assert logits.shape == (1, WORDS)
    listed_ids = logits[0].isfinite().nonzero().flatten().tolist()
    assert listed_ids == [*range(FIRST_BYTE), 264, 265, WORDS - 1]


def test_a_prefix_or_a_required_phrase_is_refused() -> None:
    listed = Translator([transformer(1)], TOKENIZER, TOKENIZER, shortlist=some_words())
    with pytest.raises(UsageError, match="A shortlist limits the tokens"):
        listed.translate(["a b"], SearchSettings(force=["c"]))
    with pytest.raises(UsageError, match="A shortlist limits the tokens"):
        listed.translate(["a b"], SearchSettings(), prefixes=["c"])
