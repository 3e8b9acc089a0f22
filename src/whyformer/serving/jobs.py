"""Jobs: the work of one request, which waits for its turn."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

Gone = Callable[[], bool]
"""A function that returns whether no client waits for a result any more."""


@dataclass(frozen=True)
class Work:
    """What to compute for texts. Requests with equal work can share a batch.

    Args:
        key: everything on which the results depend, beside the items.
        compute: function that returns one result for each item. It runs in a thread.
    """

    key: Hashable
    compute: Callable[[Sequence[Any], Gone], Sequence[Any]] = field(compare=False)


@dataclass(eq=False, slots=True)
class Job:
    """The work of one request.

    Args:
        items: the texts, or other items, of the request.
        tokens: number of tokens of the items.
        arrived: time at which the job was submitted, on the clock of the event loop.
        future: gets the results.
    """

    work: Work
    items: Sequence[Any]
    tokens: int
    arrived: float
    future: "asyncio.Future[Sequence[Any]]"
    taken: bool = False
    """Whether the job is no longer in the queue: it was begun or cancelled."""
    gone: bool = False
    """Whether no client waits for the results. Set by the event loop, read by the thread."""
    begun: float | None = None
    """Time at which the computation began."""
    batch: int = 0
    """Number of items of the batch in which the job was computed."""
