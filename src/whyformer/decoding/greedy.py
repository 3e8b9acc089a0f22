"""Greedy search: always the most probable next token."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.blocks.history import Layout
from whyformer.decoding.candidates import Prefixes, Stepper, candidates
from whyformer.decoding.hypotheses import Hypothesis, hypothesis
from whyformer.decoding.settings import SearchSettings
from whyformer.text.symbols import BOS, EOS


def greedy_search(
    model: Stepper,
    source: Int[Tensor, "sentences source"],
    source_real: Bool[Tensor, "sentences source"] | None,
    limits: Sequence[int],
    settings: SearchSettings,
    prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    """Follow the most probable token from bos to eos or to the length limit.

    The plain twin of `beam_search` with one beam. A sentence that ended leaves the batch.
    Args: limits: most target tokens of each sentence, eos not counted.
    """
    given = Prefixes(prefixes, limits)
    results: list[list[Hypothesis]] = [[] for _ in limits]
    sentences = torch.arange(len(limits))  # which sentence each remaining row is
    limit = torch.tensor(list(limits), dtype=torch.long)
    tokens = torch.empty(len(limits), 1, 0, dtype=torch.long)
    totals = torch.zeros(len(limits), dtype=torch.float64)
    last = torch.full((len(limits), 1), BOS)
    state = model.begin(source, source_real)
    while len(sentences):
        logits, state = model.step(state, last.to(source.device))
        place = tokens.shape[-1]
        everyone, forced = Layout(last.shape, None), given.at(place, sentences)
        scores, ids = candidates(logits, everyone, 1, tokens, settings, forced)
        best = scores[:, 0].amax(-1)
        where = (scores[:, 0] == best[:, None]).int().argmax(-1)  # of equals, the lowest id
        last = ids[:, 0].gather(-1, where[:, None])
        stuck = best.isinf()  # everything is banned: cut here
        ended = (last[:, 0] == EOS) & ~stuck
        totals = torch.where(stuck, totals, totals + best)
        longer = torch.cat([tokens, last[:, None]], dim=-1)
        done = ended | stuck | (place + 1 >= limit[sentences])
        for row in done.nonzero().flatten().tolist():
            whole = tokens if ended[row] or stuck[row] else longer
            results[int(sentences[row])] = [
                hypothesis(
                    whole[row, 0].tolist(),
                    float(totals[row]),
                    bool(ended[row]),
                    settings.length_penalty,
                )
            ]
        tokens = longer
        if bool(done.any()):
            kept = (~done).nonzero().flatten()
            sentences, tokens, totals, last = (x[kept] for x in (sentences, tokens, totals, last))
            if len(kept):
                beams = torch.zeros(len(kept), 1, dtype=torch.long, device=source.device)
                state = model.select(state, kept.to(source.device), beams)
    return results
