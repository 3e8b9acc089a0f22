"""Configure the memory allocator to keep large freed blocks for later allocations.

Each step of training or of a search allocates and frees the same few large tensors. By default,
glibc's malloc returns a freed block to the kernel if it is larger than a threshold (128 KiB, which
malloc may raise to 32 MiB). In the next step, the kernel must provide and zero each page again.
Three settings of malloc avoid this work: blocks below 1 GiB stay in the heap (`mmap_threshold`),
the heap keeps up to 2 GB of freed memory (`trim_threshold`), and malloc asks the kernel for huge
pages (`hugetlb=1`).
Measured on two CPU cores with the model of the demo: a step takes 102 ms instead of 125 ms.

glibc reads these settings only when a program starts. So a training program sets these settings and
restarts itself. The restart takes as long as one start of the interpreter. Memory is not returned
to the kernel between steps. A program that only searches sets two of the settings without a
restart. Without a restart, glibc only allows blocks up to 32 MiB to stay in the heap.
`docs/performance.md` shows how much time the settings save.
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
"""Environment variable: the value 1 keeps the allocator's default settings."""
GUARD = "WHYFORMER_RESTARTED"
"""Environment variable that is set before the restart, so that a program restarts only once."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of two settings of glibc's function `mallopt`, as defined in malloc.h."""
KEPT = {M_MMAP_THRESHOLD: 1 << 25, M_TRIM_THRESHOLD: 2_000_000_000}
"""The settings for a running program. glibc allows at most 32 MiB for `M_MMAP_THRESHOLD`."""


def wanted_environment(environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the environment to restart with, or None if no restart is needed."""
    if not _wanted(environment):
        return None
    if GUARD in environment or "GLIBC_TUNABLES" in environment:
        return None
    return {**environment, "GLIBC_TUNABLES": TUNABLES, GUARD: "1"}


def restart_with_fast_allocator() -> None:
    """Restart this program with the allocator settings, if they are not set yet."""
    environment = wanted_environment(os.environ)
    if environment is None or not sys.executable:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def keep_big_blocks(environment: Mapping[str, str] = os.environ) -> bool:
    """Let malloc keep freed blocks in the heap of this process; return whether this succeeded."""
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
    except (ValueError, OSError):  # only glibc knows this name
        return False
