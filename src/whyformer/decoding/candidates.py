"""Select the best next tokens, the candidates, from the logits of a step.

The device of the model computes the logits, their log-softmax and the top-k. All later decisions of
a search use small tensors on the CPU, in double precision.

All searches order candidates with equal scores in the same way: the lower beam first, then the
lower token id. This order is guaranteed for candidates only. If several tokens with equal scores
compete for the last place of a top-k, torch chooses among them in no specified order (`top_k`).
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whyformer.acceleration.top_k import top_k
from whyformer.blocks.history import Layout
from whyformer.decoding.banned import refuse_nan
from whyformer.decoding.constraints import Constraint, constrain, constraints_of
from whyformer.decoding.prefixes import Allowed
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError


@runtime_checkable
class Stepper(Protocol):
    """The methods of a `SequenceModel` that a search calls; an ensemble has only these methods."""

    def begin(self, source: Tensor, source_real: Tensor | None) -> Any:
        """See `SequenceModel.begin`."""
        ...

    def step(self, state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        """See `SequenceModel.step`."""
        ...

    def select(self, state: Any, sentences: Tensor | None, beams: Tensor) -> Any:
        """See `SequenceModel.select`."""
        ...


UNUSED = -2
"""This id and all lower ids fill the positions before the first token of a hypothesis."""


def unused(sentences: int, beams: int, length: int) -> Int[Tensor, "sentences beams length"]:
    """Return the ids that fill the ``length`` positions before the first token of a hypothesis.

    All ids differ, so no n-gram of these ids occurs twice.
    """
    return (UNUSED - torch.arange(length)).expand(sentences, beams, -1)


def candidates(
    logits: Float[Tensor, "hypotheses vocab"],
    layout: Layout,
    count: int,
    tokens: Int[Tensor, "sentences beams length"],
    settings: SearchSettings,
    held: Allowed | None = None,
    constraints: Sequence[Constraint] = (),
) -> tuple[Float[Tensor, "sentences beams k"], Int[Tensor, "sentences beams k"]]:
    """Return log-probabilities and ids of the ``count`` best allowed tokens of each beam.

    The log-probabilities of the model are not renormalized over the allowed tokens.
    A banned token has log-probability −∞; a slot without a hypothesis holds zeros. Ids ascend
    within a beam.
    Args:
        layout: the slots of the hypotheses whose logits are given.
        tokens: the hypotheses so far; the positions before their first token hold `unused` ids.
        held: for some of the hypotheses, the only allowed next tokens. These tokens are allowed
            even if a constraint bans them.
        constraints: constraints in addition to those of the settings.
    Raises: WhyformerError when a logit is NaN.
    """
    log_probabilities = logits.float().log_softmax(-1)
    chosen = None if held is None else restrict(log_probabilities, layout, held)
    rules = [*constraints_of(settings), *constraints]
    constrain(log_probabilities, layout.rows(tokens), rules)
    values, ids = top_k(log_probabilities, min(count, logits.shape[-1]))
    ids, order = ids.sort(-1)
    scores, ids = values.gather(-1, order).cpu().double(), ids.cpu()
    refuse_nan(bool(scores.isnan().any()))
    if chosen is not None:
        rows, given, certain = chosen
        best, order = certain.topk(min(scores.shape[-1], given.shape[-1]))
        order, back = order.sort(-1)
        best = best.gather(-1, back)
        scores[rows] = -math.inf
        scores[rows, : best.shape[-1]] = best
        ids[rows, : best.shape[-1]] = given.gather(-1, order)
    return layout.spread(scores.clamp_(max=0.0)), layout.spread(ids)


def restrict(
    log_probabilities: Float[Tensor, "hypotheses vocab"], layout: Layout, held: Allowed
) -> tuple[Tensor, Tensor, Tensor]:
    """Return three tensors: the indices of the rows that may continue only with certain tokens,
    these tokens, and the log-probabilities of these tokens."""
    numbers = torch.full(layout.shape, -1)
    numbers[held.sentences, held.beams] = torch.arange(len(held.ids))
    numbers = layout.rows(numbers)
    rows = (numbers >= 0).nonzero()[:, 0]
    given = held.ids[numbers[rows]]
    check_vocabulary(given, log_probabilities.shape[-1])
    where = rows[:, None].to(log_probabilities.device), given.to(log_probabilities.device)
    certain = log_probabilities[where].cpu().double()
    return rows, given.clamp_min(0), certain.masked_fill(given < 0, -math.inf)


def check_vocabulary(ids: Tensor, vocab: int) -> None:
    """Raise UsageError when a forced token is not in the model's vocabulary."""
    if bool((ids >= vocab).any()):
        raise UsageError(
            f"A prefix must use ids below the vocabulary size {vocab}, but holds {int(ids.max())}. "
            "Encode it with the model's own target tokenizer."
        )


def ranked(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Sort the last dimension in descending order; equal scores keep their order."""
    values, order = scores.sort(dim=-1, descending=True, stable=True)
    return values, order
