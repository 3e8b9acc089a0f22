"""Beam search, plain and diverse, over any model that can begin, step and select.

A beam of width B follows the B most probable hypotheses. One that predicts eos is finished and
gives up its place, so a sentence finishes at most B hypotheses and its rows grow fewer (Sutskever
et al. 2014, §3.2). A sentence ends when no place is left or nothing unfinished can still win, which
is decided exactly: a search that stops early returns what it would have returned without stopping.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.blocks.history import Layout
from whyformer.decoding.candidates import Prefixes, Stepper, candidates, ranked
from whyformer.decoding.hypotheses import Best, Hypothesis, hypothesis
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.settings import SearchSettings
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import BOS, EOS, PAD


@dataclass
class Group:
    """The unfinished hypotheses of one group, for every sentence still searched; all on the CPU.

    Args:
        tokens: (sentences, beams, length), what was predicted so far; an empty place ends in EMPTY.
        totals: (sentences, beams), log-probabilities; −∞ marks an empty place, always at the end.
        places: (sentences,), how many hypotheses this group may still finish.
        first: the first of its beams in the model's rows.
    """

    tokens: Int[Tensor, "sentences beams length"]
    totals: Float[Tensor, "sentences beams"]
    places: Int[Tensor, "sentences"]
    first: int = 0

    def keep(self, sentences: Tensor) -> "Group":
        """Go on with some sentences, and with no more beams than the fullest of them needs."""
        totals = self.totals[sentences]
        width = int(totals.isfinite().sum(-1).max())
        return Group(
            self.tokens[sentences, :width], totals[:, :width], self.places[sentences], self.first
        )


def beam_search(
    model: Stepper,
    source: Int[Tensor, "sentences source"],
    source_real: Bool[Tensor, "sentences source"] | None,
    limits: Sequence[int],
    settings: SearchSettings,
    prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    """Return the best `nbest` hypotheses of each sentence, best first.

    Paper: Wu et al. 2016 (arXiv:1609.08144), §7, for the ranking; with several groups, Vijayakumar
    et al. 2016 (arXiv:1610.02424), Algorithm 1 with Hamming diversity.
    Differs: no coverage penalty and no pruning by score (Wu et al. use both). Diverse groups may
    find the same hypothesis, which is returned once, so `nbest` may fall short then.
    Args:
        limits: most target tokens of each sentence, eos not counted; one that reaches its limit
            is cut and ranked with the finished ones.
    """
    sentences = torch.arange(len(limits))  # which sentence each remaining row is
    limit = torch.tensor(list(limits), dtype=torch.long)
    given = Prefixes(prefixes, limits)
    best = [Best(settings.nbest) for _ in limits]
    groups = [_empty_group(len(limits), settings) for _ in range(settings.groups)]
    last = torch.full((len(limits), 1), BOS)  # the first step expands one beam, shared by all
    state = model.begin(source, source_real)
    length = 0
    while len(sentences):
        logits, state = model.step(state, last.to(source.device))
        forced = given.at(length, sentences)
        layout = Layout.of(last != EMPTY)
        found = candidates(logits, layout, _count(groups), _history(groups), settings, forced)
        length += 1
        cut = limit[sentences] <= length
        chosen: list[Tensor] = []  # tokens that groups took in this step
        origins: list[Tensor] = []
        rows = [best[index] for index in sentences.tolist()]
        for place, group in enumerate(groups):
            groups[place], origin = _extend(group, found, cut, chosen, rows, settings)
            origins.append(origin)
        going = _may_win(groups, rows, limit[sentences], settings.length_penalty)
        kept = going.nonzero().flatten()
        if not len(kept):
            break
        ended = len(kept) < len(sentences)
        groups = [group.keep(kept) for group in groups]
        beams = [
            origin[kept, : group.totals.shape[1]]
            for origin, group in zip(origins, groups, strict=True)
        ]
        first = 0
        for group in groups:
            group.first, first = first, first + group.totals.shape[1]
        last = torch.cat([group.tokens[..., -1] for group in groups], dim=-1)
        parents = torch.cat(beams, dim=-1)
        sentences = sentences[kept]
        if ended or not _unchanged(parents, layout.shape[1]):
            chosen_rows = kept.to(source.device) if ended else None
            state = model.select(state, chosen_rows, parents.to(source.device))
    return [found.kept for found in best]


def _empty_group(sentences: int, settings: SearchSettings) -> Group:
    return Group(
        tokens=torch.empty(sentences, 1, 0, dtype=torch.long),
        totals=torch.zeros(sentences, 1, dtype=torch.float64),
        places=torch.full((sentences,), settings.beam // settings.groups),
    )


def _count(groups: list[Group]) -> int:
    """How many candidates a beam needs: its group's places, and as many as groups can penalise."""
    places = [int(group.places.max()) for group in groups]
    return max(places) + sum(places[:-1])


