"""Find the available memory, and refuse allocations that cannot fit."""

import contextlib
import importlib
import re
import sys
from pathlib import Path
from typing import Any

import torch

from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
STATUS = Path("/proc/self/status")
FLOAT = 4
"""Size of an fp32 number in bytes."""


def available_bytes(device: torch.device) -> int | None:
    """Return the number of bytes that can still be allocated on a device; None if it is unknown.

    On a CPU, the result is the smallest of three numbers: the free memory of the machine, the
    unused part of the cgroup's memory limit, and the unused part of the memory limit of the
    process.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":  # the GPU uses a part of the machine's memory
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    found = [one for one in (_of_machine(), _of_cgroup(), _of_process()) if one is not None]
    return max(0, min(found)) if found else None


def peak_bytes() -> int | None:
    """Return the peak resident memory of this process in bytes; None if it is unknown.

    /proc is tried first, because the peak of `getrusage` starts at the memory use of the parent
    process.
    """
    with contextlib.suppress(OSError, StopIteration):
        lines = STATUS.read_text(encoding="utf-8").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    try:
        resource: Any = importlib.import_module("resource")
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def refuse_too_large(needed: int, device: torch.device, what: str, advice: str) -> None:
    """Raise UsageError if an allocation needs more memory than a device has free.

    Args:
        needed: minimum number of bytes of the allocation.
        what: the thing that needs the memory, as subject of the error message.
        advice: the settings to lower, as text for the error message.
    Raises: UsageError with the needed and the available bytes.
    """
    there = available_bytes(device)
    if there is not None and needed > there:
        raise UsageError(
            f"{what} needs at least {readable(needed)} of memory, but "
            f"{readable(there)} of it is free on {device}. Lower {advice}."
        )


def readable(count: int) -> str:
    """Return a number of bytes as text with a unit.

    >>> readable(4_012_345_678_901), readable(23_900_000_000), readable(512)
    ('4.0 TB', '23.9 GB', '512 bytes')
    """
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return counted(count, "byte")


def _of_machine() -> int | None:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMINFO.read_text("utf-8"), re.MULTILINE)
    except OSError:  # not Linux
        return None
    return None if found is None else 1024 * int(found[1])


def _of_cgroup() -> int | None:
    """Return the unused part of the memory limit of a container, in bytes. The page cache counts as
    unused, because it can be freed."""
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, now = _number(CGROUP / limit), _number(CGROUP / used)
        if most is None or now is None:
            continue
        return most - now + _cached((CGROUP / limit).with_name("memory.stat"), cache)
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("utf-8"))
    except (OSError, ValueError):  # missing, or `max`
        return None


def _cached(path: Path, name: str) -> int:
    try:
        found = re.search(rf"^{name} (\d+)$", path.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return 0
    return 0 if found is None else int(found[1])


def _of_process() -> int | None:
    """Return the unused part of the limit of the address space (``ulimit -v``), in bytes."""
    try:
        resource: Any = importlib.import_module("resource")
        pages = int(Path("/proc/self/statm").read_text("utf-8").split()[0])
    except (ImportError, OSError):
        return None
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if most == resource.RLIM_INFINITY else most - pages * resource.getpagesize()
