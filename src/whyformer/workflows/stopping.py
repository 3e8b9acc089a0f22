"""Handle Ctrl-C and SIGTERM as requests to stop after the current update."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from whyformer.foundation.torchrun import by_torchrun


@dataclass
class StopRequests:
    """Stores whether a stop was requested, for `stop_requests`."""

    requested: bool = False
    handlers: dict[signal.Signals, tuple[Any, Callable[..., None]]] = field(default_factory=dict)
    """For each signal: the previous handler, and our handler."""

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Restore the previous handlers in a `with` block, while the caller's code runs."""
        self._install(ours=False)
        try:
            yield
        finally:
            self._install(ours=True)

    def _install(self, *, ours: bool) -> None:
        for number, handlers in self.handlers.items():
            signal.signal(number, handlers[ours])


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Turn Ctrl-C and SIGTERM into a request to stop; a second Ctrl-C stops immediately.

    Under torchrun, a second Ctrl-C has no effect, because each Ctrl-C arrives twice: from the
    terminal and from torchrun. torchrun kills processes that still run after 30 seconds.
    """
    stop = StopRequests()

    def ask(number: int, frame: object) -> None:
        if stop.requested and number == signal.SIGINT and not by_torchrun():
            raise KeyboardInterrupt
        stop.requested = True

    with contextlib.suppress(ValueError):  # handlers can be set in the main thread only
        for number in (signal.SIGINT, signal.SIGTERM):
            stop.handlers[number] = (signal.signal(number, ask), ask)
    try:
        yield stop
    finally:
        stop._install(ours=False)
