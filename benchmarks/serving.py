"""Measure `whyformer serve` under load, beside CTranslate2 behind the plainest FastAPI application.

    python benchmarks/serving.py compare --run runs/demo --texts test.tsv --out serving.jsonl
    python benchmarks/serving.py same --run runs/demo --texts test.tsv --requests 10000
    python benchmarks/serving.py overload --run runs/demo --texts test.tsv --minutes 30

`compare` measures requests per second and latencies with 1, 8 and 64 clients. A client sends its
next request when it has its answer. All servers run all the time, and the load alternates between
them; a ratio is the median over the rounds. `same` compares every answer with that of
`Model.translate`. `overload` sends 5 times as many requests as the server can answer, and measures
its memory. Texts are lines; of a table, the first column is read. The client runs in this process
and shares the machine with the server.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
CLIENTS = (1, 8, 64)
OVERLOAD = 5
OPEN = 900
"""Number of connections of an overload."""
PLAIN = "ctranslate2 behind fastapi"
SAME_SEARCH = "the same, search of whyformer"
OURS = "whyformer serve"
EOLE = "eole serve"


@dataclass
class Load:
    """What a load has found."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    answers: dict[int, str] = field(default_factory=dict)
    failed: int = 0
    """Requests without a response."""

    def summary(self) -> dict[str, float]:
        """Return requests per second, and percentiles of the latency in milliseconds."""
        cuts = statistics.quantiles(self.latencies, n=100, method="inclusive")
        found = {f"p{cut}": 1000 * cuts[cut - 1] for cut in (50, 95, 99)}
        return {"per_second": len(self.latencies) / self.seconds} | {
            name: round(value, 2) for name, value in found.items()
        }


class Client:
    """A connection that is kept open.

    Args:
        model: name of a model of eole's server; None for the other servers.
        search: search settings in each request.
    """

    def __init__(self, port: int, model: str | None = None, **search: int) -> None:
        self._port, self._writer, self._model, self._search = port, None, model, search

    def _request(self, text: str) -> tuple[bytes, bytes]:
        """Return the path and the body of a request. eole reads characters as words."""
        if self._model is None:
            return b"/v1/translate", json.dumps({"texts": [text], **self._search}).encode()
        return b"/infer", json.dumps({"model": self._model, "inputs": [" ".join(text)]}).encode()

    async def ask(self, text: str) -> tuple[int, bytes]:
        """Send one text; return the status and the body."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        path, body = self._request(text)
        self._writer.write(
            b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (path, len(body), body)
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        found = await self._reader.readexactly(length)
        if b"connection: close" in lower:
            self.close()
        return int(head[9:12]), found

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


async def closed_loop(
    port: int,
    texts: list[str],
    clients: int,
    *,
    seconds: float = 1e9,
    keep: bool = False,
    model: str | None = None,
    **search: int,
) -> Load:
    """Send texts with a number of clients, until the texts or the seconds are over."""
    load, numbered = Load(), enumerate(texts)
    until = time.perf_counter() + seconds

    async def client() -> None:
        connection = Client(port, model, **search)
        for number, text in numbered:
            began = time.perf_counter()
            if began > until:
                break
            status, body = await connection.ask(text)
            load.latencies.append(time.perf_counter() - began)
            load.statuses[status] += 1
            if keep and status == 200:
                load.answers[number] = json.loads(body)["translations"][0]["text"]
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    load.seconds = time.perf_counter() - began
    return load


async def open_loop(
    port: int, texts: list[str], per_second: float, load: Load, **search: int
) -> None:
    """Send texts at a fixed rate, whether they are answered or not; add to ``load``."""
    connections = [Client(port, **search) for _ in range(OPEN)]
    tasks: set[asyncio.Task[None]] = set()

    async def one(text: str) -> None:
        connection = connections.pop()
        began = time.perf_counter()
        try:
            status, _ = await connection.ask(text)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            load.failed += 1
            connection.close()
        else:
            load.latencies.append(time.perf_counter() - began)
            load.statuses[status] += 1
        connections.append(connection)

    began = time.perf_counter()
    for number, text in enumerate(texts):
        await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        while not connections:
            await asyncio.sleep(0.001)
        task = asyncio.create_task(one(text))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    load.seconds += time.perf_counter() - began
    await asyncio.gather(*tasks)
    for connection in connections:
        connection.close()


def free_port() -> int:
    """Return a port that no process uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def server(name: str, run: Path, *options: str) -> Iterator[tuple[int, int]]:
    """Start a server in a `with` block; yield its port and the number of its process."""
    port, environment = free_port(), dict(os.environ)
    if name == OURS:
        command = ["-m", "whyformer", "serve", str(run), "--port", str(port), *options]
    else:
        environment |= {"SERVING_RUN": str(run)}
        environment |= {"SERVING_SEARCH": "whyformer"} if name == SAME_SEARCH else {}
        command = ["-m", "uvicorn", "--app-dir", str(ROOT), "serving_contender:app"]
        command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=nothing, stderr=nothing
        )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                asyncio.run(Client(port).ask("a"))
                break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def drawn(texts: list[str], count: int, seed: int) -> list[str]:
    """Draw texts with repetition."""
    return random.Random(seed).choices(texts, k=count)


