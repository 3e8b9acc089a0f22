"""Choose a device, and the number format in which it computes."""

import contextlib
from enum import StrEnum

import torch
from torch import Tensor

from whyformer.foundation.errors import ConfigError

KINDS = ("cuda", "mps", "cpu")
"""Device types, in the order in which `auto` tries them."""
CHOICES = "auto, cpu, cuda, cuda:0 or mps"


class Precision(StrEnum):
    """Number format of activations in training; weights are always fp32."""

    FP32 = "fp32"
    BF16 = "bf16"


def choose_device(name: str = "auto") -> torch.device:
    """Return a device by name; `auto` is the first available of cuda, mps (Apple GPUs) and cpu.

    Raises: ConfigError when the named device is not available.
    """
    if name == "auto":
        return torch.device(next(kind for kind in KINDS if is_available(kind)))
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in KINDS:
        raise ConfigError(f"`{name}` is not a device. Choose {CHOICES}.")
    if not is_available(device.type):
        there = ", ".join(kind for kind in KINDS if is_available(kind))
        raise ConfigError(
            f"`{name}` was requested, but torch finds no such device here. Choose auto or one "
            f"of: {there}."
        )
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if (device.index or 0) >= count:
        raise ConfigError(
            f"`{name}` was requested, but the devices of this type are numbered from 0 to "
            f"{count - 1}. Choose one of them, or auto."
        )
    return device


def is_available(kind: str) -> bool:
    """Return whether torch can use a type of device on this machine."""
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu" or torch.cuda.is_available()


def device_name(device: torch.device) -> str:
    """Return the product name of a GPU; for other devices, return a short description."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU (mps)" if device.type == "mps" else str(device)


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has finished its work; returns immediately on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Return a copy of a tensor on ``device``. Copies from the CPU to CUDA run asynchronously, from
    pinned memory."""
    fetched = torch.device(device).type == "cuda"  # mps has no pinned memory
    if fetched and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=fetched)


def exact(tensor: Tensor) -> Tensor:
    """Return a tensor in float64. On mps, which does not support float64, return it in float32."""
    return tensor.to(exact_dtype(tensor.device))


def exact_dtype(device: torch.device) -> torch.dtype:
    """Return the most precise floating-point type that a device supports."""
    return torch.float32 if device.type == "mps" else torch.float64


def autocast(
    device: torch.device, precision: Precision
) -> contextlib.AbstractContextManager[object]:
    """Return a context manager in which a forward pass computes in this precision.

    Raises: ConfigError when the device does not support the precision.
    """
    if precision is Precision.FP32:
        return contextlib.nullcontext()
    if device.type == "mps" and not torch.backends.mps.is_macos_or_newer(14, 0):
        raise ConfigError(
            "`training.precision` bf16 needs macOS 14 or newer on mps. Set it to fp32."
        )
    return torch.autocast(device.type, dtype=torch.bfloat16)
