"""Interrupt a process at its k-th file operation, or let the operation fail, with a C library.

The library is preloaded and intercepts the file operations of Python, Rust and C++: open, write,
sync, rename, make, remove, close, change mode and read. It has no effect until a forked child calls
`watch` and `plan`.
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
    """The event at the chosen operation."""

    KILL_BEFORE = 1
    KILL_HALFWAY = 2
    """Kill after half of the bytes of a write, or after any other operation."""
    KILL_AFTER = 3
    FAIL = 4
    SIGNAL = 5
    REMOVE = 6
    """Remove another file."""
    CUT = 7
    """Cut another file in half."""


@dataclass(frozen=True)
class Plan:
    """An action at one operation.

    Args:
        at: number of the operation among those of ``kinds``, starting at 1.
        value: the error number for FAIL, the signal for SIGNAL.
        lasting: whether all later operations of these kinds fail as well.
        second: a second signal, ``gap`` operations later; 0: none.
        victim: the file for REMOVE and CUT.
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
    """Return the path of a C compiler; None without one, or if the system is not Linux."""
    return (shutil.which("cc") or shutil.which("gcc")) if sys.platform == "linux" else None


def compiled(place: Path) -> Path:
    """Compile the library into a directory, if it is not up to date; return its path."""
    place.mkdir(parents=True, exist_ok=True)
    library = place / "faults.so"
    if not library.exists() or library.stat().st_mtime < SOURCE.stat().st_mtime:
        found = compiler()
        if found is None:
            raise RuntimeError("The parts `kill` and `io` need Linux and a C compiler.")
        made = library.with_suffix(f".{os.getpid()}")
        command = [found, "-O1", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl", "-lrt"]
        subprocess.run(command, check=True)
        os.replace(made, library)
    return library


def preloaded() -> bool:
    """Return whether this process was started with the library."""
    return hasattr(ctypes.CDLL(None), "soak_plan")


def restart_preloaded(place: Path) -> None:
    """Start this program again with the library, if it is not loaded yet."""
    if not preloaded():
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        os.environ["LD_PRELOAD"] = str(compiled(place).resolve())
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def watch(directory: Path, log: Path | None) -> None:
    """Count the operations of this process on files under a directory, from now on.

    Args: log: file with one line per operation; `! ` before a line marks an action.
    """
    number = -1
    if log is not None:
        number = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    ctypes.CDLL(None).soak_watch(os.fsencode(directory.resolve()), number)


def plan(asked: Plan) -> None:
    """Plan an action at a future operation of this process."""
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
    """Send this process a signal after the given processor time."""
    if ctypes.CDLL(None).soak_after(ctypes.c_double(max(seconds, 1e-4)), number):
        raise OSError("no timer")


def operations(log: Path, kinds: Sequence[str] = KINDS) -> list[str]:
    """Return the unmarked lines of these kinds in a log, each of the form `kind path`."""
    return [
        line
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.split(" ", 1)[0] in kinds
    ]


def marked(log: Path) -> list[str]:
    """Return the operations with an action, each of the form `kind path`."""
    found = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line[2:] for line in found if line.startswith("! ")]
