"""Who may attend: from which tokens are real to which query may look at which key."""

import torch
from jaxtyping import Bool
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


def padding_mask(real: Bool[Tensor, "batch keys"] | None) -> Bool[Tensor, "batch 1 1 keys"] | None:
    """True where the key is a real token, for every head and query; None when all are real."""
    return None if real is None else real[:, None, None, :]


def combine(
    first: Bool[Tensor, "..."] | None, second: Bool[Tensor, "..."] | None
) -> Bool[Tensor, "..."] | None:
    """Allow what both allow."""
    if first is None:
        return second
    return first if second is None else first & second
