"""Who may attend: from which tokens are real to which query may look at which key."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def causal_mask(
    queries: int, keys: int, device: torch.device | None = None
) -> Bool[Tensor, "1 1 queries keys"]:
    """True where a key is not later than the query; the last query stands at the last key.

    Paper: Vaswani et al. 2017, §3.2.3 (the decoder must not see subsequent positions).

    >>> causal_mask(2, 3)[0, 0].tolist()
    [[True, True, False], [True, True, True]]
    """
    everywhere = torch.ones(queries, keys, dtype=torch.bool, device=device)
    return everywhere.tril(keys - queries)[None, None]


def window_mask(
    queries: int, keys: int, width: int, device: torch.device | None = None
) -> Bool[Tensor, "1 1 queries keys"]:
    """True for a query's own position and the ``width`` - 1 before it.

    Paper: Vaswani et al. 2017, §4 (self-attention restricted to a neighborhood of size r).
    Differs: the neighbourhood ends at the query instead of surrounding it: nobody looks ahead.

    >>> window_mask(3, 3, 2)[0, 0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    return causal_mask(queries, keys, device).triu(keys - queries - width + 1)


def padding_mask(real: Bool[Tensor, "batch keys"] | None) -> Bool[Tensor, "batch 1 1 keys"] | None:
    """True where the key is a real token, for every head and query; None when all are real."""
    return None if real is None else real[:, None, None, :]


def as_bias(
    allowed: Bool[Tensor, "*shape"], dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*shape"]:
    """0 where a query may attend and −∞ where not; every query must have somewhere to attend.

    What attention would otherwise make of the mask in every call.

    >>> as_bias(torch.tensor([True, False])).tolist()
    [0.0, -inf]
    """
    return torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill(
        ~allowed, -math.inf
    )


def combine(
    first: Bool[Tensor, "..."] | None, second: Bool[Tensor, "..."] | None
) -> Bool[Tensor, "..."] | None:
    """Allow what both allow."""
    if first is None:
        return second
    return first if second is None else first & second
