"""Beam search and diverse beam search, with any model that has `begin`, `step` and `select`.

Beam search keeps the B most probable hypotheses. A hypothesis that predicts eos is finished, and
the beam of its sentence becomes narrower by one, so a sentence has at most B finished hypotheses
(Sutskever et al. 2014, §3.2). The search of a sentence ends when its beam is empty or when no
unfinished hypothesis can still become one of the best. This early stop is exact: it never changes
the result.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.blocks.history import Layout
from whyformer.decoding.candidates import Stepper, candidates, ranked, unused
from whyformer.decoding.hypotheses import Best, Hypothesis, hypothesis
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.queue import Queue, begin, mostly_ended
from whyformer.decoding.settings import SearchSettings
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import BOS, EOS, PAD


@dataclass
class Group:
    """The unfinished hypotheses of one group, for all sentences in the search. All tensors are on
    the CPU.

    Args:
        tokens: (sentences, beams, length), the tokens predicted so far. Columns before the first
            token of a hypothesis hold `unused` ids. The last token of an empty slot is EMPTY.
        totals: (sentences, beams), the log-probability of each hypothesis; −∞ for an empty slot.
            The empty slots of a sentence come last.
        places: (sentences,), the number of hypotheses that this group may still finish.
    """

    tokens: Int[Tensor, "sentences beams length"]
    totals: Float[Tensor, "sentences beams"]
    places: Int[Tensor, "sentences"]

    @property
    def width(self) -> int:
        """The largest number of unfinished hypotheses of any sentence."""
        return int(self.totals.isfinite().sum(-1).amax()) if len(self.totals) else 0

    def keep(self, sentences: Tensor, width: int, forget: int) -> "Group":
        """Keep the given sentences and ``width`` beams; drop the first ``forget`` columns of
        tokens."""
        tokens, totals = self.tokens[sentences, :width, forget:], self.totals[sentences, :width]
        missing = width - totals.shape[1]
        tokens = F.pad(tokens, (0, 0, 0, missing), value=EMPTY)
        totals = F.pad(totals, (0, missing), value=-math.inf)
        return Group(tokens, totals, self.places[sentences])

    def join(self, count: int, places: int) -> "Group":
        """Append ``count`` sentences that start with one empty hypothesis each."""
        width, length = self.tokens.shape[1:]
        totals = self.totals.new_full((count, width), -math.inf)
        totals[:, 0] = 0.0
        return Group(
            torch.cat([self.tokens, unused(count, width, length)]),
            torch.cat([self.totals, totals]),
            torch.cat([self.places, self.places.new_full((count,), places)]),
        )


def beam_search(model: Stepper, queue: Queue, settings: SearchSettings) -> list[list[Hypothesis]]:
    """Return the best `nbest` hypotheses of each sentence, best first.

    Paper: the ranking: Wu et al. 2016 (arXiv:1609.08144), §7; several groups: Vijayakumar et al.
    2016 (arXiv:1610.02424), Algorithm 1 with Hamming diversity.
    Differs: no pruning by score; `coverage` implements the coverage penalty. A hypothesis that
    several diverse groups find is returned once, so fewer than `nbest` may be returned. A
    hypothesis at the length limit is finished if eos is its most probable next token, as in greedy
    search; otherwise it is returned without eos and ranked with the finished hypotheses.
    """
    best = [Best(settings.nbest) for _ in range(len(queue))]
    sentences = torch.empty(0, dtype=torch.long)  # for each row, the number of its sentence
    start = torch.empty(0, dtype=torch.long)  # for each row, the column of its first token
    alive = torch.empty(0, dtype=torch.bool)  # for each row, whether its search continues
    groups = [_no_group() for _ in range(settings.groups)]
    origins = [torch.empty(0, 0, dtype=torch.long) for _ in groups]
    state, width = None, 0
    while True:
        waits = queue.waits(sentences[alive])
        dropping = waits or mostly_ended(alive)
        kept = alive.nonzero().flatten() if dropping else torch.arange(len(alive))
        length = groups[0].tokens.shape[-1]
        forget = 0 if not dropping else int(start[kept].min()) if len(kept) else length
        widths = [max(group.width, int(waits)) for group in groups]
        groups = [group.keep(kept, w, forget) for group, w in zip(groups, widths, strict=True)]
        length -= forget
        if len(kept):
            parents = _parents(origins, widths)[kept]
            ended = len(kept) < len(sentences)
            if ended or not _unchanged(parents, width):
                chosen_rows = kept.to(queue.device) if ended else None
                state = model.select(state, chosen_rows, parents.to(queue.device))
        else:
            state = None
        sentences, start, width = sentences[kept], start[kept] - forget, sum(widths)
        while waits:
            cohort, new = queue.take()
            state = begin(model, state, cohort, width)
            groups = [group.join(len(new), settings.beam // len(groups)) for group in groups]
            sentences = torch.cat([sentences, new])
            start = torch.cat([start, torch.full_like(new, length)])
            waits = queue.waits(sentences)
        if not len(sentences):
            return [found.kept for found in best]
        last, age = _last(groups, start == length), length - start
        logits, state = model.step(state, last.to(queue.device))
        tokens = torch.cat([group.tokens for group in groups], dim=1)
        layout = Layout.of(last != EMPTY)
        forced = queue.prefixes.at(age, sentences, tokens, last != EMPTY)
        count, rules = _count(groups), queue.constraints
        found = candidates(logits, layout, count, tokens, settings, forced, rules)
        limit = queue.limit[sentences]
        full = age >= limit
        found = _only_eos(found, full)
        chosen: list[Tensor] = []  # tokens that earlier groups chose in this step
        rows = [best[index] for index in sentences.tolist()]
        first = 0
        for place, group in enumerate(groups):
            groups[place], origins[place] = _extend(
                group, first, start, found, full, chosen, rows, settings
            )
            first += widths[place]
        alive = _may_win(groups, rows, limit, settings.length_penalty)
        for group in groups:
            group.totals = group.totals.masked_fill(~alive[:, None], -math.inf)


def _no_group() -> Group:
    return Group(
        tokens=torch.empty(0, 0, 0, dtype=torch.long),
        totals=torch.empty(0, 0, dtype=torch.float64),
        places=torch.empty(0, dtype=torch.long),
    )


def _parents(origins: list[Tensor], widths: list[int]) -> Int[Tensor, "sentences beams"]:
    """Return the parent row of each slot; the row of a slot without a hypothesis is arbitrary."""
    return torch.cat(
        [
            F.pad(origin[:, :width], (0, max(width - origin.shape[1], 0)))
            for origin, width in zip(origins, widths, strict=True)
        ],
        dim=-1,
    )


def _last(groups: list[Group], new: Bool[Tensor, "sentences"]) -> Int[Tensor, "sentences beams"]:
    """Return the tokens to feed to the model: bos for a new sentence, EMPTY for an empty slot."""
    live = torch.cat([group.totals for group in groups], dim=1).isfinite()
    if bool(new.all()):
        last = torch.full(live.shape, BOS)
    else:
        last = torch.cat([group.tokens[..., -1] for group in groups], dim=1)
        last = last.masked_fill(new[:, None], BOS)
    return last.masked_fill(~live, EMPTY)


def _count(groups: list[Group]) -> int:
    """Return the number of candidates that each beam needs.

    A group needs one candidate for each hypothesis that it may still finish, plus one for each
    token that earlier groups can penalize.
    """
    places = [int(group.places.max()) for group in groups]
    return max(places) + sum(places[:-1])


def _unchanged(parents: Tensor, width: int) -> bool:
    return parents.shape[1] == width and bool((parents == torch.arange(width)).all())


def _extend(
    group: Group,
    first: int,
    start: Int[Tensor, "sentences"],
    found: tuple[Tensor, Tensor],
    full: Bool[Tensor, "sentences"],
    chosen: list[Tensor],
    best: list[Best],
    settings: SearchSettings,
) -> tuple[Group, Int[Tensor, "sentences beams"]]:
    """Extend the hypotheses of one group by one token; add hypotheses that ended to ``best``.

    Args:
        first: index of the first beam of the group in the rows of the model.
        start: for each sentence, the column of the first token.
        full: True for sentences whose hypotheses are at the length limit. Such hypotheses end in
            this step.
    Returns: the group of unfinished hypotheses, and the parent row of each of its beams.
    """
    width = group.totals.shape[1]
    columns = slice(first, first + width)
    scores = (group.totals[..., None] + found[0][:, columns]).flatten(1)  # (sentences, beams × k)
    ids = found[1][:, columns].flatten(1)
    order = ranked(_less_alike(scores, ids, chosen, settings.diversity))[1]
    order = order[:, : max(int(group.places.max()), 1)]
    scores, ids = scores.gather(1, order), ids.gather(1, order)
    parents = order // found[0].shape[-1] if width else order
    taken = scores.isfinite() & (torch.arange(order.shape[1]) < group.places[:, None])
    ended = taken & (ids == EOS)
    unfinished = taken & ~ended
    alpha = settings.length_penalty
    for sentence, rank in ended.nonzero().tolist():
        tokens = group.tokens[sentence, parents[sentence, rank], start[sentence] :].tolist()
        best[sentence].add(hypothesis(tokens, float(scores[sentence, rank]), True, alpha))
    nothing = ~taken.any(1, keepdim=True) | (
        full[:, None] & ~found[0][:, columns].isfinite().any(-1)
    )
    stuck = nothing & group.totals.isfinite() & (group.places[:, None] > 0)
    for sentence, beam in stuck.nonzero().tolist():  # every next token is banned: stop here
        tokens = group.tokens[sentence, beam, start[sentence] :].tolist()
        total = float(group.totals[sentence, beam])
        best[sentence].add(hypothesis(tokens, total, False, alpha))
    chosen.append(ids.masked_fill(~taken, PAD))

    front = unfinished.int().sort(dim=1, descending=True, stable=True)[1]  # empty slots come last
    alive = unfinished.gather(1, front)
    parents = parents.gather(1, front).masked_fill(~alive, 0)
    token = ids.gather(1, front).masked_fill(~alive, EMPTY)
    before = group.tokens.gather(1, parents[..., None].expand(-1, -1, group.tokens.shape[-1]))
    return (
        Group(
            tokens=torch.cat([before, token[..., None]], dim=-1),
            totals=scores.gather(1, front).masked_fill(~alive, -math.inf),
            places=group.places - ended.sum(1),
        ),
        parents + first,
    )


def _only_eos(
    found: tuple[Tensor, Tensor], full: Bool[Tensor, "sentences"]
) -> tuple[Tensor, Tensor]:
    """At the length limit, allow only eos, and only if it is the best candidate."""
    if not bool(full.any()):
        return found
    scores, ids = found
    best = (scores == scores.amax(-1, keepdim=True)).int().argmax(-1, keepdim=True)
    ends = (ids.gather(-1, best) == EOS) & (ids == EOS)
    return scores.masked_fill(full[:, None, None] & ~ends, -math.inf), ids


def _less_alike(scores: Tensor, ids: Tensor, chosen: list[Tensor], diversity: float) -> Tensor:
    """Return the scores for the ranking: lower for tokens that earlier groups chose in this
    step."""
    if not chosen:
        return scores
    times = (ids[..., None] == torch.cat(chosen, dim=1)[:, None, :]).sum(-1)
    return scores - diversity * times


def _may_win(
    groups: list[Group], best: list[Best], limit: Tensor, alpha: float
) -> Bool[Tensor, "sentences"]:
    """Return which sentences have an unfinished hypothesis that can still become one of the best.

    With every token, the log-probability can only fall and the length penalty can only grow. So the
    score of a continuation is at most the current log-probability divided by the penalty of the
    longest possible hypothesis (the length limit plus eos).
    """
    totals = torch.cat([group.totals for group in groups], dim=1).amax(1).tolist()
    may_win = [
        total / length_penalty(most + 1, alpha) > found.worst
        for total, most, found in zip(totals, limit.tolist(), best, strict=True)
    ]
    return torch.tensor(may_win)
