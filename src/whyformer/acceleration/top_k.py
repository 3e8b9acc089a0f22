"""Exact top-k, fast on CPUs: find the k largest numbers through the maximum of each group."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

GROUP = 80
"""Logits in a group; the fastest size of 32 to 128 for 8,000 logits and k of 5 to 10."""
FEW_ROWS = 16
"""torch.topk is faster with fewer rows than this: 13 µs instead of 76 for one row of 6,000."""


def top_k(
    logits: Float[Tensor, "*rows vocab"], k: int
) -> tuple[Float[Tensor, "*rows k"], Int[Tensor, "*rows k"]]:
    """Return the k largest logits of each row and their ids, largest first.

    Each of the k largest is the largest of its group or shares the group with a larger one, so all
    k are in the k groups with the largest maxima. Finding maxima is one vectorised pass, where
    torch.topk moves every logit into a heap. Measured (64 × 5 rows of 8,000, one thread): 3.4 ms
    instead of 6.0. Plain twin: `torch.topk`.
    """
    groups = logits.shape[-1] // GROUP
    few = logits.numel() < FEW_ROWS * logits.shape[-1]
    if logits.device.type != "cpu" or groups < 4 * k or few:
        return logits.topk(k)
    whole = groups * GROUP
    table = logits[..., :whole].unflatten(-1, (GROUP, groups))  # (*rows, GROUP, groups)
    chosen = table.amax(-2).topk(k, sorted=False).indices[..., None, :]  # (*rows, 1, k)
    values = table.gather(-1, chosen.expand(*chosen.shape[:-2], GROUP, k)).flatten(-2)
    ids = (chosen + groups * torch.arange(GROUP)[:, None]).flatten(-2)
    rest = torch.arange(whole, logits.shape[-1]).expand(*ids.shape[:-1], -1)
    values = torch.cat([values, logits[..., whole:]], dim=-1)
    best, places = values.topk(k)
    return best, torch.cat([ids, rest], dim=-1).gather(-1, places)
