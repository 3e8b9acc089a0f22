"""Dynamic batching: requests that wait at the same time share a batch."""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from whyformer.serving.jobs import Job, Work
from whyformer.serving.refusals import GoneError, RefusedError, overloaded

OLD = 0.8
"""Weight of the earlier batches in the running mean of the speed."""

Outcome = Sequence[Any] | Exception
"""The results of a job, or the error that it failed with."""


class Batcher:
    """A bounded queue in front of one model, and the thread in which the model computes.

    While the model computes, new jobs wait; then the oldest job and all jobs with equal work share
    the next batch. So the batches grow with the load. An idle model waits for more jobs only if the
    last batch had more, so a single client never waits for others.

    Args:
        batch_tokens: maximum number of tokens of a batch; a larger job is computed alone.
        queue_texts: maximum number of items that wait.
        wait_seconds: maximum time that an idle model waits for more jobs.
        seen: called after each batch with its jobs, its number of items, its tokens and its
            seconds.
    """

    def __init__(
        self,
        *,
        batch_tokens: int,
        queue_texts: int,
        wait_seconds: float = 0.0,
        seen: Callable[[int, int, int, float], None] = lambda jobs, items, tokens, seconds: None,
    ) -> None:
        self._batch_tokens, self._queue_texts = batch_tokens, queue_texts
        self._wait_seconds, self._seen = wait_seconds, seen
        self._oldest: deque[Job] = deque()
        self._alike: dict[Hashable, deque[Job]] = {}
        self._arrived = asyncio.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="whyformer-model")
        self._lane = asyncio.create_task(self._run())
        self._tokens_per_second = 0.0
        self._together = 1
        self._waiting_jobs = 0
        self.waiting = 0
        """Number of items that wait."""
        self.waiting_tokens = 0
        """Number of tokens of the items that wait."""

    def submit(self, work: Work, items: Sequence[Any], tokens: int) -> Job:
        """Add a job to the queue.

        Raises: RefusedError if the queue is full or closed.
        """
        if self._closing:
            raise RefusedError(
                503, "The server is stopping. Try again later.", "stopping", retry_seconds=1
            )
        if self.waiting and self.waiting + len(items) > self._queue_texts:
            raise overloaded(self.waiting, self.retry_seconds)
        loop = asyncio.get_running_loop()
        job = Job(work, items, tokens, loop.time(), loop.create_future())
        self._oldest.append(job)
        self._alike.setdefault(work.key, deque()).append(job)
        self._count(job, 1)
        self._arrived.set()
        return job

    def cancel(self, job: Job) -> None:
        """Drop a job. If it has not begun, it is never computed. If it has begun, it stops as soon
        as no other job of its batch is left."""
        job.gone = True
        if not job.taken:
            job.taken = True
            self._oldest.remove(job)
            alike = self._alike[job.work.key]
            alike.remove(job)
            if not alike:
                del self._alike[job.work.key]
            self._count(job, -1)
        if not job.future.done():
            job.future.cancel()

    @property
    def retry_seconds(self) -> int:
        """Estimate of the seconds until the jobs that wait now are computed, at least 1."""
        if not self._tokens_per_second:
            return 1
        return max(1, min(60, round(self.waiting_tokens / self._tokens_per_second)))

    async def close(self) -> None:
        """Compute all jobs that wait, then stop."""
        self._closing = True
        self._arrived.set()
        await self._lane
        self._thread.shutdown(wait=False)

    def _count(self, job: Job, sign: int) -> None:
        self._waiting_jobs += sign
        self.waiting += sign * len(job.items)
        self.waiting_tokens += sign * job.tokens

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wait()
            batch = self._take()
            if not batch:
                if self._closing:
                    return
                continue
            began, items = loop.time(), sum(len(job.items) for job in batch)
            for job in batch:
                job.begun, job.batch = began, items
            outcomes = await loop.run_in_executor(self._thread, _outcomes, batch)
            self._deliver(batch, outcomes, loop.time() - began)

    async def _wait(self) -> None:
        """Wait for a job; with `wait_seconds`, also for as many jobs as the last batch had."""
        if not self.waiting:
            self._arrived.clear()
            if self._closing:
                return
            await self._arrived.wait()
        if not self._wait_seconds or self._closing:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_seconds
        while self._waiting_jobs < self._together and self.waiting_tokens < self._batch_tokens:
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._arrived.wait()
            except TimeoutError:
                return

    def _take(self) -> list[Job]:
        """Remove the oldest job and the jobs with equal work from the queue, up to a full batch."""
        while self._oldest and self._oldest[0].taken:
            self._oldest.popleft()
        if not self._oldest:
            return []
        key = self._oldest[0].work.key
        alike, batch, tokens = self._alike[key], [], 0
        while alike and not (batch and tokens + alike[0].tokens > self._batch_tokens):
            job = alike.popleft()
            job.taken = True
            self._count(job, -1)
            tokens += job.tokens
            batch.append(job)
        if not alike:
            del self._alike[key]
        return batch

    def _deliver(self, batch: list[Job], outcomes: list[Outcome], seconds: float) -> None:
        tokens, items = sum(job.tokens for job in batch), sum(len(job.items) for job in batch)
        speed = tokens / max(seconds, 1e-6)
        known = self._tokens_per_second
        self._tokens_per_second = OLD * known + (1 - OLD) * speed if known else speed
        self._together = len(batch)
        for job, outcome in zip(batch, outcomes, strict=True):
            if job.future.done():
                continue
            if isinstance(outcome, Exception):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        self._seen(len(batch), items, tokens, seconds)


def _outcomes(batch: list[Job]) -> list[Outcome]:
    """Compute a batch. If it fails, compute each job alone, so that a bad text fails only its own
    request."""
    try:
        return _computed(batch)
    except Exception as error:  # noqa: BLE001 -- the request that caused it reports it
        if len(batch) == 1:
            return [error]
    outcomes: list[Outcome] = []
    for job in batch:
        outcomes += [GoneError()] if job.gone else _outcomes([job])
    return outcomes


def _computed(batch: list[Job]) -> list[Outcome]:
    items = [item for job in batch for item in job.items]
    results = batch[0].work.compute(items, lambda: all(job.gone for job in batch))
    found: list[Outcome] = []
    start = 0
    for job in batch:
        found.append(results[start : start + len(job.items)])
        start += len(job.items)
    return found
