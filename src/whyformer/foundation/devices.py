"""Where and how precisely to compute."""

import contextlib
from enum import StrEnum

import torch
from torch import Tensor

from whyformer.foundation.errors import ConfigError


class Precision(StrEnum):
    """Number format of activations in training; weights stay in fp32."""

    FP32 = "fp32"
    BF16 = "bf16"


def choose_device(name: str = "auto") -> torch.device:
    """Return a device by name; auto takes the first GPU, else the CPU.

    Raises: ConfigError when the named device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"`{name}` is not a device. Choose auto, cpu, cuda or cuda:0.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"`{name}` was asked for, but torch sees no GPU. Choose cpu or auto.")
    return device


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Return a tensor on ``device``; a GPU fetches it from pinned memory while others compute."""
    if torch.device(device).type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def autocast(
    device: torch.device, precision: Precision
) -> contextlib.AbstractContextManager[object]:
    """Return the context in which a forward pass is computed."""
    if precision is Precision.FP32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
