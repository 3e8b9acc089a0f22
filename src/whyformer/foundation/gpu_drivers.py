"""Find out, without importing torch, that a machine has no GPU that torch could use."""

import contextlib
import ctypes
import sys
from pathlib import Path

CUDA_DRIVERS = ("libcuda.so.1", "nvcuda.dll")
"""The library of NVIDIA's driver on Linux and on Windows."""
ROCM = Path("/dev/kfd")
"""The device of AMD's driver."""


def is_surely_cpu(device: str) -> bool:
    """Return whether a name of a device, such as auto, certainly means the CPU on this machine.

    If the result is False, ask torch (`devices.choose_device`).

    >>> is_surely_cpu("cpu"), is_surely_cpu("cuda:0")
    (True, False)
    """
    return device == "cpu" or (device == "auto" and not _may_have_gpu())


def _may_have_gpu() -> bool:
    if sys.platform == "darwin" or ROCM.exists():  # macOS: torch may use the GPU of the processor
        return True
    for name in CUDA_DRIVERS:
        with contextlib.suppress(OSError):
            ctypes.CDLL(name)
            return True
    return False
