"""Attention of a recurrent decoder: score the decoder state h against each source vector m.

The variants differ only in the score function. `attention.weigh` then applies the softmax to the
scores and computes the weighted mean of the source vectors.
"""

from enum import StrEnum

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from whyformer.blocks.attention import weigh
from whyformer.blocks.taps import Tap
from whyformer.foundation.errors import UsageError


class RecurrentAttention(StrEnum):
    """Score function of the attention of a recurrent decoder."""

    NONE = "none"
    """No attention: the decoder knows the source only through its initial state."""
    ADDITIVE = "additive"
    DOT = "dot"
    GENERAL = "general"
    LOCATION = "location"


class DotScore(nn.Module):
    """score(h, m) = hᵀm. Paper: Luong et al. 2015 (arXiv:1508.04025), §3.1, after Eq. 7."""

    def __init__(self, d_model: int, max_length: int) -> None:
        super().__init__()

    def keys(
        self, memory: Float[Tensor, "batch source d_model"]
    ) -> Float[Tensor, "batch source d_model"]:
        """Return the part of the scores that depends only on the source.

        Call this method once for each sentence.
        """
        return memory

    def forward(
        self,
        h: Float[Tensor, "batch queries d_model"],
        keys: Float[Tensor, "batch source d_model"],
    ) -> Float[Tensor, "batch queries source"]:
        """Score every state against every source position."""
        return h @ keys.mT


class GeneralScore(DotScore):
    """score(h, m) = hᵀ W m. Paper: Luong et al. 2015, §3.1, after Eq. 7."""

    def __init__(self, d_model: int, max_length: int) -> None:
        super().__init__(d_model, max_length)
        self.project_key = nn.Linear(d_model, d_model, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        """Compute W m."""
        return self.project_key(memory)


class AdditiveScore(GeneralScore):
    """score(h, m) = vᵀ tanh(W h + U m).

    Paper: Bahdanau et al. 2014 (arXiv:1409.0473), §3.1 and A.1.2.
    Differs: h is the decoder state at the current position, as in Luong et al.; in the paper, it is
        the state at the previous position. With input feeding, the context is an input of the next
        state, as in the paper.
    """

    def __init__(self, d_model: int, max_length: int) -> None:
        super().__init__(d_model, max_length)
        self.project_query = nn.Linear(d_model, d_model, bias=False)
        self.project_score = nn.Linear(d_model, 1, bias=False)

    def forward(self, h: Tensor, keys: Tensor) -> Tensor:
        """Score every state against every source position."""
        both = self.project_query(h)[:, :, None] + keys[:, None]  # (batch, queries, source, d)
        return self.project_score(torch.tanh(both)).squeeze(-1)


class LocationScore(DotScore):
    """score(h, m_s) = (W h)_s: the scores depend on the decoder state only.

    Paper: Luong et al. 2015, §3.1, Eq. 8. W has one row for each source position, up to
        ``max_length``.
    """

    def __init__(self, d_model: int, max_length: int) -> None:
        super().__init__(d_model, max_length)
        self.project_place = nn.Linear(d_model, max_length, bias=False)

    def forward(self, h: Tensor, keys: Tensor) -> Tensor:
        """Score every state against every source position.

        Raises: UsageError when the source is longer than ``max_length``.
        """
        if keys.shape[1] > self.project_place.out_features:
            raise UsageError(
                "Attention `location` limits sources to `max_length` "
                f"{self.project_place.out_features}, but a source has {keys.shape[1]} tokens. Use "
                "shorter sources, or train with another attention."
            )
        return self.project_place(h)[:, :, : keys.shape[1]]


SCORES: dict[RecurrentAttention, type[DotScore]] = {
    RecurrentAttention.ADDITIVE: AdditiveScore,
    RecurrentAttention.DOT: DotScore,
    RecurrentAttention.GENERAL: GeneralScore,
    RecurrentAttention.LOCATION: LocationScore,
}


class SourceAttention(nn.Module):
    """h̃ = tanh(W [context; h]), where context is the weighted mean of the source vectors.

    Paper: Luong et al. 2015, §3, Eq. 5-7.
    """

    def __init__(self, kind: RecurrentAttention, d_model: int, max_length: int) -> None:
        super().__init__()
        self.score = SCORES[kind](d_model, max_length)
        self.combine = nn.Linear(2 * d_model, d_model, bias=False)
        self.weights = Tap()

    def forward(
        self,
        h: Float[Tensor, "batch queries d_model"],
        keys: Float[Tensor, "batch source d_model"],
        memory: Float[Tensor, "batch source d_model"],
        allowed: Bool[Tensor, "batch 1 source"] | None,
    ) -> Float[Tensor, "batch queries d_model"]:
        """Return the attentional vectors h̃. Args: keys: the result of ``score.keys(memory)``."""
        context, weights = weigh(self.score(h, keys), memory, allowed)
        self.weights(weights)
        return torch.tanh(self.combine(torch.cat([context, h], -1)))