def _history(groups: list[Group]) -> Tensor:
    """The tokens of the model's rows; before the first step all groups share one row."""
    if groups[0].tokens.shape[-1] == 0:
        return groups[0].tokens
    return torch.cat([group.tokens for group in groups], dim=1)


def _unchanged(parents: Tensor, width: int) -> bool:
    return parents.shape[1] == width and bool((parents == torch.arange(width)).all())


def _extend(
    group: Group,
    found: tuple[Tensor, Tensor],
    cut: Bool[Tensor, "sentences"],
    chosen: list[Tensor],
    best: list[Best],
    settings: SearchSettings,
) -> tuple[Group, Int[Tensor, "sentences beams"]]:
    """Lengthen one group's hypotheses by one token, hand in what ended, and return the rest.

    Returns: the new group and, for each of its beams, the model's row that it continues.
    """
    width = group.totals.shape[1]
    columns = slice(group.first, group.first + width)
    scores = (group.totals[..., None] + found[0][:, columns]).flatten(1)  # (sentences, beams × k)
    ids = found[1][:, columns].flatten(1)
    order = ranked(_less_alike(scores, ids, chosen, settings.diversity))[1]
    order = order[:, : max(int(group.places.max()), 1)]
    scores, ids = scores.gather(1, order), ids.gather(1, order)
    parents = order // found[0].shape[-1] if width else order
    taken = scores.isfinite() & (torch.arange(order.shape[1]) < group.places[:, None])
    ended = taken & (ids == EOS)
    going = taken & ~ended & ~cut[:, None]
    alpha = settings.length_penalty
    for sentence, rank in (taken & ~going).nonzero().tolist():
        tokens = group.tokens[sentence, parents[sentence, rank]].tolist()
        finished = bool(ended[sentence, rank])
        if not finished:
            tokens.append(int(ids[sentence, rank]))
        total = float(scores[sentence, rank])
        best[sentence].add(hypothesis(tokens, total, finished, alpha))
    stuck = ~taken.any(1, keepdim=True) & group.totals.isfinite() & (group.places[:, None] > 0)
    for sentence, beam in stuck.nonzero().tolist():  # everything is banned: cut before this step
        tokens, total = group.tokens[sentence, beam].tolist(), float(group.totals[sentence, beam])
        best[sentence].add(hypothesis(tokens, total, False, alpha))
    chosen.append(ids.masked_fill(~taken, PAD))

    front = going.int().sort(dim=1, descending=True, stable=True)[1]  # empty places to the end
    alive = going.gather(1, front)
    parents = parents.gather(1, front).masked_fill(~alive, 0)
    token = ids.gather(1, front).masked_fill(~alive, EMPTY)
    before = group.tokens.gather(1, parents[..., None].expand(-1, -1, group.tokens.shape[-1]))
    return (
        Group(
            tokens=torch.cat([before, token[..., None]], dim=-1),
            totals=scores.gather(1, front).masked_fill(~alive, -math.inf),
            places=group.places - ended.sum(1),
        ),
        parents + group.first,
    )


def _less_alike(scores: Tensor, ids: Tensor, chosen: list[Tensor], diversity: float) -> Tensor:
    """Lower the rank of tokens that earlier groups chose in this step; totals stay untouched."""
    if not chosen:
        return scores
    times = (ids[..., None] == torch.cat(chosen, dim=1)[:, None, :]).sum(-1)
    return scores - diversity * times


def _may_win(
    groups: list[Group], best: list[Best], limit: Tensor, alpha: float
) -> Bool[Tensor, "sentences"]:
    """Say which sentences hold an unfinished hypothesis that may yet be among the best.

    A log-probability can only fall and the penalty only grow, so no continuation scores above
    the present log-probability over the penalty at the length limit.
    """
    hopes = torch.cat([group.totals for group in groups], dim=1).amax(1).tolist()
    verdicts = [
        hope / length_penalty(most, alpha) > found.worst
        for hope, most, found in zip(hopes, limit.tolist(), best, strict=True)
    ]
    return torch.tensor(verdicts)
