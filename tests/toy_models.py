"""Toy models whose every probability is known, and the exhaustive search over them."""

import itertools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from whyformer.decoding.hypotheses import Hypothesis, hypothesis
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import EOS

WORDS = (5, 6, 7)
VOCABULARY = 8
UNFED = -2
"""Before the past of a sentence that began later than others of its search."""


@dataclass(frozen=True)
class ToyState:
    sources: Tensor  # (sentences,) one number that stands for the source
    past: Tensor  # (sentences, beams, length): every token fed, bos included


class ToyModel:
    """Predicts from a random table indexed by a hash of the source and of the whole past.

    A search that reorders its state wrongly therefore meets wrong probabilities.
    """

    def __init__(self, seed: int, *, eos: float = 0.0, vocabulary: int = VOCABULARY) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.table = torch.randn(997, vocabulary, generator=generator, dtype=torch.float64) * 1.5
        self.table[:, EOS] += eos
        self.rows: list[tuple[int, int]] = []  # (sentences, beams) of each step
        self.computed: list[int] = []  # hypotheses of each step

    def begin(self, source: Tensor, source_real: Tensor | None) -> ToyState:
        real = torch.ones_like(source) if source_real is None else source_real
        weights = torch.arange(1, source.shape[1] + 1)
        sources = (source * real * weights).sum(-1)
        return ToyState(sources, torch.empty(len(source), 1, 0, dtype=torch.long))

    def step(self, state: ToyState, tokens: Tensor) -> tuple[Tensor, ToyState]:
        assert tokens.shape == state.past.shape[:2]
        self.rows.append(tuple(tokens.shape))
        self.computed.append(int((tokens != EMPTY).sum()))
        past = torch.cat([state.past, tokens[..., None]], dim=-1)
        logits = self.table[self.place(state.sources[:, None], past)].float()
        return logits[tokens != EMPTY], ToyState(state.sources, past)

    def select(self, state: ToyState, sentences: Tensor | None, beams: Tensor) -> ToyState:
        kept = torch.arange(len(state.sources)) if sentences is None else sentences
        assert len(kept) == len(beams)
        return ToyState(state.sources[kept], state.past[kept[:, None], beams])

    def join(self, state: ToyState, newcomers: ToyState) -> ToyState:
        beams, length = state.past.shape[1:]
        past = newcomers.past.expand(-1, beams, -1)
        missing = max(length, past.shape[-1])  # of the two, one has the longer past
        pasts = [
            F.pad(one, (missing - one.shape[-1], 0), value=UNFED) for one in (state.past, past)
        ]
        return ToyState(torch.cat([state.sources, newcomers.sources]), torch.cat(pasts))

    @staticmethod
    def place(sources: Tensor, past: Tensor) -> Tensor:
        value = sources.expand(past.shape[:-1])
        for token in past.unbind(-1):
            value = torch.where(token == UNFED, value, (value * 31 + token * 17 + 7) % 997)
        return value

    def probabilities(self, source: list[int], past: list[int]) -> Tensor:
        """Return the model's distribution after a past that begins with bos."""
        state = self.begin(torch.tensor([source]), None)
        row = self.place(state.sources[:, None], torch.tensor([[past]]))[0, 0]
        return self.table[row].softmax(-1)


def everything(
    model: ToyModel, source: list[int], limit: int, alpha: float, *, minimum: int = 0
) -> list[Hypothesis]:
    """Return every hypothesis there is, best first.

    At the limit it is finished where eos is the most probable next token, else cut.
    """
    found: list[Hypothesis] = []
    for length in range(limit + 1):
        for tokens in itertools.product(WORDS, repeat=length):
            past, total = [1], 0.0
            for token in tokens:
                total += math.log(model.probabilities(source, past)[token])
                past.append(token)
            if length < minimum:
                continue
            after = model.probabilities(source, past)
            finished = length < limit or all(after[EOS] >= after[word] for word in WORDS)
            if finished:
                total += math.log(after[EOS])
            found.append(hypothesis(list(tokens), total, finished, alpha))
    return sorted(found, key=lambda one: -one.score)


def sources(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return a padded batch of sources of different lengths and where it is real."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 6, (count, 1), generator=generator)
    lengths[0] = 5
    ids = torch.randint(5, 50, (count, 5), generator=generator)
    real = torch.arange(5) < lengths
    return ids * real, real
