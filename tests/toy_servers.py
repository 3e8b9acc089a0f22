"""A server in a thread of the test, on a free port."""

import asyncio
import contextlib
import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.serving.app import Server
from whyformer.serving.server import Uvicorn, address, listen
from whyformer.serving.settings import ServerSettings


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def sentence(self) -> str:
        """The message of a refused request."""
        error = self.json["error"]
        return error if isinstance(error, str) else error["message"]


@dataclass
class RunningServer:
    """A server that answers."""

    server: Server
    url: str
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    def call(
        self,
        path: str,
        body: Any = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Call an endpoint. Args: body: bytes as they are, other values as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method or ("GET" if body is None else "POST"), path, data, sent)
            reply = connection.getresponse()
            names = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, names, reply.read())

    def together(self, calls: list[tuple[str, Any]]) -> list[Reply]:
        """Make calls at the same time; return the replies in order."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self.call(*call), calls))

    def metric(self, line: str) -> float:
        """Return the value of a metric, given its name and labels as Prometheus writes them."""
        text = self.call("/metrics").body.decode()
        return next(
            (float(one.split()[-1]) for one in text.splitlines() if one.startswith(line)), 0
        )


@contextlib.contextmanager
def running(runs: Mapping[str, Path], **settings: Any) -> Iterator[RunningServer]:
    """Run a server in a `with` block."""
    given = ServerSettings(**{"port": 0, "drain_seconds": 0.0, "reload_seconds": 0.0, **settings})
    listener = listen(given)
    where = address(listener)
    server = Server(runs, given)
    uvicorn = Uvicorn(server, given)
    loops: list[asyncio.AbstractEventLoop] = []
    ready = threading.Event()

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        task = asyncio.create_task(uvicorn.serve([listener]))
        while not uvicorn.started and not task.done():
            await asyncio.sleep(0.005)
        ready.set()
        await task

    thread = threading.Thread(target=asyncio.run, args=[main()], daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield RunningServer(server, where, loops[0])
    finally:
        uvicorn.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "the server did not stop"
