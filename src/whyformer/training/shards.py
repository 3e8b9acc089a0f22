"""Tensors of which every rank holds a part (torch's DTensor): made whole, cut, kept on disk.

A plain tensor passes through all of these unchanged, so that callers need not ask.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
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


def gathered(tensors: dict[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Make tensors whole, one after another; all ranks must ask together.

    Args: keep: whether this rank wants them; without, it only lends its parts.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        complete = whole(tensor)
        if keep:
            found[name] = complete
    return found


def write_parts(tensors: dict[str, Tensor], directory: Path) -> None:
    """Write a safetensors file a rank with what that rank holds, by torch.distributed.checkpoint.

    All ranks must call this together, with one directory that all of them see. What several ranks
    hold alike is written once.
    Raises: what stopped any of the ranks, such as OSError, on all of them.
    """
    import torch.distributed.checkpoint as dcp

    writer = dcp.HuggingFaceStorageWriter(str(directory), save_distributed=True)
    try:
        dcp.save(tensors, storage_writer=writer)
    except dcp.CheckpointException as failure:
        raise next(iter(failure.failures.values()))[0] from None


def read_parts(directory: Path, like: Callable[[str], Tensor | None]) -> dict[str, Tensor]:
    """Read what `write_parts` wrote, however many ranks wrote it, or plain safetensors files.

    Of a tensor that is to be cut, each rank reads its own part only; the others become whole.
    Args: like: the tensor that one of this name will be put into, where there is one.
    Raises: OSError, ValueError or SafetensorError when a file is damaged.
    """
    import torch.distributed.checkpoint as dcp

    reader = dcp.HuggingFaceStorageReader(str(directory))
    found: dict[str, Tensor] = {}
    for name, about in reader.read_metadata().state_dict_metadata.items():
        kept: Any = about
        example = like(name)
        if example is not None and is_sharded(example) and example.shape == kept.size:
            found[name] = torch.empty_like(example.detach(), dtype=kept.properties.dtype)
        else:
            found[name] = torch.empty(kept.size, dtype=kept.properties.dtype)
    try:
        with warnings.catch_warnings():  # each rank reads for itself, and that is meant
            warnings.filterwarnings("ignore", "torch.distributed is disabled")
            dcp.load(found, storage_reader=reader, no_dist=True)
    except dcp.CheckpointException as failure:
        raise next(iter(failure.failures.values()))[0] from None
    return found


def joined_norms(norms: Tensor, ranks: Ranks) -> Tensor:
    """Return the norms of whole tensors from those of each rank's parts."""
    squares = norms.double().square().tolist()
    return torch.tensor(ranks.sums(squares), dtype=torch.float64).sqrt().float()
