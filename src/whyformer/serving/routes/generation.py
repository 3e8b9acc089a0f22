"""The endpoint /v1/generate: continuations of prompts, whole or as a stream."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from whyformer.decoding.generator import Continuation
from whyformer.serving.bodies.requests import GenerateRequest
from whyformer.serving.bodies.responses import GenerateResponse
from whyformer.serving.http.answering import note
from whyformer.serving.http.errors import body_of, refusal_of
from whyformer.serving.jobs import Gone, Job, Work
from whyformer.serving.refusals import RefusedError
from whyformer.serving.routes.context import Context, json_response, key_of
from whyformer.serving.routes.native import ERRORS
from whyformer.serving.runs.catalog import Loaded
from whyformer.serving.runs.language import LanguageRun
from whyformer.serving.runs.served import Operation

SSE = "text/event-stream"
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The texts. With `stream`, events: `data:` with each part of the text, at "
        "last the event `done` with the whole text (in the format of OpenAI: `[DONE]`), or the "
        "event `error`.",
        "content": {SSE: {}},
    }
}
"""The answer to a request for a stream, for the OpenAPI document."""
NO_CACHE = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""Headers with which proxies pass on each event at once."""


def add_generation_routes(router: APIRouter, context: Context) -> None:
    """Add the endpoint to a router."""

    @router.post(
        "/v1/generate",
        response_model=GenerateResponse,
        responses=ERRORS | STREAMED,
    )
    async def generate(request: Request, body: GenerateRequest) -> Response:
        """Continue prompts with a language model. The texts are those of `whyformer generate`."""
        loaded = context.catalog.find(body.model, Operation.GENERATE)
        assert isinstance(loaded.served, LanguageRun)
        search, run = body.search(), loaded.served
        context.check_search(search | {"tokens": body.tokens})
        if body.stream:
            if len(body.prompts) != 1:
                raise RefusedError(
                    400,
                    f"A stream continues one prompt, but there are {len(body.prompts):,}. Send "
                    "one request for each prompt.",
                    "request",
                )
            stream = await Stream.opened(
                context, request, loaded, body.prompts[0], search, tokens=body.tokens
            )
            return stream.response(_event_of_text, lambda found: _done(run, body.prompts[0], found))
        found = await continuations(context, request, loaded, body.prompts, search, body.tokens)
        return json_response(
            {
                "model": run.name,
                "generations": [
                    [_continued(run, prompt, one) for one in several]
                    for prompt, several in zip(body.prompts, found, strict=True)
                ],
            }
        )


async def continuations(
    context: Context,
    request: Request,
    loaded: Loaded,
    prompts: Sequence[str],
    search: Mapping[str, Any],
    tokens: int,
) -> Sequence[list[Continuation]]:
    """Return the continuations of each prompt of a request."""
    run = loaded.served
    assert isinstance(run, LanguageRun)

    def compute(items: Any, gone: Gone) -> Any:
        return run.generate(items, dict(search), tokens=tokens, gone=gone)

    key = key_of("generate", search, sampling=run.samples(search), tokens=tokens)
    return await context.answering.results(request, loaded, Work(key, compute), prompts, prompts)


class Stream:
    """The continuation of one prompt, token by token. Make one with `opened`.

    Args:
        queue: the parts of the text as they arrive; None after the last one.
    """

    def __init__(
        self,
        context: Context,
        request: Request,
        loaded: Loaded,
        job: Job,
        queue: "asyncio.Queue[str | None]",
        first: str | None,
    ) -> None:
        self._context, self._request, self._loaded = context, request, loaded
        self._job, self._queue, self._first = job, queue, first

    @classmethod
    async def opened(
        cls,
        context: Context,
        request: Request,
        loaded: Loaded,
        prompt: str,
        search: dict[str, Any],
        *,
        tokens: int,
        stop: Sequence[str] = (),
    ) -> "Stream":
        """Submit the work and wait for the first part of the text.

        Raises: RefusedError and UsageError if the prompt cannot be continued, so that the response
            has the status of the error.
        """
        run = loaded.served
        assert isinstance(run, LanguageRun)
        settings = run.settings(search)
        if settings.nbest > 1 or (not run.samples(search) and settings.beam > 1):
            raise RefusedError(
                400,
                "A stream needs a single hypothesis. Set `nbest` to 1, and sample or set `beam` "
                "to 1.",
                "request",
            )
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | None] = asyncio.Queue()

        def emit(text: str | None) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, text)

        def compute(items: Any, gone: Gone) -> list[Continuation]:
            found = run.stream(items[0], search, tokens=tokens, gone=gone, emit=emit, stop=stop)
            return [found]

        work = Work(key_of("stream", {}, sampling=True), compute)
        job = await context.answering.submitted(request, loaded, work, [prompt], [prompt])
        job.future.add_done_callback(lambda future: queue.put_nowait(None))
        stream = cls(context, request, loaded, job, queue, None)
        with context.answering.watched(request, loaded, job):
            stream._first = await queue.get()
        if stream._first is None:
            await stream._result()  # raises the error, if there was one
        return stream

    def response(
        self,
        event_of_text: Callable[[str], bytes],
        last_events: Callable[[Continuation], bytes],
    ) -> StreamingResponse:
        """Return a response that sends the text as events.

        Args:
            event_of_text: function that returns the event of a part of the text.
            last_events: function that returns what follows the whole text.
        """
        return StreamingResponse(
            self._events(event_of_text, last_events), media_type=SSE, headers=NO_CACHE
        )

    async def _events(
        self,
        event_of_text: Callable[[str], bytes],
        last_events: Callable[[Continuation], bytes],
    ) -> AsyncIterator[bytes]:
        seconds = self._context.settings.timeout_seconds
        timer = asyncio.get_running_loop().call_later(
            seconds, self._loaded.batcher.cancel, self._job
        )
        try:
            part = self._first
            while part is not None:
                yield event_of_text(part)
                part = await self._queue.get()
            yield last_events(await self._result())
        except Exception as error:  # noqa: BLE001 -- the response has begun, so it is an event
            refusal = refusal_of(error) or RefusedError(500, "The server failed.", "failure")
            yield event(body_of(refusal, "/v1/"), name="error")
        finally:  # also when the client disconnects
            timer.cancel()
            if not self._job.future.done():
                self._loaded.batcher.cancel(self._job)

    async def _result(self) -> Continuation:
        (found,) = await self._context.answering.finished(self._request, self._loaded, self._job)
        note(self._request, self._job)
        return found


def event(value: Mapping[str, Any], *, name: str = "") -> bytes:
    """Return a server-sent event with JSON data."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + to_json(value) + b"\n\n"


def _event_of_text(text: str) -> bytes:
    return event({"text": text})


def _done(run: LanguageRun, prompt: str, found: Continuation) -> bytes:
    return event(_continued(run, prompt, found), name="done")


def _continued(run: LanguageRun, prompt: str, found: Continuation) -> dict[str, Any]:
    return {
        "text": run.continuation(prompt, found.text),
        "score": found.score,
        "finished": found.finished,
    }
