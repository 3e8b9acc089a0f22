"""Run forked children at the same time, like torchrun, and continue stopped ones."""

import contextlib
import os
import pickle
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from soak_parts.forks import CommandResult, Ending, answer, died

STOPPED_SECONDS = 0.02
"""Time after which a stopped process continues."""
ALONE_SECONDS = 3.0
"""Time that the other processes have to end by themselves after one has failed. Then they are
killed. torchrun does the same after a longer time."""
KILLED = "killed because another rank had ended"


def together(
    calls: Sequence[Callable[[], tuple[CommandResult, Any]]], *, seconds: float
) -> list[Ending]:
    """Call every function in its own forked child at the same time; return how each ended.

    A stopped child (SIGSTOP) continues after `STOPPED_SECONDS`. If a child fails, the others are
    killed after `ALONE_SECONDS`, with the fault `KILLED`.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    pipes: list[int] = []
    children: list[int] = []
    for call in calls:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.setsid()
            answer(writing, call, (), None)
        os.close(writing)
        pipes.append(reading)
        children.append(child)
    found: dict[int, bytes] = dict.fromkeys(pipes, b"")
    status: dict[int, int] = {}
    spent: dict[int, float] = {}
    open_pipes, left = set(pipes), set[int]()
    while open_pipes or len(status) < len(children):
        now = time.monotonic() - began
        if now > seconds:
            break
        failed = [
            spent[child]
            for child, pipe in zip(children, pipes, strict=True)
            if child in spent and pipe not in open_pipes and _failed(found[pipe])
        ]
        if failed and now > min(failed) + ALONE_SECONDS:
            for child in set(children) - set(status) - left:
                left.add(child)
                os.killpg(child, signal.SIGKILL)
        for pipe in select.select(list(open_pipes), [], [], 0.01)[0]:
            block = os.read(pipe, 1 << 16)
            found[pipe] += block
            if not block:
                open_pipes.discard(pipe)
        if not open_pipes:
            time.sleep(0.001)
        for child in children:
            if child not in status and (ended := _ended(child)) is not None:
                status[child], spent[child] = ended, time.monotonic() - began
    for child in children:
        if child not in status:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
    for pipe in pipes:
        os.close(pipe)
    endings: list[Ending] = []
    for pipe, child in zip(pipes, children, strict=True):
        if child in left:
            endings.append(Ending(None, KILLED, spent[child], 0))
        elif child not in status:
            endings.append(Ending(None, f"took longer than {seconds:g} s", seconds, 0))
        elif not found[pipe]:
            endings.append(Ending(None, died(status[child]), spent[child], 0))
        else:
            value, fault, grown = pickle.loads(found[pipe])  # from our own child
            endings.append(Ending(value, fault, spent[child], grown))
    return endings


def _failed(found: bytes) -> bool:
    """Return whether a child failed. Args: found: its pickled result, or nothing."""
    if not found:
        return True
    value, fault, _ = pickle.loads(found)  # from our own child
    return bool(fault) or bool(value[0].code)


def _ended(child: int) -> int | None:
    """Return the status of a child that has ended, else None; continue a stopped child."""
    number, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
    if number == 0:
        return None
    if os.WIFSTOPPED(status):
        time.sleep(STOPPED_SECONDS)
        os.kill(child, signal.SIGCONT)
        return None
    return status


def as_rank(rank: int, count: int, port: int) -> None:
    """Set the environment variables that torchrun sets for a rank."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "soak",
    }


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
