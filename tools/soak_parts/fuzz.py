"""Parts `fuzz-readers` and `fuzz-commands`: mutated files and mutated command lines.

A child process handles a chunk of inputs. A clock in shared memory tells its parent which input
takes too long. An input that needs too much memory fails because of the memory limit.
"""

import base64
import json
import mmap
import os
import random
import shutil
import struct
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soak_parts.forks import GIGABYTE, in_child
from soak_parts.verdicts import Tally

SECONDS = 20.0
"""Limit on the processor time of one input."""
PATIENCE_SECONDS = 180.0
"""Limit on the wall-clock time of one input; high, because the machine may be busy."""
Failure = tuple[int, str, str, str]
"""Number of the input, its kind, the input in base64, and a description of the failure."""


class Clock:
    """The current input of a child, its start time, and all failures; readable after its death."""

    def __init__(self, log: Path) -> None:
        self._memory, self._log = mmap.mmap(-1, 16), log

    def fail(self, number: int, name: str, content: bytes, detail: str) -> None:
        """Record a failure with its input."""
        line = json.dumps([number, name, base64.b64encode(content[:20_000]).decode(), detail])
        with self._log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def start(self, index: int) -> None:
        """Record that the child starts an input."""
        self._memory[:] = struct.pack("<qd", index, time.monotonic())

    def read(self) -> tuple[int, float]:
        """Return the number of the current input and its start time."""
        index, began = struct.unpack("<qd", self._memory[:])
        return index, began


def in_chunks(work: Callable[[int, int, Clock], None], first: int, last: int) -> Tally:
    """Process inputs in children and return the failures.

    If a child dies or hangs, a new child continues after the input that caused it.
    """
    failures: list[Failure] = []
    index = first
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "failures"
        while index < last:
            clock = Clock(log)
            clock.start(index)
            ending = _watched(work, index, last, clock)
            if not ending.fault:
                break
            index, _ = clock.read()
            failures.append((index, "process", "", ending.fault[-1500:]))
            index += 1
        if log.exists():
            found = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
            failures += [(number, name, content, detail) for number, name, content, detail in found]
    return _tally(failures, first, last)


def _watched(work: Any, index: int, last: int, clock: Clock) -> Any:
    """Run a chunk in a child that exits if one input exceeds the time limit."""
    return in_child(_guarded, work, index, last, clock, seconds=3600, memory=2 * GIGABYTE)


def _guarded(work: Any, index: int, last: int, clock: Clock) -> Any:
    def guard() -> None:
        at, computed = -1, 0.0
        while True:
            time.sleep(1)
            index, began = clock.read()
            if index != at:
                at, computed = index, time.process_time()
            waited = time.monotonic() - began
            if time.process_time() - computed > SECONDS or waited > PATIENCE_SECONDS:
                os._exit(99)

    threading.Thread(target=guard, daemon=True).start()
    return work(index, last, clock)


def read_chunk(seed: int, first: int, last: int, place: Path) -> Tally:
    """Read inputs ``first`` to ``last``. Args: place: directory of prepared runs."""

    def work(index: int, end: int, clock: Clock) -> None:
        from soak_parts.fuzz_readers import one_input, readers

        from whyformer.foundation.errors import WhyformerError

        scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=_memory()))
        try:
            every = readers(place, scratch)
            for number in range(index, end):
                clock.start(number)
                name, content = one_input(seed, number, every)
                path = scratch / every[name].name
                path.write_bytes(content)
                try:
                    every[name].read(path)
                except WhyformerError as error:
                    if not str(error).strip():
                        clock.fail(number, name, content, "an error without a word")
                except BaseException:
                    clock.fail(number, name, content, traceback.format_exc()[-1500:])
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    return in_chunks(work, first, last)


def command_chunk(seed: int, first: int, last: int, place: Path) -> Tally:
    """Run command lines ``first`` to ``last``. Args: place: prepared runs, which are copied."""

    def work(index: int, end: int, clock: Clock) -> None:
        from soak_parts.forks import run_command
        from soak_parts.fuzz_commands import command_line

        scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=_memory()))
        try:
            for number in range(index, end):
                clock.start(number)
                if (number - index) % 50 == 0:  # commands can overwrite the input of others
                    shutil.rmtree(scratch / "w", ignore_errors=True)
                    _copied(place, scratch / "w")
                os.chdir(scratch / "w")
                argv, stdin = command_line(
                    random.Random(f"commands/{seed}/{number}"), scratch / "w"
                )
                clock.start(number)
                result = run_command(*argv, stdin=stdin)
                known = result.orderly and (
                    result.code in (0, 130) or result.err.strip() or result.out.strip()
                )
                if not known:
                    detail = f"exit {result.code}: {(result.fault or result.err)[-1500:]}"
                    clock.fail(
                        number, argv[0] if argv else "", repr((argv, stdin)).encode(), detail
                    )
        finally:
            os.chdir("/")
            shutil.rmtree(scratch, ignore_errors=True)

    return in_chunks(work, first, last)


def _tally(failures: list[Failure], first: int, last: int) -> Tally:
    """Return a tally that contains the input of each failure, so that failures can be repeated."""
    tally = Tally(last - first)
    for index, kind, content, detail in failures:
        tally.kinds[f"failed: {kind}"] += 1
        tally.failures.append({"trial": index, "kind": kind, "detail": detail, "input": content})
    tally.kinds["orderly"] += tally.trials - len(failures)
    return tally


def _memory() -> str | None:
    """Return a directory in memory, or None."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _copied(place: Path, to: Path) -> None:
    to.mkdir(parents=True)
    for one in sorted(place.iterdir()):
        if one.name in ("data", "diverged") or ((one / "model").is_dir() and "-" not in one.name):
            shutil.copytree(one, to / one.name)
