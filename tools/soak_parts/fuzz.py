"""Parts `fuzz-readers` and `fuzz-commands`: mutated files and mutated command lines.

A child process works through a chunk of inputs; a clock that it shares with its parent shows an
input that takes too long, and the limit on its memory makes one that takes too much fail.
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
"""Most processor time that one input may take."""
PATIENCE_SECONDS = 180.0
"""Most time that it may take, on a busy machine."""
Failure = tuple[int, str, str, str]
"""Number of the input, its kind, the input in base64, and what went wrong."""


class Clock:
    """Which input a child is at, since when, and what failed: known even if the child dies."""

    def __init__(self, log: Path) -> None:
        self._memory, self._log = mmap.mmap(-1, 16), log

    def fail(self, number: int, name: str, content: bytes, told: str) -> None:
        """Note a failure with its input."""
        line = json.dumps([number, name, base64.b64encode(content[:20_000]).decode(), told])
        with self._log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def start(self, index: int) -> None:
        """Note that the child begins with an input."""
        self._memory[:] = struct.pack("<qd", index, time.monotonic())

    def read(self) -> tuple[int, float]:
        """Return the number of the input at hand and when it was begun."""
        index, began = struct.unpack("<qd", self._memory[:])
        return index, began


def in_chunks(work: Callable[[int, int, Clock], None], first: int, last: int) -> Tally:
    """Work through inputs in children and return what failed.

    A child that dies or hangs is replaced by one that begins after the input at fault.
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
            failures += [(number, name, content, told) for number, name, content, told in found]
    return _tally(failures, first, last)


def _watched(work: Any, index: int, last: int, clock: Clock) -> Any:
    """Run a chunk in a child that ends itself when one input takes longer than the limit."""
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
    """Give inputs ``first`` to ``last`` to the readers. Args: place: prepared runs."""

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
    """Run command lines ``first`` to ``last``. Args: place: prepared runs, copied for the chunk."""

    def work(index: int, end: int, clock: Clock) -> None:
        from soak_parts.forks import say
        from soak_parts.fuzz_commands import command_line

        scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=_memory()))
        try:
            for number in range(index, end):
                clock.start(number)
                if (number - index) % 50 == 0:  # commands may write over what others read
                    shutil.rmtree(scratch / "w", ignore_errors=True)
                    _copied(place, scratch / "w")
                os.chdir(scratch / "w")
                argv, stdin = command_line(
                    random.Random(f"commands/{seed}/{number}"), scratch / "w"
                )
                clock.start(number)
                said = say(*argv, stdin=stdin)
                known = said.orderly and (
                    said.code in (0, 130) or said.err.strip() or said.out.strip()
                )
                if not known:
                    told = f"exit {said.code}: {(said.fault or said.err)[-1500:]}"
                    clock.fail(number, argv[0] if argv else "", repr((argv, stdin)).encode(), told)
        finally:
            os.chdir("/")
            shutil.rmtree(scratch, ignore_errors=True)

    return in_chunks(work, first, last)


def _tally(failures: list[Failure], first: int, last: int) -> Tally:
    """Return a tally that holds each failure with its input, so that it can be repeated."""
    tally = Tally(last - first)
    for index, kind, content, told in failures:
        tally.kinds[f"failed: {kind}"] += 1
        tally.failures.append({"trial": index, "kind": kind, "detail": told, "input": content})
    tally.kinds["orderly"] += tally.trials - len(failures)
    return tally


def _memory() -> str | None:
    """Return a directory in memory, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _copied(place: Path, to: Path) -> None:
    to.mkdir(parents=True)
    for one in sorted(place.iterdir()):
        if one.name in ("data", "diverged") or ((one / "model").is_dir() and "-" not in one.name):
            shutil.copytree(one, to / one.name)
