"""Find out what this processor can do, and which implementations are usually faster on it.

The results of these functions depend only on the processor, never on a measurement. They decide
the default of a threshold; `thresholds` has the values that were measured on this machine.
"""

import functools
import platform
import re
from pathlib import Path

import torch

ZEN_5 = 26
"""Family number of AMD's Zen 5 processors."""


@functools.cache
def has_onednn() -> bool:
    """Return whether this build of torch contains oneDNN and the matrix product that we call."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


@functools.cache
def onednn_multiplies_faster() -> bool:
    """Return whether oneDNN multiplies float32 matrices faster than BLAS on this CPU.

    Measured with AVX-512: oneDNN is a third faster or more on AMD's Zen 4, and twice as fast on
    Zen 5.
    """
    return (
        torch.backends.cpu.get_cpu_capability() == "AVX512"
        and "AuthenticAMD" in about_processor()
        and has_onednn()
    )


@functools.cache
def onednn_sums_rows_faster() -> bool:
    """Return whether oneDNN is faster than BLAS for the product slopeᵀx, the gradient of a weight.

    Measured: oneDNN is faster by half or more on Zen 5 (family 26) and slower on Zen 4 (family 25).
    """
    family = re.search(r"^cpu family\s*:\s*(\d+)", about_processor(), re.MULTILINE)
    return onednn_multiplies_faster() and family is not None and int(family[1]) >= ZEN_5


@functools.cache
def onednn_computes_bf16() -> bool:
    """Return whether oneDNN has bf16 kernels for this CPU. These kernels need AVX-512."""
    return has_onednn() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@functools.cache
def multiplies_bf16(device: torch.device) -> bool:
    """Return whether a device multiplies bf16 numbers in hardware, and torch uses it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    # Names of the instructions on Intel, AMD, and ARM.
    instructions = {"amx_bf16", "avx512_bf16", "bf16"}
    return onednn_computes_bf16() and not instructions.isdisjoint(about_processor().split())


@functools.cache
def vectorized_softmax_keys() -> int:
    """Return the minimum length of a row that torch's softmax computes with vector instructions.

    Measured: with AVX-512, rows of 15 numbers take 1.2 ms and rows of 17 numbers take 0.2 ms. With
    AVX2, both lengths take the same time.
    """
    return 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 0


def about_processor() -> str:
    """Return the operating system's description of the processor."""
    file = Path("/proc/cpuinfo")
    return file.read_text(encoding="utf-8") if file.exists() else platform.processor()
