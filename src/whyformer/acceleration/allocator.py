"""Let the memory allocator keep large blocks.

A step of training or of search allocates and frees the same few large tensors again and again.
When such a block is freed, glibc's malloc returns every block above 128 KiB (at most 32 MiB by its
own tuning) to the kernel, and in the next step the kernel must fault in and zero each page again.
Three settings end this: blocks below 1 GiB stay in the heap (`mmap_threshold`), the heap keeps up
to 2 GB of freed memory (`trim_threshold`), and the kernel is asked for huge pages (`hugetlb=1`).
Measured on two CPU cores with the demo's model: a step takes 102 ms instead of 125.

glibc reads these settings once, when a program starts; therefore a program that trains sets them
and restarts itself. This costs one start of the interpreter, and memory is not returned between
steps. A program that only searches sets two of them while it runs, as far as glibc allows: blocks
up to 32 MiB stay in the heap. `docs/performance.md` says what that gains.
"""

import ctypes
import os
import sys
from collections.abc import Mapping

TUNABLES = (
    "glibc.malloc.hugetlb=1:"
    "glibc.malloc.mmap_threshold=1073741824:"
    "glibc.malloc.trim_threshold=2000000000"
)
OFF = "WHYFORMER_PLAIN_MALLOC"
"""Set this to 1 to keep the allocator's default settings."""
GUARD = "WHYFORMER_RESTARTED"
"""Set before the restart, so that the program restarts only once."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's settings for `mallopt` (malloc.h)."""
KEPT = {M_MMAP_THRESHOLD: 1 << 25, M_TRIM_THRESHOLD: 2_000_000_000}
"""What a running program may set; glibc refuses more than 32 MiB for the first."""


def wanted_environment(environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the environment to restart with, or None if no restart is needed."""
    if not _wanted(environment):
        return None
    if GUARD in environment or "GLIBC_TUNABLES" in environment:
        return None
    return {**environment, "GLIBC_TUNABLES": TUNABLES, GUARD: "1"}


def restart_with_fast_allocator() -> None:
    """Replace this process once by the same program with the allocator settings."""
    environment = wanted_environment(os.environ)
    if environment is None or not sys.executable:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def keep_big_blocks(environment: Mapping[str, str] = os.environ) -> bool:
    """Let this process keep the blocks that it frees; return whether that succeeded."""
    if not _wanted(environment) or "GLIBC_TUNABLES" in environment:
        return False
    mallopt = ctypes.CDLL(None).mallopt
    done = [mallopt(name, value) for name, value in KEPT.items()]
    return done == [1] * len(KEPT)


def _wanted(environment: Mapping[str, str]) -> bool:
    return _glibc() and environment.get(OFF, "") in ("", "0")


def _glibc() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):  # another C library does not know the name
        return False
