"""Run cells in processes, each with one thread."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from whyformer.foundation.errors import DataError, UsageError, WhyformerError
from whyformer.workflows.compare.cell import Cell

LOG = "log.txt"
"""The output of the process of a cell."""
LOOK_SECONDS = 0.2
STOP_SECONDS = 60.0
"""Time that processes get to write their checkpoints after Ctrl-C."""


@dataclass(frozen=True)
class Place:
    """A cell and its directory."""

    cell: Cell
    directory: Path


Run = Callable[[Sequence[Place], int, Callable[[Place, float], None]], None]
"""Runs cells; see `run_cells`."""


def run_cells(
    places: Sequence[Place], workers: int, finished: Callable[[Place, float], None]
) -> None:
    """Run the cells that have no results yet, ``workers`` at a time.

    If this process is stopped, the trainings write checkpoints; the next call resumes them.
    Args: finished: called with every cell that has ended, and the seconds that it took.
    Raises: WhyformerError with the last line of the output of a cell that failed.
    """
    waiting = [one for one in places if not one.cell.is_in(one.directory)]
    running: list[tuple[Place, subprocess.Popen[bytes], float]] = []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                place = waiting.pop(0)
                running.append((place, _start(place), time.monotonic()))
            time.sleep(LOOK_SECONDS)
            for one in list(running):
                place, process, began = one
                if process.poll() is None:
                    continue
                running.remove(one)
                if process.returncode:
                    raise failure(place, process.returncode)
                finished(place, time.monotonic() - began)
    finally:
        _stop([process for _, process, _ in running])


def fitting() -> int:
    """Return how many trainings fit on this machine: one on a GPU, else one for each core."""
    from whyformer.foundation.devices import choose_device
    from whyformer.interop.engine import cores

    return cores() if choose_device().type == "cpu" else 1


def run_place(place: Place) -> int:
    """Run one cell in a process of its own, and return the exit code."""
    process = _start(place)
    try:
        return process.wait()
    finally:
        _stop([process] if process.poll() is None else [])


def _stop(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # its last checkpoint is kept


def _start(place: Place) -> "subprocess.Popen[bytes]":
    place.cell.write(place.directory)
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with (place.directory / LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "whyformer.workflows.compare.cell", str(place.directory)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **one_thread},
            start_new_session=True,  # Ctrl-C reaches only this process, which then stops the cells
        )


def failure(place: Place, code: int) -> WhyformerError:
    """Return the error of a cell that has failed, with the last line of its output."""
    text = (place.directory / LOG).read_text(encoding="utf-8", errors="replace").strip()
    last = text.splitlines()[-1] if text else f"exit code {code}"
    kind = UsageError if code == UsageError.exit_code else DataError
    return kind(
        f"The arm `{place.cell.arm}` with seed {place.cell.seed} failed: {last} The whole output "
        f"is in `{place.directory / LOG}`."
    )
