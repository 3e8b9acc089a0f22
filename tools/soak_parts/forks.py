"""Run one trial in a forked child, so that its time, memory and crashes do not affect others.

The parent only imports the modules that children need. So a child starts with all modules loaded
and without running threads.
"""

import contextlib
import io
import os
import pickle
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GIGABYTE = 1 << 30


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    Args:
        value: return value of the function; None if it did not return.
        fault: traceback, signal or time limit; "" if the function returned.
        seconds: wall-clock time.
        grown: peak of resident memory, minus the peak before the call, in bytes.
    """

    value: Any
    fault: str
    seconds: float
    grown: int


def in_child(
    function: Callable[..., Any],
    *arguments: Any,
    seconds: float = 20.0,
    memory: int | None = 2 * GIGABYTE,
) -> Ending:
    """Call a function in a forked child and return how it ended.

    Args:
        seconds: time after which the child is killed.
        memory: bytes of address space that the child may add to its parent's; None: no limit.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        answer(writing, function, arguments, memory)
    os.close(writing)
    found, late = _received(reading, began + seconds)
    if late:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status, _ = os.wait4(child, 0)
    spent = time.monotonic() - began
    if late:
        return Ending(None, f"took longer than {seconds:g} s", spent, 0)
    if not found:
        return Ending(None, died(status), spent, 0)
    value, fault, grown = pickle.loads(found)  # from our own child
    return Ending(value, fault, spent, grown)


def died(status: int) -> str:
    """Return the cause of death of a process that returned nothing."""
    number = os.waitstatus_to_exitcode(status)
    name = signal.Signals(-number).name if number < 0 else f"exit code {number}"
    return f"the process died: {name}"


def _received(reading: int, until: float) -> tuple[bytes, bool]:
    """Return the child's output, and whether the time limit was reached before its end."""
    found = bytearray()
    with open(reading, "rb", buffering=0) as pipe:
        while (left := until - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                break
            block = pipe.read(1 << 16)
            if not block:
                return bytes(found), False
            found += block
    return bytes(found), True


def answer(
    writing: int, function: Callable[..., Any], arguments: tuple[Any, ...], memory: int | None
) -> None:
    """In the child: call the function, write the pickled result, and exit without clean-up."""
    value: Any = None
    fault = ""
    before = _peak()
    try:
        if memory is not None:
            limit = _address_space() + memory
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        value = function(*arguments)
    except BaseException:
        fault = traceback.format_exc()[-4000:]
    try:
        messages = pickle.dumps((value, fault, max(0, _peak() - before)))
        with open(writing, "wb") as pipe:
            pipe.write(messages)
    finally:
        os._exit(0)


def _peak() -> int:
    """Return the peak resident memory of this process, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * os.sysconf(
        "SC_PAGE_SIZE"
    )


@dataclass(frozen=True)
class CommandResult:
    """Exit code and output of a command. Args: fault: traceback of an exception, or ""."""

    code: int
    out: str
    err: str
    fault: str = ""

    @property
    def orderly(self) -> bool:
        """Whether the exit code is documented and no traceback was printed."""
        shown = "Traceback (most recent call last)" in self.out + self.err
        return self.code in (0, 1, 2, 130) and not self.fault and not shown

    @property
    def refused(self) -> bool:
        """Whether the command failed with an error message of whyformer."""
        messages = [line for line in self.err.splitlines() if line.startswith("whyformer: ")]
        return self.orderly and self.code in (1, 2) and bool(messages)


def run_command(*argv: object, stdin: bytes = b"") -> CommandResult:
    """Run ``whyformer`` with these arguments in this process and return its result."""
    from whyformer.cli.main import main

    out, err = _Text(), _Text()
    former = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    code, fault = -1, ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(one) for one in argv])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except MemoryError:
        fault = "MemoryError: " + traceback.format_exc()[-3000:]
    except BaseException:
        fault = traceback.format_exc()[-3000:]
    finally:
        sys.stdin = former
    return CommandResult(code, out.text(), err.text(), fault)


class _Text(io.TextIOWrapper):
    """A stream that behaves like a redirected standard output and keeps its content."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="replace", newline="\n")

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8", errors="replace")
