"""The processes that a benchmark compares; each process computes on request.

All processes stay loaded, and one computes at a time, in rounds A B A B …, so that a slower machine
affects all processes. Requests and answers are JSON objects, one per line.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whyformer.foundation.errors import WhyformerError
from whyformer.foundation.memory import peak_bytes

ROUNDS = 5
PAUSE_SECONDS = 0.2
"""Pause between two requests, so that the threads of the previous process are idle again."""


Say = Callable[[str], None]
"""A function that receives progress messages."""


class BenchError(WhyformerError):
    """A process of the benchmark ended too early."""


@dataclass(frozen=True)
class Programs:
    """The command lines that a benchmark runs.

    Args:
        whyformer: command line of whyformer.
        contender: command line of a contender; the path of its configuration is appended.
        environment: environment variables of the training process; None uses the variables of this
            process.
    """

    whyformer: Sequence[str]
    contender: Sequence[str]
    environment: Mapping[str, str] | None = None


class Contender:
    """A process that answers requests until its input ends; its error output is captured."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 -- see _close
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            encoding="utf-8",
        )
        self.about = self._answer()

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        self._close()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Send a request and return the answer, with the number of cores used by other programs.

        Raises: BenchError if the process has ended.
        """
        time.sleep(PAUSE_SECONDS)
        began, busy = time.perf_counter(), busy_seconds()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process has ended; `_answer` reports why
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        found = self._answer()
        now = busy_seconds()
        if busy is not None and now is not None and "cpu_seconds" in found:
            others = max(0.0, now - busy - found["cpu_seconds"])
            found["cores_used_by_others"] = others / (time.perf_counter() - began)
        return found

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._log.seek(0)
        last = (self._log.read().strip().splitlines() or ["no output"])[-1]
        self._close()
        raise BenchError(f"The process `{self.name}` ended during its measurement: {last}")

    def _close(self) -> None:
        """End the process by closing its input."""
        if not self._log.closed:
            self._process.communicate()
            self._log.close()


@contextlib.contextmanager
def contender(
    name: str,
    config: dict[str, Any],
    scratch: Path,
    programs: Programs,
    environment: Mapping[str, str] | None,
) -> Iterator[Contender]:
    """Write the configuration of a contender to a file, and start the contender. At the end of the
    `with` block, the contender is stopped."""
    file = scratch / f"{name}.json"
    file.write_text(json.dumps(config), encoding="utf-8", newline="\n")
    with Contender(name, [*programs.contender, str(file)], environment) as contender:
        yield contender


def answer_questions(ready: Callable[[], Callable[[dict[str, Any]], dict[str, Any]]]) -> None:
    """Run a contender: load its model and data, then answer requests until the input ends.

    Args: ready: function that loads everything and returns the function that answers a request.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)  # libraries then print to standard error, so their output is not in the answers
    if isinstance(sys.stdout, io.TextIOWrapper):  # write each line immediately
        sys.stdout.reconfigure(line_buffering=True)

    def say(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    respond = ready()
    say({"memory_mib": peak_mib()})
    for line in sys.stdin:
        cpu = time.process_time()
        found = respond(json.loads(line))
        say({**found, "cpu_seconds": time.process_time() - cpu, "memory_mib": peak_mib()})


def peak_mib() -> float | None:
    """Return the peak resident memory of this process in MiB; None if unknown."""
    peak = peak_bytes()
    return None if peak is None else peak / 2**20


def most_memory(turns: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the highest peak memory in MiB; None if it is unknown for one process."""
    found = [turn["memory_mib"] for turn in turns]
    return None if None in found else max(found)


def busy_seconds() -> float | None:
    """Return the CPU time of all cores since the machine started; None if unknown."""
    try:
        first = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0]
    except OSError:
        return None
    ticks = [int(word) for word in first.split()[1:9]]
    idle = ticks[3] + ticks[4]  # time in which cores were idle or waited for input
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles, by linear interpolation.

    >>> spread([1, 2, 3, 4, 5])
    {'median': 3.0, 'p25': 2.0, 'p75': 4.0}
    """
    low, middle, high = np.percentile(values, [25, 50, 75]).tolist()
    return {"median": middle, "p25": low, "p75": high}
