"""Tensors of which every rank holds a part (torch's DTensor): made whole, and cut again.

A plain tensor passes through all of these unchanged, so that callers need not ask.
"""

from typing import Any

import torch
from torch import Tensor

from whyformer.foundation.ranks import Ranks


def is_sharded(tensor: Tensor) -> bool:
    """Say whether the ranks hold parts of a tensor."""
    return hasattr(tensor, "device_mesh")  # importing DTensor to ask costs a second at every start


def local(tensor: Tensor) -> Tensor:
    """Return this rank's part, which shares its memory."""
    part: Any = tensor
    return part.to_local() if is_sharded(tensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """Gather a tensor; all ranks must ask for it together."""
    parts: Any = tensor.detach()
    return parts.full_tensor() if is_sharded(tensor) else tensor.detach()


def cut_like(tensor: Tensor, like: Tensor) -> Tensor:
    """Cut a whole tensor, the same on every rank, as another one is cut; nothing is sent."""
    if not is_sharded(like):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    example: Any = like
    return distribute_tensor(
        tensor, example.device_mesh, example.placements, src_data_rank=None
    ).detach()


def gathered(
    tensors: dict[str, Tensor], *, keep: bool, device: str | None = None
) -> dict[str, Tensor]:
    """Make tensors whole, one after another; all ranks must ask together.

    Args:
        keep: whether this rank wants them; without, it only lends its parts.
        device: where they are kept; None leaves them where they are.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        complete = whole(tensor)
        if keep:
            found[name] = complete if device is None else complete.to(device)
    return found


def joined_norms(norms: Tensor, ranks: Ranks) -> Tensor:
    """Return the norms of whole tensors from those of each rank's parts."""
    squares = norms.double().square().tolist()
    return torch.tensor(ranks.sums(squares), dtype=torch.float64).sqrt().float()
