"""The weights of a model as bytes for the page: half precision, or int8 for larger models."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

INT8_FROM = 5_000_000
"""From this number of parameters on, matrices are stored in int8, with one scale for each row."""
LARGEST_HALF = 65504.0
"""The largest number in half precision. A tensor with a larger one is stored in float32."""
ALIGNMENT = 8
"""Every tensor begins at a multiple of this number of bytes, as typed arrays need it."""


@dataclass(frozen=True)
class PackedWeights:
    """The weights of a model.

    Args:
        data: the bytes of all tensors.
        tensors: for each name, its dtype, its shape, and the offset in `data`; for int8 also the
            offset of the scales.
        aliases: for each further name of a shared tensor, the name in `tensors`.
    """

    data: bytes
    tensors: dict[str, dict[str, Any]]
    aliases: dict[str, str]


def pack(model: nn.Module, *, int8: bool | None = None) -> PackedWeights:
    """Return the weights of a model. A tensor that several modules share is stored once.

    Args: int8: whether matrices are stored in int8; None decides by the number of parameters.
    """
    named, aliases = shared_parameters(model)
    if int8 is None:
        int8 = sum(one.numel() for one in named.values()) >= INT8_FROM
    data, tensors = bytearray(), {}
    for name, tensor in named.items():
        parts, entry = _stored(tensor.detach().cpu().float(), int8=int8)
        for key, part in parts.items():
            data += bytes(-len(data) % ALIGNMENT)
            entry[key] = len(data)
            data += part.tobytes()
        tensors[name] = entry
    return PackedWeights(bytes(data), tensors, aliases)


def shared_parameters(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the parameters by their first names, and the further names of shared parameters."""
    named: dict[str, Tensor] = {}
    owners: dict[int, str] = {}
    aliases: dict[str, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owner = owners.setdefault(id(parameter), name)
        if owner == name:
            named[name] = parameter
        else:
            aliases[name] = owner
    return named, aliases


def as_stored(tensor: Tensor, *, int8: bool = False) -> Tensor:
    """Return the numbers that the page computes with after it has read a stored tensor."""
    parts, entry = _stored(tensor.detach().cpu().float(), int8=int8)
    values = torch.from_numpy(parts["offset"].astype(np.float32)).view(entry["shape"])
    if entry["dtype"] != "int8":
        return values
    return values * torch.from_numpy(parts["scales_offset"])[:, None]


def _stored(tensor: Tensor, *, int8: bool) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a tensor, each by the key of its offset, and its entry in `tensors`."""
    entry: dict[str, Any] = {"shape": list(tensor.shape)}
    if int8 and tensor.ndim == 2:
        scales = (tensor.abs().amax(1) / 127).clamp_min(1e-12)
        values = (tensor / scales[:, None]).round().to(torch.int8)
        arrays = {"offset": values.numpy(), "scales_offset": scales.numpy()}
        return arrays, entry | {"dtype": "int8"}
    half = not tensor.numel() or float(tensor.abs().max()) <= LARGEST_HALF
    values = tensor.half() if half else tensor
    return {"offset": values.numpy()}, entry | {"dtype": "float16" if half else "float32"}
