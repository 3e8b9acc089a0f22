"""Wait for the answer of a model, but not longer than the client does."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request

from whyformer.foundation.wording import counted
from whyformer.serving.http.gateway import Facts
from whyformer.serving.jobs import Job, Work
from whyformer.serving.refusals import GoneError, RefusedError, too_late
from whyformer.serving.runs.catalog import Loaded
from whyformer.serving.settings import ServerSettings

WATCH_SECONDS = 0.05
"""Time after which the server watches whether the client of a request disconnects. Most requests
are answered earlier, so watching costs them nothing."""
IN_LOOP = 4000
"""Number of characters up to which texts are tokenized in the event loop; more texts would delay
other requests."""


class Answering:
    """Submits the work of requests and waits for the results."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings

    async def results(
        self,
        request: Request,
        loaded: Loaded,
        work: Work,
        items: Sequence[Any],
        texts: Sequence[str],
    ) -> Sequence[Any]:
        """Return the result of each item.

        Args: texts: the texts of the items, whose tokens are counted.
        Raises: RefusedError if there are too many texts or tokens, if the queue is full, or if the
            time is over; GoneError if the client disconnects.
        """
        job = await self.submitted(request, loaded, work, items, texts)
        return await self.finished(request, loaded, job)

    async def submitted(
        self,
        request: Request,
        loaded: Loaded,
        work: Work,
        items: Sequence[Any],
        texts: Sequence[str],
    ) -> Job:
        """Submit the work of a request; see `results`."""
        settings, served = self._settings, loaded.served
        if not items:
            raise RefusedError(400, "At least one text is needed, but the list is empty.", "size")
        if len(items) > settings.texts:
            raise RefusedError(
                413,
                f"A request may have at most {counted(settings.texts, 'text')}, but it has "
                f"{len(items):,}. Split it.",
                "size",
            )
        if sum(map(len, texts)) <= IN_LOOP:
            tokens = served.tokens(texts)
        else:
            tokens = await asyncio.to_thread(served.tokens, texts)
        if tokens > settings.tokens:
            raise RefusedError(
                413,
                f"A request may have at most {counted(settings.tokens, 'token')}, but it has "
                f"{tokens:,}. Split it.",
                "size",
            )
        facts: Facts = request.scope["facts"]
        facts.model, facts.texts, facts.tokens = served.name, len(items), tokens
        facts.content = texts
        return loaded.batcher.submit(work, items, tokens)

    async def finished(self, request: Request, loaded: Loaded, job: Job) -> Sequence[Any]:
        """Wait for a job; see `results`."""
        with self.watched(request, loaded, job):
            try:
                results = await job.future
            except asyncio.CancelledError:
                if not job.gone:
                    loaded.batcher.cancel(job)
                    raise  # the server itself is stopped
                raise self._why(job) from None
        note(request, job)
        return results

    def watched(self, request: Request, loaded: Loaded, job: Job) -> "_Watch":
        """Cancel a job in a `with` block when the client disconnects or the time is over."""
        return _Watch(request, lambda: loaded.batcher.cancel(job), self._settings.timeout_seconds)

    def _why(self, job: Job) -> Exception:
        """Return why a job was cancelled."""
        late = asyncio.get_running_loop().time() - job.arrived >= self._settings.timeout_seconds
        if not late:
            return GoneError()
        return too_late(self._settings.timeout_seconds, begun=job.begun is not None)


def note(request: Request, job: Job) -> None:
    """Write how long a job waited, and the size of its batch, into the facts of its request."""
    facts: Facts = request.scope["facts"]
    facts.batch = job.batch
    if job.begun is not None:
        facts.waited_ms = 1000 * (job.begun - job.arrived)


class _Watch:
    """Calls a function when the client disconnects, or when the time is over."""

    def __init__(self, request: Request, cancel: Callable[[], None], seconds: float) -> None:
        self._receive, self._cancel, self._seconds = request.receive, cancel, seconds
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(self._seconds, self._cancel),
            loop.call_later(WATCH_SECONDS, self._listen),
        ]

    def __exit__(self, *error: object) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _listen(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._disconnected())

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancel()
