"""Grid beam search: beam search for outputs that must contain given phrases.

In a single beam, hypotheses without the phrases would displace hypotheses that contain unlikely
phrases. So hypotheses compete only with hypotheses that miss the same number of tokens. The
candidates of a hypothesis are its most probable next tokens, and the most probable tokens that
continue a phrase. Eos is allowed only when all phrases are complete.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.acceleration.top_k import top_k
from whyformer.blocks.history import Layout
from whyformer.decoding.banned import refuse_nan
from whyformer.decoding.candidates import Stepper, restrict
from whyformer.decoding.constraints import Constraint, constrain, constraints_of
from whyformer.decoding.hypotheses import Best, Hypothesis, hypothesis
from whyformer.decoding.lexical.required import Requirements
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.prefixes import Allowed, Prefixes
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_prefix import TextPrefix
from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import BOS, EOS


@dataclass
class Grid:
    """The search of one line.

    Args:
        limit: maximum number of tokens, excluding eos.
        places: number of hypotheses in each beam: the beam size minus the finished hypotheses.
        tokens: the unfinished hypotheses.
        totals: their log-probabilities.
        states: their states in the phrases.
        parents: for each hypothesis, the hypothesis of the previous step that it continues.
        incomplete: hypotheses that can continue with no token and lack a phrase. They are the
            result only if the search finds nothing else.
    """

    wanted: Requirements
    limit: int
    places: int
    best: Best
    incomplete: Best
    tokens: Int[np.ndarray, "hypotheses length"]
    totals: Float[np.ndarray, " hypotheses"]
    states: Int[np.ndarray, "hypotheses phrases"]
    parents: Int[np.ndarray, " hypotheses"] = field(default_factory=lambda: np.zeros(1, int))

    @classmethod
    def of(
        cls, wanted: Requirements, limit: int, settings: SearchSettings, prefix: int = 0
    ) -> "Grid":
        """Return the search before its first step.

        Args: prefix: number of tokens of the prefix.
        Raises: UsageError when the phrases do not fit in the length limit.
        """
        needed = prefix + int(wanted.left(wanted.begin())[0]) - 1 if len(wanted) else 0
        if needed > limit:
            named = ", ".join(f"`{one}`" for one in wanted.texts)
            raise UsageError(
                f"The required phrases must fit in the length limit, but {named} may need "
                f"{counted(needed, 'token')} (with the prefix) and the limit is {limit}. Raise "
                "`max_length` or require fewer phrases."
            )
        lists = Best(settings.nbest), Best(settings.nbest)
        tokens = np.zeros((1, 0), int)
        return cls(wanted, limit, settings.beam, *lists, tokens, np.zeros(1), wanted.begin())

    @property
    def found(self) -> list[Hypothesis]:
        """The best hypotheses, best first."""
        return self.best.kept or self.incomplete.kept

    def restrict(self, scores: Float[Tensor, "hypotheses vocab"]) -> None:
        """Forbid eos before all phrases are complete, and tokens after which the phrases would not
        fit in the length limit."""
        if not len(self.wanted):
            return
        scores[torch.from_numpy(~self.wanted.met(self.states)), EOS] = -math.inf
        remaining = self.limit - self.tokens.shape[1]  # after the next token, and with eos
        if self.wanted.most <= remaining:
            return
        for row, left in enumerate(self.wanted.left(self.states).tolist()):
            if left:
                late = self.wanted.left_after(self.states[row]) > max(remaining, left - 1)
                late[EOS] = False
                scores[row, torch.from_numpy(late[: scores.shape[1]])] = -math.inf

    def advancing(self, vocabulary: int) -> Bool[Tensor, "hypotheses vocab"]:
        """Return which tokens continue a phrase of each hypothesis."""
        masks = [self.wanted.advancing(states)[:vocabulary] for states in self.states]
        return torch.from_numpy(np.stack(masks))

    def extend(
        self,
        scores: Float[np.ndarray, "hypotheses k"],
        ids: Int[np.ndarray, "hypotheses k"],
        alpha: float,
    ) -> None:
        """Extend the hypotheses by one token; add those that end to the results.

        Args: scores, ids: log-probabilities and ids of the candidates; the ids of a row ascend.
        """
        full = self.tokens.shape[1] >= self.limit
        if full:  # only eos is possible, and only if it is the best candidate
            best = np.take_along_axis(ids, scores.argmax(1)[:, None], 1)
            scores = np.where((ids == EOS) & (best == EOS), scores, -math.inf)
        totals = (self.totals[:, None] + scores).ravel()
        parents, tokens = np.repeat(np.arange(len(ids)), ids.shape[1]), ids.ravel()
        order = np.argsort(-totals, kind="stable")
        order = order[np.isfinite(totals[order])]
        parents, tokens, totals = parents[order], tokens[order], totals[order]
        if full or not len(order):
            stuck = (~np.isfinite(scores)).all(1)
            self._stop(np.asarray(stuck), alpha)
        states = self.wanted.follow(self.states[parents], tokens)
        taken = self._taken(np.where(tokens == EOS, 0, self.wanted.missing(states)))
        ended = taken & (tokens == EOS)
        for row in np.flatnonzero(ended):
            ids_so_far = self.tokens[parents[row]].tolist()
            self.best.add(hypothesis(ids_so_far, float(totals[row]), True, alpha))
        kept = taken & ~ended
        self.places -= int(ended.sum())
        self.parents = parents[kept]
        self.tokens = np.concatenate([self.tokens[self.parents], tokens[kept][:, None]], 1)
        self.totals, self.states = totals[kept], states[kept]
        if not self._may_win(alpha):
            self._drop()

    def _taken(self, missing: Int[np.ndarray, " candidates"]) -> Bool[np.ndarray, " candidates"]:
        """Return the best `places` candidates of each number of missing tokens."""
        taken = np.zeros(len(missing), bool)
        for number in np.unique(missing):
            taken[np.flatnonzero(missing == number)[: self.places]] = True
        return taken

    def _stop(self, stuck: Bool[np.ndarray, " hypotheses"], alpha: float) -> None:
        """Add hypotheses without a next token to the results, unfinished."""
        met = self.wanted.met(self.states)
        for row in np.flatnonzero(stuck):
            kept = self.best if met[row] else self.incomplete
            total = float(self.totals[row])
            kept.add(hypothesis(self.tokens[row].tolist(), total, False, alpha))

    def _may_win(self, alpha: float) -> bool:
        """Return whether an unfinished hypothesis can still become one of the best."""
        if not len(self.totals) or not self.places:
            return False
        most = length_penalty(self.limit + 1, alpha)
        return float(self.totals.max()) / most > self.best.worst

    def _drop(self) -> None:
        self.tokens, self.totals = self.tokens[:0], self.totals[:0]
        self.states, self.parents = self.states[:0], self.parents[:0]


def grid_search(
    model: Stepper,
    source: Int[Tensor, "sentences source"],
    source_real: Bool[Tensor, "sentences source"] | None,
    limits: Sequence[int],
    settings: SearchSettings,
    wanted: Sequence[Requirements],
    prefixes: Sequence[Sequence[int] | TextPrefix] | None = None,
    constraints: Sequence[Constraint] = (),
) -> list[list[Hypothesis]]:
    """Return the best `nbest` hypotheses of each line that contain the required phrases.

    Paper: Hokamp and Liu 2017 (arXiv:1704.07138), §3 and Algorithm 1.
    Differs: phrases are found in the text, in any tokenization, so a row of the grid is a number of
        missing tokens. A hypothesis may leave a phrase that it has begun. Near the length limit,
        only tokens that continue a phrase are allowed. Without phrases, the result is that of
        `beam_search`.
    Args:
        limits: maximum number of target tokens of each line, excluding eos.
        wanted: the phrases of each line.
        prefixes, constraints: see `search`.
    Raises: UsageError when the phrases of a line do not fit in its limit.
    """
    given = Prefixes(prefixes, limits)
    lengths = [len(one.ids if isinstance(one, TextPrefix) else one) for one in given.prefixes]
    asked = zip(wanted, limits, lengths, strict=True)
    grids = [Grid.of(one, limit, settings, length) for one, limit, length in asked]
    rules = [*constraints_of(settings), *constraints]
    lines = list(range(len(grids)))
    state = model.begin(source, source_real)
    while True:
        last = _last([grids[line] for line in lines])
        logits, state = model.step(state, last.to(source.device))
        live = last != EMPTY
        layout, age = Layout.of(live), grids[lines[0]].tokens.shape[1]
        tokens = _padded([grids[line].tokens for line in lines], live)
        scores = logits.float().log_softmax(-1)
        refuse_nan(bool(scores.isnan().any()))
        numbers = torch.tensor(lines)
        held = given.at(torch.full_like(numbers, age), numbers, tokens, live)
        free = scores.clone() if held is not None else scores
        scores = constrain(scores, layout.rows(tokens), rules).cpu()
        parts = scores.split([len(grids[line].totals) for line in lines])
        for line, own in zip(lines, parts, strict=True):
            grids[line].restrict(own)
        if held is not None:
            _hold(scores, free.cpu(), layout, held)
        for line, own in zip(lines, parts, strict=True):
            found = _candidates(own, grids[line], settings.beam)
            grids[line].extend(*found, settings.length_penalty)
        kept = [place for place, line in enumerate(lines) if len(grids[line].totals)]
        if not kept:
            return [grid.found for grid in grids]
        lines = [lines[place] for place in kept]
        parents = _padded([grids[line].parents[:, None] for line in lines])[..., 0]
        rows = None if len(kept) == len(last) else torch.tensor(kept).to(source.device)
        state = model.select(state, rows, parents.to(source.device))


def _candidates(
    scores: Float[Tensor, "hypotheses vocab"], grid: Grid, count: int
) -> tuple[Float[np.ndarray, "hypotheses k"], Int[np.ndarray, "hypotheses k"]]:
    """Return the candidates of each hypothesis: its most probable tokens, and its most probable
    tokens that continue a phrase. Ids ascend."""
    values, ids = top_k(scores, min(count, scores.shape[1]))
    if len(grid.wanted):
        more = scores.masked_fill(~grid.advancing(scores.shape[1]), -math.inf)
        more.scatter_(1, ids, -math.inf)  # these tokens are candidates already
        more_values, more_ids = top_k(more, ids.shape[1])
        values, ids = torch.cat([values, more_values], 1), torch.cat([ids, more_ids], 1)
    ids, order = ids.sort(1)
    values = values.gather(1, order).double().clamp_(max=0.0)
    return values.numpy(), ids.numpy()


def _hold(
    scores: Float[Tensor, "hypotheses vocab"],
    free: Float[Tensor, "hypotheses vocab"],
    layout: Layout,
    held: Allowed,
) -> None:
    """Allow only the tokens that continue the prefix, even if a constraint bans them."""
    rows, given, certain = restrict(free, layout, held)
    only = torch.full_like(scores[rows], -math.inf)
    scores[rows] = only.scatter_reduce(1, given, certain.float(), "amax")


def _last(grids: Sequence[Grid]) -> Int[Tensor, "lines beams"]:
    """Return the tokens to feed to the model: bos at first, and EMPTY for an empty slot."""
    if not grids[0].tokens.shape[1]:
        return torch.full((len(grids), 1), BOS)
    return _padded([grid.tokens[:, -1:] for grid in grids], fill=EMPTY)[..., 0]


def _padded(
    rows: Sequence[Int[np.ndarray, "hypotheses length"]],
    live: Bool[Tensor, "lines beams"] | None = None,
    *,
    fill: int = 0,
) -> Int[Tensor, "lines beams length"]:
    """Return one tensor of the rows of all lines; short lists are filled up."""
    width = max(map(len, rows)) if live is None else live.shape[1]
    table = np.full((len(rows), width, rows[0].shape[1]), fill)
    for line, some in enumerate(rows):
        table[line, : len(some)] = some
    return torch.from_numpy(table)
