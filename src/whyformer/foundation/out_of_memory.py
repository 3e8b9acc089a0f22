"""Recognize errors that mean "out of memory"."""

import re

_RAN_OUT = re.compile(
    "out of memory|can't allocate memory|cannot allocate memory|not enough memory|"
    "bad_alloc|CUBLAS_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)


def ran_out(error: BaseException) -> bool:
    """Return whether an error means "out of memory". The error may come from Python, numpy or
    torch, and from any device.

    >>> ran_out(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."))
    True
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and _RAN_OUT.search(str(error)) is not None
