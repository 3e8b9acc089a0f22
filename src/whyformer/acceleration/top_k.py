"""Exact top-k, fast on CPUs: the maximum of each group of logits shows which groups to search."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whyformer.acceleration.thresholds import TOP_K_GROUPS, TOP_K_ROWS

GROUP = 80
"""Number of logits in a group. Of the sizes from 32 to 128, this size is the fastest for 8,000
logits and k from 5 to 10."""


def top_k(
    logits: Float[Tensor, "*rows vocab"], k: int
) -> tuple[Float[Tensor, "*rows k"], Int[Tensor, "*rows k"]]:
    """Return the k largest logits of each row and their ids, largest first.

    The k largest logits are in the k groups with the largest maxima. Any other group has a maximum
    that is not larger than these k maxima. So only these k groups are searched. The maxima are
    found in one pass with vector instructions, but torch.topk moves every logit into a heap.
    Measured (64 × 5 rows of 8,000 logits, one thread): 3.4 ms instead of 6.0 ms. For few rows or
    small vocabularies, torch.topk is faster.
    Reference implementation: `torch.topk`.
    """
    vocabulary = logits.shape[-1]
    if (
        logits.device.type != "cpu"
        or vocabulary // GROUP < k * max(1, TOP_K_GROUPS())
        or logits.numel() < vocabulary * TOP_K_ROWS()
    ):
        return logits.topk(k)
    return grouped_top_k(logits, k)


def grouped_top_k(
    logits: Float[Tensor, "*rows vocab"], k: int
) -> tuple[Float[Tensor, "*rows k"], Int[Tensor, "*rows k"]]:
    """Compute `top_k` by groups, for a vocabulary of at least k groups."""
    groups = logits.shape[-1] // GROUP
    whole = groups * GROUP
    table = logits[..., :whole].unflatten(-1, (GROUP, groups))  # (*rows, GROUP, groups)
    chosen = table.amax(-2).topk(k, sorted=False).indices[..., None, :]  # (*rows, 1, k)
    values = table.gather(-1, chosen.expand(*chosen.shape[:-2], GROUP, k)).flatten(-2)
    ids = (chosen + groups * torch.arange(GROUP)[:, None]).flatten(-2)
    rest = torch.arange(whole, logits.shape[-1]).expand(*ids.shape[:-1], -1)
    values = torch.cat([values, logits[..., whole:]], dim=-1)
    best, places = values.topk(k)
    return best, torch.cat([ids, rest], dim=-1).gather(-1, places)
