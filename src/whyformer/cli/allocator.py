"""Let the memory allocator keep big blocks.

A step of training or of search allocates and frees the same few large tensors again and again.
glibc's malloc gives each block above 128 KiB (at most 32 MiB by its own tuning) back to the kernel
when it is freed, and the next step pays for it page by page: the kernel must fault in and zero
every page that is touched anew. Three settings end this: blocks below 1 GiB stay in the heap
(`mmap_threshold`), the heap keeps what is freed up to 2 GB (`trim_threshold`), and the kernel is
asked for huge pages (`hugetlb=1`). Measured on two CPU cores with the demo's model: 125 ms a step
becomes 102 ms.

glibc reads these settings once, when a program starts, so a program that trains starts itself once
more with them set. The price is one start of the interpreter and memory that is not returned
between steps. A program that only searches sets two of them for itself as it runs, as far as glibc
lets it: blocks up to 32 MiB stay in the heap. What that gains is in `docs/performance.md`.
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
"""Set this to 1 to leave the allocator alone."""
GUARD = "WHYFORMER_RESTARTED"
"""Set by the first start, so that the second does not start a third."""
COMMANDS = ("train", "demo", "check")
"""Commands long enough to gain."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's settings for `mallopt` (malloc.h)."""
KEPT = {M_MMAP_THRESHOLD: 1 << 25, M_TRIM_THRESHOLD: 2_000_000_000}
"""What a running program may ask for; more than 32 MiB of the first is refused."""


def wanted_environment(command: str, environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the environment to start again with, or None where nothing is to be done."""
    if command not in COMMANDS or not _wanted(environment):
        return None
    if GUARD in environment or "GLIBC_TUNABLES" in environment:
        return None
    return {**environment, "GLIBC_TUNABLES": TUNABLES, GUARD: "1"}


def restart_with_fast_allocator(command: str) -> None:
    """Replace this process by the same one under the allocator settings, once."""
    environment = wanted_environment(command, os.environ)
    if environment is None or not sys.executable:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def keep_big_blocks(environment: Mapping[str, str] = os.environ) -> bool:
    """Let this process keep the blocks it frees; say whether that was done."""
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
