"""Stop or fail a process at the k-th operation on files, with a small library in C.

The library is preloaded, so it sees what Python, Rust and C++ ask of the system: opening, writing,
syncing, renaming, making, removing, closing, changing modes, and reading. It changes nothing until
a forked child calls `watch` and `plan`.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
KINDS = (
    "open", "write", "sync", "rename", "make", "remove", "close", "mode", "look", "read",
)  # fmt: skip
"""Kinds of operations; `look` opens a file for reading."""
CHANGING = KINDS[:8]


class Action(IntEnum):
    """What happens at the chosen operation."""

    KILL_BEFORE = 1
    KILL_HALFWAY = 2
    """After half of a write; after any other operation."""
    KILL_AFTER = 3
    FAIL = 4
    SIGNAL = 5
    REMOVE = 6
    """Remove another file."""
    CUT = 7
    """Cut another file in half."""


@dataclass(frozen=True)
class Plan:
    """What to do at which operation.

    Args:
        at: which operation of these kinds, from 1 on.
        value: the error number of FAIL, the signal of SIGNAL.
        lasting: whether every later operation of these kinds fails as well.
        second: a signal that follows ``gap`` operations later.
        victim: the file of REMOVE and CUT.
    """

    at: int
    action: Action
    kinds: tuple[str, ...] = CHANGING
    value: int = 0
    lasting: bool = False
    second: int = 0
    gap: int = 1
    victim: str = ""


def compiler() -> str | None:
    """Return the C compiler that is there, if this system can preload a library at all."""
    return (shutil.which("cc") or shutil.which("gcc")) if sys.platform == "linux" else None


def compiled(place: Path) -> Path:
    """Compile the library into a directory, unless it is there; return its path."""
    place.mkdir(parents=True, exist_ok=True)
    library = place / "faults.so"
    if not library.exists() or library.stat().st_mtime < SOURCE.stat().st_mtime:
        found = compiler()
        if found is None:
            raise RuntimeError("the parts kill and io need Linux and a C compiler")
        made = library.with_suffix(f".{os.getpid()}")
        command = [found, "-O1", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl", "-lrt"]
        subprocess.run(command, check=True)
        os.replace(made, library)
    return library


def preloaded() -> bool:
    """Say whether this process was started with the library."""
    return hasattr(ctypes.CDLL(None), "soak_plan")


def restart_preloaded(place: Path) -> None:
    """Start this program again with the library; return only where it is loaded already."""
    if not preloaded():
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        os.environ["LD_PRELOAD"] = str(compiled(place).resolve())
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def watch(directory: Path, log: Path | None) -> None:
    """Count operations under a directory from here on, in this process.

    Args: log: file that receives one line for each, `! ` before it where something was done.
    """
    number = -1
    if log is not None:
        number = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    ctypes.CDLL(None).soak_watch(os.fsencode(directory.resolve()), number)


def plan(asked: Plan) -> None:
    """Do something at an operation that this process will ask for."""
    ctypes.CDLL(None).soak_plan(
        ctypes.c_int64(asked.at),
        int(asked.action),
        sum(1 << KINDS.index(kind) for kind in asked.kinds),
        asked.value,
        int(asked.lasting),
        asked.second,
        ctypes.c_int64(asked.gap),
        os.fsencode(asked.victim),
    )


def signal_after(seconds: float, number: int) -> None:
    """Send this process a signal after so much processor time."""
    if ctypes.CDLL(None).soak_after(ctypes.c_double(max(seconds, 1e-4)), number):
        raise OSError("no timer")


def operations(log: Path, kinds: Sequence[str] = KINDS) -> list[str]:
    """Return the lines of a log of these kinds, `kind path` each, without the marks."""
    return [
        line
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.split(" ", 1)[0] in kinds
    ]


def marked(log: Path) -> list[str]:
    """Return the operations at which something was done, `kind path` each."""
    found = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line[2:] for line in found if line.startswith("! ")]