def compare(options: argparse.Namespace, texts: list[str]) -> None:
    """Measure all servers with each number of clients, then print medians and ratios."""
    names = [PLAIN, SAME_SEARCH, OURS]
    models = {EOLE: options.eole_model}
    lines: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        places = {
            name: stack.enter_context(server(name, options.run, *options.flags.split()))
            for name in names
        }
        if options.eole_port:
            names.append(EOLE)
            places[EOLE] = (options.eole_port, options.eole_pid)
        for number in range(options.rounds):
            some = drawn(texts, 100_000, number)
            for clients in CLIENTS:
                turn = number % len(names)
                for name in names[turn:] + names[:turn]:
                    (port, pid), model = places[name], models.get(name)
                    warm = some[: 20 + 4 * clients]
                    asyncio.run(closed_loop(port, warm, clients, model=model))
                    before = processor_seconds(pid)
                    load = asyncio.run(
                        closed_loop(port, some, clients, seconds=options.seconds, model=model)
                    )
                    used = processor_seconds(pid) - before
                    assert set(load.statuses) == {200}, load.statuses
                    line = {
                        "server": name, "round": number, "clients": clients, **load.summary(),
                        "cpu_ms": 1000 * used / len(load.latencies),
                    }  # fmt: skip
                    report(options.out, line)
                    lines.append(line)
    for clients in CLIENTS:
        found = {
            name: [line for line in lines if (line["server"], line["clients"]) == (name, clients)]
            for name in names
        }
        for name in names:
            medians = {
                key: round(statistics.median(line[key] for line in found[name]), 2)
                for key in ("per_second", "p50", "p95", "p99", "cpu_ms")
            }
            print(json.dumps({"clients": clients, "server": name, **medians}))
        for name in names:
            if name == OURS:
                continue
            pairs = list(zip(found[OURS], found[name], strict=True))
            ratios = {
                key: round(statistics.median(mine[key] / other[key] for mine, other in pairs), 3)
                for key in ("per_second", "p50", "cpu_ms")
            }
            print(json.dumps({"clients": clients, f"{OURS} / {name}": ratios}))


def same(options: argparse.Namespace, texts: list[str]) -> None:
    """Compare the answers under load with those of the library."""
    import whyformer

    model = whyformer.load(options.run)
    unique = sorted(set(texts))
    wanted = dict(zip(unique, model.translate(unique), strict=True))
    some = drawn(texts, options.requests, 0)
    with server(OURS, options.run, *options.flags.split()) as (port, _):
        load = asyncio.run(closed_loop(port, some, 64, keep=True))
    different = sum(load.answers.get(n) != wanted[text] for n, text in enumerate(some))
    report(options.out, {"requests": len(some), "different": different, **load.summary()})


def overload(options: argparse.Namespace, texts: list[str]) -> None:
    """Send more than the server can answer, and watch its memory."""
    flags = ["--queue-texts", "256", *options.flags.split()]
    search = {"beam": options.beam} if options.beam else {}
    with server(OURS, options.run, *flags) as (port, pid):
        some = drawn(texts, 100_000, 0)
        load = asyncio.run(closed_loop(port, some, 64, seconds=10, **search))
        capacity = load.summary()["per_second"]
        whole, until, seeds = Load(), time.monotonic() + 60 * options.minutes, itertools.count(1)
        while time.monotonic() < until:
            load = Load()
            some = drawn(texts, int(OVERLOAD * capacity * 30), next(seeds))
            asyncio.run(open_loop(port, some, OVERLOAD * capacity, load, **search))
            whole.statuses += load.statuses
            whole.failed += load.failed
            line = {
                "capacity": capacity, "times_capacity": len(some) / load.seconds / capacity,
                "answered_per_second": load.statuses[200] / load.seconds, "mb": resident_mb(pid),
                "statuses": dict(load.statuses), "failed": load.failed, **load.summary(),
            }  # fmt: skip
            report(options.out, line)
        report(options.out, {"statuses": dict(whole.statuses), "failed": whole.failed})


def report(out: Path | None, line: dict[str, Any]) -> None:
    """Print a line, and append it to a file."""
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in line.items()}
    print(json.dumps(rounded), flush=True)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            print(json.dumps({**rounded, "python": platform.python_version()}), file=file)


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["compare", "same", "overload"])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--beam", type=int, help="with overload: a wide beam is a slow model")
    parser.add_argument("--eole-port", type=int, help="compare: port of a running `eole serve`")
    parser.add_argument("--eole-pid", type=int, help="number of its process")
    parser.add_argument("--eole-model", help="name of its model, which reads characters")
    parser.add_argument("--flags", default="", help="further flags of `whyformer serve`")
    options = parser.parse_args()
    lines = options.texts.read_text(encoding="utf-8").splitlines()
    texts = [line.partition("\t")[0] for line in lines if line.strip()]
    {"compare": compare, "same": same, "overload": overload}[options.what](options, texts)


if __name__ == "__main__":
    main()
