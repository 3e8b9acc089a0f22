"""Ctrl-C and SIGTERM as a request to stop after the current update."""

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from whyformer.foundation.torchrun import by_torchrun


@dataclass
class StopRequest:
    """Whether the user asked to stop."""

    requested: bool = False


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn Ctrl-C and SIGTERM into a request; a second Ctrl-C ends at once.

    Under torchrun it does not: one Ctrl-C comes from the terminal and from torchrun as well, which
    itself ends whoever has not stopped after half a minute.
    """
    stop = StopRequest()

    def ask(number: int, frame: object) -> None:
        if stop.requested and number == signal.SIGINT and not by_torchrun():
            raise KeyboardInterrupt
        stop.requested = True

    try:
        former = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals stay with whoever has them
        former = {}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
