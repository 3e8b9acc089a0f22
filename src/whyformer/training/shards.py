"""Gather, shard, save and load sharded tensors. Each rank stores a part of a sharded tensor
(torch's DTensor).

All functions also accept plain tensors and return them unchanged.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from whyformer.foundation.ranks import Ranks


def is_sharded(tensor: Tensor) -> bool:
    """Return whether a tensor is sharded."""
    return hasattr(tensor, "device_mesh")  # importing DTensor for `isinstance` takes a second


def local(tensor: Tensor) -> Tensor:
    """Return the shard of this rank. The shard shares its memory with ``tensor``."""
    part: Any = tensor
    return part.to_local() if is_sharded(tensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """Gather a sharded tensor; all ranks must call this together."""
    parts: Any = tensor.detach()
    return parts.full_tensor() if is_sharded(tensor) else tensor.detach()


def cut_like(tensor: Tensor, like: Tensor) -> Tensor:
    """Shard ``tensor`` in the same way as ``like``, without communication.

    Every rank must have the same ``tensor``.
    """
    if not is_sharded(like):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    example: Any = like
    return distribute_tensor(
        tensor, example.device_mesh, example.placements, src_data_rank=None
    ).detach()


def gathered(tensors: dict[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Gather tensors one after another; all ranks must call this together.

    Args: keep: whether this rank keeps the results; if not, it only sends its shards.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        complete = whole(tensor)
        if keep:
            found[name] = complete
    return found


def write_parts(tensors: dict[str, Tensor], directory: Path) -> None:
    """Write one safetensors file per rank with its shards, using torch.distributed.checkpoint.

    All ranks must call this function together, with the same directory, which all ranks can access.
    A tensor that is not sharded is written by one rank only.
    Raises: an error, such as OSError. If an error occurs on one rank, all ranks raise it.
    """
    import torch.distributed.checkpoint as dcp

    writer = dcp.HuggingFaceStorageWriter(str(directory), save_distributed=True)
    try:
        dcp.save(tensors, storage_writer=writer)
    except dcp.CheckpointException as failure:
        raise next(iter(failure.failures.values()))[0] from None


def read_parts(directory: Path, like: Callable[[str], Tensor | None]) -> dict[str, Tensor]:
    """Read the files of `write_parts`, or ordinary safetensors files.

    Any number of ranks may have written the files. Each rank reads only its shard of a tensor that
    will be sharded. All other tensors are read completely.
    Args: like: function that returns, for each name, the tensor that will receive the values, or
        None. If this tensor is sharded, the result is sharded in the same way.
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
        with warnings.catch_warnings():  # torch warns that each rank reads separately
            warnings.filterwarnings("ignore", "torch.distributed is disabled")
            dcp.load(found, storage_reader=reader, no_dist=True)
    except dcp.CheckpointException as failure:
        raise next(iter(failure.failures.values()))[0] from None
    return found


def joined_norms(norms: Tensor, ranks: Ranks) -> Tensor:
    """Return the norms of the whole tensors. Args: norms: the norms of the shards of this rank."""
    squares = norms.double().square().tolist()
    return torch.tensor(ranks.sums(squares), dtype=torch.float64).sqrt().float()
