"""Greedy search: always the most probable next token."""

import torch

from whyformer.blocks.history import Layout
from whyformer.decoding.candidates import Stepper, candidates, unused
from whyformer.decoding.hypotheses import Hypothesis, hypothesis
from whyformer.decoding.queue import Queue, begin, mostly_ended
from whyformer.decoding.settings import SearchSettings
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import BOS, EOS


def greedy_search(model: Stepper, queue: Queue, settings: SearchSettings) -> list[list[Hypothesis]]:
    """Choose the most probable token in each step, until eos or the length limit.

    At the limit, one more step tests whether eos is the next token; if it is, the hypothesis is
    finished. The result is that of `beam_search` with one beam, but the code is simpler. When a
    sentence ends, a waiting sentence can take its place.
    """
    results: list[list[Hypothesis]] = [[] for _ in range(len(queue))]
    sentences = torch.empty(0, dtype=torch.long)  # the sentence of each row
    start = torch.empty(0, dtype=torch.long)  # the column of the first token of each row
    tokens = torch.empty(0, 1, 0, dtype=torch.long)
    totals = torch.empty(0, dtype=torch.float64)
    # For each row, the last token; EMPTY after the hypothesis ended.
    last = torch.empty(0, 1, dtype=torch.long)
    state = None
    while True:
        alive = last[:, 0] != EMPTY
        waits = queue.waits(sentences[alive])
        if waits or mostly_ended(alive):
            kept = alive.nonzero().flatten()
            if not len(kept):
                state = None
            elif len(kept) < len(alive):
                beams = torch.zeros(len(kept), 1, dtype=torch.long, device=queue.device)
                state = model.select(state, kept.to(queue.device), beams)
            sentences, start, tokens, totals, last = (
                x[kept] for x in (sentences, start, tokens, totals, last)
            )
            first = int(start.min()) if len(start) else tokens.shape[-1]
            tokens, start = tokens[..., first:], start - first
        while waits:
            cohort, new = queue.take()
            state = begin(model, state, cohort, 1)
            before = unused(len(new), 1, tokens.shape[-1])
            sentences, tokens = torch.cat([sentences, new]), torch.cat([tokens, before])
            start = torch.cat([start, torch.full_like(new, tokens.shape[-1])])
            totals = torch.cat([totals, totals.new_zeros(len(new))])
            last = torch.cat([last, last.new_full((len(new), 1), BOS)])
            waits = queue.waits(sentences)
        if not len(sentences):
            return results
        logits, state = model.step(state, last.to(queue.device))
        layout, age = Layout.of(last != EMPTY), tokens.shape[-1] - start
        forced = queue.prefixes.at(age, sentences, tokens, last != EMPTY)
        scores, ids = candidates(logits, layout, 1, tokens, settings, forced, queue.constraints)
        best = scores[:, 0].amax(-1)
        # Of tokens with equal scores, take the lowest id.
        where = (scores[:, 0] == best[:, None]).int().argmax(-1)
        alive = last[:, 0] != EMPTY
        last = ids[:, 0].gather(-1, where[:, None])
        over = (age >= queue.limit[sentences]) & (last[:, 0] != EOS)
        stuck = best.isinf() | over  # every token is banned, or the limit is reached
        ended = (last[:, 0] == EOS) & ~stuck
        totals = torch.where(stuck, totals, totals + best)
        longer = torch.cat([tokens, last[:, None]], dim=-1)
        done = ended | stuck
        for row in (done & alive).nonzero().flatten().tolist():
            results[int(sentences[row])] = [
                hypothesis(
                    tokens[row, 0, start[row] :].tolist(),
                    float(totals[row]),
                    bool(ended[row]),
                    settings.length_penalty,
                )
            ]
        tokens = longer
        last = last.masked_fill((done | ~alive)[:, None], EMPTY)
