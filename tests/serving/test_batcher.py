"""The queue in front of a model."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from whyformer.serving.batcher import Batcher
from whyformer.serving.jobs import Job, Work
from whyformer.serving.refusals import RefusedError


class Model:
    """A model that computes when it is allowed to, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[tuple[Any, list[Any]]] = []
        self.allowed = threading.Event()
        self.allowed.set()

    def work(self, key: Any) -> Work:
        """Return work with a key; the result of an item is the item and the key."""

        def compute(items: Any, gone: Callable[[], bool]) -> Any:
            self.batches.append((key, list(items)))
            assert self.allowed.wait(30)
            if "bad" in items:
                raise ValueError("bad")
            return [(key, item) for item in items]

        return Work(key, compute)


def run(test: Callable[[Model, Batcher], Coroutine[Any, Any, None]], **limits: Any) -> Model:
    """Run an asynchronous test with a model and its batcher; return the model."""

    async def main() -> Model:
        model = Model()
        batcher = Batcher(**{"batch_tokens": 100, "queue_texts": 1000} | limits)
        await test(model, batcher)
        model.allowed.set()
        await batcher.close()
        return model

    return asyncio.run(main())


async def busy(model: Model, batcher: Batcher) -> Job:
    """Return a job in which the model is busy until it is allowed to go on."""
    model.allowed.clear()
    job = batcher.submit(model.work("first"), ["first"], 1)
    while not model.batches:
        await asyncio.sleep(0.001)
    return job


def test_waiting_jobs_with_equal_work_share_a_batch_and_others_never_do():
    async def test(model: Model, batcher: Batcher) -> None:
        await busy(model, batcher)
        keys = ["a", "b", "a", "c", "b", "a"]
        jobs = [batcher.submit(model.work(key), [n, -n], 2) for n, key in enumerate(keys)]
        model.allowed.set()
        for number, (key, job) in enumerate(zip(keys, jobs, strict=True)):
            assert await job.future == [(key, number), (key, -number)]

    model = run(test)
    wanted = [("a", [0, 0, 2, -2, 5, -5]), ("b", [1, -1, 4, -4]), ("c", [3, -3])]
    assert model.batches[1:] == wanted


def test_a_batch_has_at_most_the_allowed_tokens_unless_it_is_one_job():
    async def test(model: Model, batcher: Batcher) -> None:
        await busy(model, batcher)
        jobs = [batcher.submit(model.work("a"), [tokens], tokens) for tokens in (4, 5, 3, 30, 1)]
        model.allowed.set()
        await asyncio.gather(*(job.future for job in jobs))

    model = run(test, batch_tokens=10)
    assert [items for _, items in model.batches[1:]] == [[4, 5], [3], [30], [1]]


def test_the_job_that_waits_longest_is_in_the_next_batch():
    async def test(model: Model, batcher: Batcher) -> None:
        await busy(model, batcher)
        jobs = [batcher.submit(model.work(key), [n], 6) for n, key in enumerate("abaa")]
        model.allowed.set()
        await asyncio.gather(*(job.future for job in jobs))

    model = run(test, batch_tokens=10)
    assert model.batches[1:] == [("a", [0]), ("b", [1]), ("a", [2]), ("a", [3])]


def test_a_cancelled_job_is_never_computed_and_frees_its_place():
    async def test(model: Model, batcher: Batcher) -> None:
        await busy(model, batcher)
        kept = batcher.submit(model.work("a"), ["kept"], 1)
        gone = batcher.submit(model.work("a"), ["gone"], 1)
        assert batcher.waiting == 2
        batcher.cancel(gone)
        assert batcher.waiting == 1
        assert gone.future.cancelled()
        model.allowed.set()
        assert await kept.future == [("a", "kept")]

    assert run(test).batches[1:] == [("a", ["kept"])]


def test_work_is_told_that_nobody_waits_when_all_of_its_jobs_are_cancelled():
    async def test(model: Model, batcher: Batcher) -> None:
        seen: list[bool] = []
        stop = threading.Event()

        def compute(items: Any, gone: Callable[[], bool]) -> Any:
            while not stop.wait(0.001):
                seen.append(gone())
            return items

        await busy(model, batcher)
        one, two = (batcher.submit(Work("w", compute), [n], 1) for n in range(2))
        model.allowed.set()
        while not seen:
            await asyncio.sleep(0.001)
        batcher.cancel(one)
        await asyncio.sleep(0.02)
        assert not seen[-1], "the other job still waits"
        batcher.cancel(two)
        await asyncio.sleep(0.02)
        assert seen[-1]
        stop.set()

    run(test)


def test_a_full_queue_refuses_and_says_when_to_try_again():
    async def test(model: Model, batcher: Batcher) -> None:
        await busy(model, batcher)
        batcher.submit(model.work("a"), [1, 2, 3], 3)
        with pytest.raises(RefusedError, match="3 texts must be computed first") as refused:
            batcher.submit(model.work("a"), [4, 5], 2)
        assert refused.value.status == 503
        assert refused.value.retry_seconds is not None
        assert refused.value.retry_seconds >= 1
        batcher.submit(model.work("a"), [4], 1)

    run(test, queue_texts=4)


def test_a_bad_item_fails_only_its_own_job():
    async def test(model: Model, batcher: Batcher) -> None:
        await busy(model, batcher)
        good, bad, other = (batcher.submit(model.work("a"), [x], 1) for x in ("x", "bad", "y"))
        model.allowed.set()
        assert await good.future == [("a", "x")]
        with pytest.raises(ValueError, match="bad"):
            await bad.future
        assert await other.future == [("a", "y")]

    run(test)


def test_closing_finishes_what_waits_and_refuses_the_rest():
    async def test(model: Model, batcher: Batcher) -> None:
        first = await busy(model, batcher)
        last = batcher.submit(model.work("a"), ["last"], 1)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(RefusedError, match="stopping"):
            batcher.submit(model.work("a"), ["late"], 1)
        model.allowed.set()
        await closing
        assert await first.future
        assert await last.future == [("a", "last")]

    run(test)


def test_an_idle_model_waits_for_as_many_texts_as_before_but_not_longer_than_allowed():
    async def test(model: Model, batcher: Batcher) -> None:
        await busy(model, batcher)
        jobs = [batcher.submit(model.work("a"), [n], 1) for n in range(3)]
        model.allowed.set()
        await asyncio.gather(*(job.future for job in jobs))
        later = []
        for number in range(3):  # they arrive one after another, while the model is idle
            later.append(batcher.submit(model.work("b"), [number], 1))
            await asyncio.sleep(0.005)
        await asyncio.gather(*(job.future for job in later))

    assert run(test, wait_seconds=20.0).batches[2:] == [("b", [0, 1, 2])]
    assert run(test, wait_seconds=0.0).batches[2] == ("b", [0])


def test_a_single_client_never_waits_for_others():
    async def test(model: Model, batcher: Batcher) -> None:
        async with asyncio.timeout(10):  # the model would wait for 1,000 seconds
            for number in range(5):
                items = [number] * (5 - number)  # also if its requests become smaller
                await batcher.submit(model.work("a"), items, 1).future

    assert len(run(test, wait_seconds=1000.0).batches) == 5
