"""Run the server: listen, answer, and stop without losing a request."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from whyformer.foundation.errors import UsageError
from whyformer.serving.app import Server
from whyformer.serving.http.logs import log_as_json
from whyformer.serving.settings import ServerSettings

log = logging.getLogger(__name__)
MANY = 2
"""Connections beyond this multiple of their maximum are closed at once. Before that, requests on
connections beyond the maximum are refused with a response."""
BACKLOG = 512
"""Number of connections that may wait until they are accepted."""


def serve(
    runs: Mapping[str, Path],
    settings: ServerSettings,
    *,
    started: Callable[[str], None] = lambda url: None,
) -> None:
    """Load the runs and answer requests until SIGTERM or Ctrl-C.

    Args: started: called with the address when the server listens.
    Raises: BundleError if a run cannot be loaded; UsageError if the address cannot be used.
    """
    with contextlib.closing(listen(settings)) as listener:
        log_as_json()
        where = address(listener)
        server = Server(runs, settings)
        gc.collect()
        gc.freeze()  # otherwise each full collection visits all objects of torch, for milliseconds
        Uvicorn(server, settings, lambda: started(where)).run([listener])


def listen(settings: ServerSettings) -> socket.socket:
    """Return a socket that listens on the address of the settings.

    Raises: UsageError if the address cannot be used.
    """
    kind = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(kind, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"The server cannot listen on {settings.host}:{settings.port}: {reason}. Choose "
            "another --port or --host."
        ) from None
    listener.set_inheritable(True)
    return listener


def address(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Uvicorn(uvicorn.Server):
    """The server of uvicorn, which here drains before it stops.

    After SIGTERM, it still answers for `drain_seconds` and closes each connection with its answer.
    Then it stops accepting, and waits for the requests that have begun.

    Args: listening: called when the server accepts connections.
    """

    def __init__(
        self,
        server: Server,
        settings: ServerSettings,
        listening: Callable[[], None] = lambda: None,
    ) -> None:
        self._listening = listening
        self._gateway, self._drain_seconds = server.gateway, settings.drain_seconds
        config = uvicorn.Config(
            server.app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=_impatient(settings.read_seconds, MANY * settings.connections),
            proxy_headers=False,
            lifespan="on",
            ws="none",
            backlog=BACKLOG,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=int(settings.timeout_seconds) + 5,
        )
        super().__init__(config)
        self._gateway.connections = lambda: len(self.server_state.connections)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, and report it."""
        await super().startup(sockets)
        self._listening()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop at a signal; with Ctrl-C, without draining."""
        if sig == signal.SIGINT:
            self._drain_seconds = 0.0
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop as uvicorn does."""
        gateway = self._gateway
        gateway.draining = True
        log.info("stopping", extra={"open_requests": gateway.begun - gateway.finished})
        await asyncio.sleep(self._drain_seconds)
        await super().shutdown(sockets)
        lost = gateway.begun - gateway.finished
        log.info("stopped", extra={"requests": gateway.begun, "lost": lost})
        # Without SIGTERM in this list, the process exits with 0.
        self._captured_signals = [one for one in self._captured_signals if one != signal.SIGTERM]


def _impatient(seconds: float, most: int) -> Any:
    """Return uvicorn's class of connections; here, a connection on which the head of a request does
    not arrive within ``seconds`` is closed, and so is one beyond ``most`` connections."""

    class Impatient(AutoHTTPProtocol):
        connections: set[Any]
        cycle: Any
        transport: asyncio.Transport
        loop: asyncio.AbstractEventLoop
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                transport.abort()
            self._start()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                self._start()  # a head has begun, but it is not complete
            else:
                self._cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

        def _start(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(seconds, self._close)

        def _cancel(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

    return Impatient
