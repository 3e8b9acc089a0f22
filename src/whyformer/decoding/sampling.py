"""Sampling: draw targets at random from the distribution of the model, or from its most probable
tokens."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.blocks.history import Layout
from whyformer.decoding.banned import refuse_nan
from whyformer.decoding.candidates import (
    Stepper,
    check_vocabulary,
)
from whyformer.decoding.constraints import Constraint, constrain, constraints_of
from whyformer.decoding.hypotheses import Hypothesis, hypothesis
from whyformer.decoding.prefixes import Allowed, Prefixes
from whyformer.decoding.settings import MAX_TOKENS, SearchSettings
from whyformer.decoding.text_prefix import TextPrefix
from whyformer.decoding.wellformed import BEGINS, WellFormed
from whyformer.foundation.devices import exact, exact_dtype
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import BOS, EOS, PAD

STEPS = 64
"""Random numbers are drawn for this many steps at a time. The value does not change the results."""


def sample(
    model: Stepper,
    source: Int[Tensor, "sentences source"],
    source_real: Bool[Tensor, "sentences source"] | None,
    limits: Sequence[int],
    settings: SearchSettings,
    prefixes: Sequence[Sequence[int] | TextPrefix] | None = None,
    indices: Sequence[int] | None = None,
    text: WellFormed | None = None,
    constraints: Sequence[Constraint] = (),
) -> list[list[Hypothesis]]:
    """Draw `nbest` independent targets for each sentence.

    Draw j of sentence i depends only on (seed, i, j), not on the rest of the batch. The returned
    log-probability is that of the model, before temperature, top-k, top-p and min-p. At the length
    limit, one more token is drawn: if it is eos, the hypothesis is finished.
    Raises: WhyformerError when a logit is NaN.
    Args:
        limits: maximum number of target tokens of each sentence, excluding eos.
        indices: the number i of each sentence; None means 0, 1, 2, ...
        text: rules for valid text: only tokens that keep a text valid are drawn. None allows every
            token.
        constraints: constraints in addition to those of the settings.
    """
    rules = [*constraints_of(settings), *constraints]
    given = Prefixes(prefixes, limits)
    names = range(len(limits)) if indices is None else indices
    streams = _streams(settings, names)
    numbers = torch.empty(0)  # random numbers for the next steps, (sentences, draws, steps)
    results: list[list[Hypothesis | None]] = [[None] * settings.nbest for _ in limits]
    sentences = torch.arange(len(limits))
    limit = torch.tensor(list(limits), dtype=torch.long)
    tokens = torch.empty(len(limits), settings.nbest, 0, dtype=torch.long)
    totals = torch.zeros(len(limits), settings.nbest, dtype=torch.float64)
    alive = torch.ones(len(limits), settings.nbest, dtype=torch.bool)
    last = torch.full((len(limits), 1), BOS)
    bytes_ = None if text is None else text.begin(len(limits), settings.nbest)
    state = model.begin(source, source_real)
    while len(sentences):
        logits, state = model.step(state, last.to(source.device))
        refuse_nan(bool(logits.isnan().any()))
        logits, place = Layout.of(last != EMPTY).spread(logits.float()), tokens.shape[-1]
        if place == 0 and settings.nbest > 1:  # all draws start from the one row of a sentence
            logits = logits.expand(-1, settings.nbest, -1)
            beams = torch.zeros(len(sentences), settings.nbest, dtype=torch.long)
            state = model.select(state, None, beams.to(source.device))
        whole = None if bytes_ is None else bytes_ == BEGINS
        allowed = _allowed(logits, tokens, rules, whole)
        if text is not None and bytes_ is not None:
            remaining = limit[sentences] - place - 1
            allowed = text.hide(allowed, bytes_, remaining.masked_fill(remaining < 0, MAX_TOKENS))
        stuck = allowed.amax(-1).isinf().cpu()  # every token is banned: the draw ends here
        if place % STEPS == 0:
            numbers = _numbers(streams, sentences.tolist())
        uniform = numbers[sentences, :, place % STEPS].to(exact_dtype(source.device))
        forced = given.at(torch.full_like(sentences, place), sentences, tokens, alive)
        if forced is not None:
            allowed, stuck = _restricted(forced, logits, allowed, stuck)
        drawn = draw(likely(allowed, settings), uniform.to(source.device))
        stuck |= (drawn != EOS).cpu() & (place >= limit[sentences])[:, None]
        picked = logits.log_softmax(-1).gather(-1, drawn[..., None])[..., 0]
        refuse_nan(bool(picked.isnan().any()))
        totals += picked.cpu().double().clamp_max(0.0).masked_fill(~alive | stuck, 0.0)
        last = drawn.cpu().masked_fill(~alive, PAD)
        if text is not None and bytes_ is not None:
            bytes_ = text.follow(bytes_, last)
        ended = (last == EOS) & ~stuck
        longer = torch.cat([tokens, last[..., None]], dim=-1)
        done = alive & (ended | stuck)
        for row, beam in done.nonzero().tolist():
            results[int(sentences[row])][beam] = hypothesis(
                tokens[row, beam].tolist(),
                float(totals[row, beam]),
                bool(ended[row, beam]),
                settings.length_penalty,
            )
        tokens, alive = longer, alive & ~done
        last = last.masked_fill(~alive, EMPTY)
        active = alive.any(-1)
        if not bool(active.all()):
            kept = active.nonzero().flatten()
            sentences, tokens, totals, alive, last = (
                x[kept] for x in (sentences, tokens, totals, alive, last)
            )
            bytes_ = None if bytes_ is None else bytes_[kept]
            if len(kept):
                beams = torch.arange(settings.nbest).expand(len(kept), -1)
                state = model.select(state, kept.to(source.device), beams.to(source.device))
    return [[one for one in found if one is not None] for found in results]


def likely(
    logits: Float[Tensor, "*rows vocab"], settings: SearchSettings
) -> Float[Tensor, "*rows vocab"]:
    """Return the probabilities to draw from: apply the temperature, top-k, top-p, then min-p.

    Paper: Fan et al. 2018 (arXiv:1805.04833), §5.1 (top-k); Holtzman et al. 2019
    (arXiv:1904.09751), §3.1, Eq. 2 and 3 (top-p); Nguyen et al. 2024 (arXiv:2407.01082), §3
    (min-p).
    Returns: probabilities that sum to 1 in each row, except where every token is banned.
    """
    logits = logits / settings.temperature
    if settings.top_k is not None and settings.top_k < logits.shape[-1]:
        values, ids = logits.topk(settings.top_k)
        logits = torch.full_like(logits, -math.inf).scatter(-1, ids, values)
    probabilities = logits.softmax(-1).nan_to_num(0.0)
    if settings.top_p < 1.0:
        sorted_, ids = probabilities.sort(dim=-1, descending=True, stable=True)
        before = exact(sorted_).cumsum(-1) - sorted_  # probability mass of all more probable tokens
        sorted_ = sorted_.masked_fill(before >= settings.top_p, 0.0)
        probabilities = torch.zeros_like(probabilities).scatter(-1, ids, sorted_)
    if settings.min_p > 0.0:
        least = settings.min_p * probabilities.amax(-1, keepdim=True)
        probabilities = probabilities.masked_fill(probabilities < least, 0.0)
    if settings.top_p < 1.0 or settings.min_p > 0.0:
        probabilities = probabilities / probabilities.sum(-1, keepdim=True).clamp_min(1e-30)
    return probabilities


def draw(
    probabilities: Float[Tensor, "*rows vocab"], uniform: Float[Tensor, "*rows"]
) -> Int[Tensor, "*rows"]:
    """Draw one token per row: invert the cumulative distribution at a number in [0, 1)."""
    cumulative = exact(probabilities).cumsum(-1)
    target = (uniform * cumulative[..., -1])[..., None]
    ids = torch.searchsorted(cumulative, target, right=True)[..., 0]
    last = (probabilities > 0).int() * torch.arange(1, probabilities.shape[-1] + 1).to(ids.device)
    return torch.minimum(ids, (last.amax(-1) - 1).clamp_min(0))


def _streams(settings: SearchSettings, indices: Sequence[int]) -> list[list[np.random.Generator]]:
    return [
        [np.random.default_rng([settings.seed, index, number]) for number in range(settings.nbest)]
        for index in indices
    ]


def _numbers(streams: list[list[np.random.Generator]], active: Sequence[int]) -> Tensor:
    """Return the next random numbers of the active sentences; zeros for the others."""
    numbers = np.zeros((len(streams), len(streams[0]), STEPS))
    for row in active:
        for number, stream in enumerate(streams[row]):
            numbers[row, number] = stream.random(STEPS)
    return torch.from_numpy(numbers)


def _allowed(
    logits: Tensor, tokens: Tensor, rules: list[Constraint], whole: Tensor | None
) -> Tensor:
    """Apply the constraints and return the logits. Args: whole: see `constrain`."""
    rows = logits.flatten(0, 1).clone()
    half = None if whole is None else whole.flatten()
    rows = constrain(rows, tokens.flatten(0, 1), rules, half)
    return rows.view(logits.shape)


def _restricted(
    forced: Allowed, logits: Tensor, allowed: Tensor, stuck: Tensor
) -> tuple[Tensor, Tensor]:
    """Restrict draws in a forced prefix to the tokens that continue the prefix.

    Banned tokens are excluded, unless every token that continues the prefix is banned.
    """
    check_vocabulary(forced.ids, logits.shape[-1])
    rows, beams = forced.sentences.to(logits.device), forced.beams.to(logits.device)
    none = (forced.ids < 0).to(logits.device)
    ids = forced.ids.clamp_min(0).to(logits.device)
    lenient, strict = (one[rows, beams].gather(-1, ids) for one in (logits, allowed))
    lenient, strict = (one.masked_fill(none, -math.inf) for one in (lenient, strict))
    kept = torch.where(strict.amax(-1, keepdim=True).isinf(), lenient, strict)
    alone = none.sum(-1, keepdim=True) == none.shape[-1] - 1
    kept[~none & alone] = 0.0  # a single token has probability 1
    allowed, stuck = allowed.clone(), stuck.clone()
    allowed[rows, beams] = torch.full_like(allowed[rows, beams], -math.inf).scatter_reduce(
        -1, ids, kept, "amax"
    )
    stuck[forced.sentences, forced.beams] = kept.amax(-1).isinf().cpu()
    return allowed, stuck
