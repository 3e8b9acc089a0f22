"""Where and how precisely to compute."""

import contextlib
import functools
import platform
import re
from enum import StrEnum
from pathlib import Path

import torch
from torch import Tensor

from whyformer.foundation.errors import ConfigError

ZEN_5 = 26
"""AMD's number of the family of processors."""


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


@functools.cache
def onednn_multiplies_faster() -> bool:
    """Say whether oneDNN's products in float32 beat those of BLAS on this CPU.

    Measured: with AVX-512 on AMD's Zen 4 by a third and more, on Zen 5 twice as fast. The answer
    hangs on the machine alone, never on a measurement, so that a run is repeated bit for bit.
    """
    return (
        torch.backends.cpu.get_cpu_capability() == "AVX512"
        and "AuthenticAMD" in _about_cpu()
        and has_onednn()
    )


@functools.cache
def onednn_sums_rows_faster() -> bool:
    """Say whether oneDNN is also the faster one for the gradient of a weight, slopeᵀx.

    Measured: on Zen 5, of family 26, by half and more; on Zen 4, of family 25, it is slower.
    """
    family = re.search(r"^cpu family\s*:\s*(\d+)", _about_cpu(), re.MULTILINE)
    return onednn_multiplies_faster() and family is not None and int(family[1]) >= ZEN_5


@functools.cache
def softmax_wants_keys() -> int:
    """Return the least length of a row that torch's softmax computes with vectors on this CPU.

    Measured: with AVX-512 rows of 15 take 1.2 ms where rows of 17 take 0.2; with AVX2 they
    take as long.
    """
    return 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 0


def has_onednn() -> bool:
    """Say whether this torch carries oneDNN with the product that we call."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


@functools.cache
def onednn_computes_bf16() -> bool:
    """Say whether oneDNN has bf16 kernels for this CPU; below AVX-512 it has none."""
    return has_onednn() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _about_cpu() -> str:
    file = Path("/proc/cpuinfo")
    return file.read_text(encoding="utf-8") if file.exists() else platform.processor()
