"""Attention masks: which query may attend to which key."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def causal_mask(
    queries: int, keys: int, device: torch.device | None = None
) -> Bool[Tensor, "1 1 queries keys"]:
    """True where the key is not later than the query. The last query has the last key's position.

    Paper: Vaswani et al. 2017, §3.2.3 (the decoder must not see subsequent positions).

    >>> causal_mask(2, 3)[0, 0].tolist()
    [[True, True, False], [True, True, True]]
    """
    everywhere = torch.ones(queries, keys, dtype=torch.bool, device=device)
    return everywhere.tril(keys - queries)[None, None]


def window_mask(
    queries: int, keys: int, width: int, device: torch.device | None = None
) -> Bool[Tensor, "1 1 queries keys"]:
    """True for keys at the position of the query and at the ``width`` - 1 positions before it.

    Paper: Vaswani et al. 2017, §4 (self-attention restricted to a neighborhood of size r).
    Differs: the neighborhood ends at the query and has no later positions; in the paper, it
        surrounds the query.

    >>> window_mask(3, 3, 2)[0, 0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    return causal_mask(queries, keys, device).triu(keys - queries - width + 1)


def padding_mask(real: Bool[Tensor, "batch keys"] | None) -> Bool[Tensor, "batch 1 1 keys"] | None:
    """True where the key is a real token, for every head and query; None when no key is padding."""
    return None if real is None else real[:, None, None, :]


def as_bias(
    allowed: Bool[Tensor, "*shape"], dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*shape"]:
    """Return the mask as an additive bias: 0 where allowed, −∞ elsewhere.

    If a mask is used several times, convert it once; otherwise, every call of attention converts
    it. Every query must have at least one allowed key.

    >>> as_bias(torch.tensor([True, False])).tolist()
    [0.0, -inf]
    """
    return torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill(
        ~allowed, -math.inf
    )


def combine(
    first: Bool[Tensor, "..."] | None, second: Bool[Tensor, "..."] | None
) -> Bool[Tensor, "..."] | None:
    """Return the intersection of two masks; None allows all."""
    if first is None:
        return second
    return first if second is None else first & second
