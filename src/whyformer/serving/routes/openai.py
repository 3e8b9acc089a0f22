"""The API of OpenAI for language models: /v1/completions and /v1/models."""

import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from whyformer.decoding.generator import Continuation
from whyformer.serving.bodies.openai import CompletionRequest
from whyformer.serving.refusals import RefusedError
from whyformer.serving.routes.context import Context, json_response
from whyformer.serving.routes.generation import STREAMED, Stream, continuations, event
from whyformer.serving.routes.native import ERRORS
from whyformer.serving.runs.catalog import Loaded
from whyformer.serving.runs.language import LanguageRun, cut_at
from whyformer.serving.runs.served import Operation

DONE = b"data: [DONE]\n\n"
"""The last event of a stream."""


def add_openai_routes(router: APIRouter, context: Context) -> None:
    """Add the endpoints to a router."""
    catalog = context.catalog

    @router.get("/v1/models", responses=ERRORS)
    async def models(request: Request) -> Response:
        """List the runs of this server."""
        return json_response({"object": "list", "data": [_model(one) for one in catalog]})

    @router.get("/v1/models/{name}", responses=ERRORS)
    async def model(request: Request, name: str) -> Response:
        """Describe one run."""
        for one in catalog:
            if one.served.name == name:
                return json_response(_model(one))
        raise RefusedError(404, f"There is no model `{name[:64]}`.", "model")

    @router.post("/v1/completions", responses=ERRORS | STREAMED)
    async def completions(request: Request, body: CompletionRequest) -> Response:
        """Continue prompts with a language model, in the format of OpenAI."""
        loaded = catalog.find(body.model, Operation.GENERATE)
        assert isinstance(loaded.served, LanguageRun)
        if name := body.unsupported():
            raise RefusedError(
                400, f"`{name}` is not supported by this server. Leave it out.", "request"
            )
        search = _search(body)
        tokens = body.max_tokens or 16
        context.check_search(search | {"tokens": tokens})
        answer = _Completion(body, loaded.served)
        if not body.stream:
            found = await continuations(context, request, loaded, body.prompt, search, tokens)
            return json_response(answer.whole(found))
        if len(body.prompt) != 1 or (body.n or 1) > 1 or body.echo:
            raise RefusedError(
                400,
                "A stream has one prompt, one completion and no echo. Set `n` to 1 and `echo` to "
                "false.",
                "request",
            )
        stream = await Stream.opened(
            context, request, loaded, body.prompt[0], search, tokens=tokens, stop=body.stop or ()
        )
        return stream.response(answer.part, answer.last)


def _search(body: CompletionRequest) -> dict[str, Any]:
    """Return the search settings of a request. A temperature of 0 means greedy search."""
    count = body.n or 1
    if body.temperature == 0:
        return {"method": "beam", "beam": count, "nbest": count}
    seed = secrets.randbits(62) if body.seed is None else body.seed
    return {
        "method": "sample",
        "nbest": count,
        "temperature": max(1.0 if body.temperature is None else body.temperature, 0.0001),
        "top_p": body.top_p or 1.0,
        "seed": seed,
    }


class _Completion:
    """The response to one request, whole or in parts."""

    def __init__(self, body: CompletionRequest, run: LanguageRun) -> None:
        self._body, self._run = body, run
        self._head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": run.name,
        }

    def whole(self, found: Sequence[list[Continuation]]) -> dict[str, Any]:
        """Return the body of a response."""
        choices, new = [], 0
        for prompt, several in zip(self._body.prompt, found, strict=True):
            for one in several:
                text = self._run.continuation(prompt, one.text)
                text, stopped = cut_at(text, self._body.stop or ())
                new += self._tokens(text)
                reason = "stop" if stopped or one.finished else "length"
                text = prompt + text if self._body.echo else text
                choices.append(self._choice(text, len(choices), reason))
        return {**self._head, "choices": choices, "usage": self._usage(new)}

    def part(self, text: str) -> bytes:
        """Return the event of a part of the text."""
        return event({**self._head, "choices": [self._choice(text, 0, None)]})

    def last(self, found: Continuation) -> bytes:
        """Return the events after the whole text."""
        reason = "stop" if found.finished else "length"
        events = event({**self._head, "choices": [self._choice("", 0, reason)]})
        if self._body.stream_options is not None and self._body.stream_options.include_usage:
            new = self._tokens(self._run.continuation(self._body.prompt[0], found.text))
            events += event({**self._head, "choices": [], "usage": self._usage(new)})
        return events + DONE

    def _choice(self, text: str, index: int, reason: str | None) -> dict[str, Any]:
        return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}

    def _usage(self, new: int) -> dict[str, int]:
        read = sum(map(self._tokens, self._body.prompt))
        return {"prompt_tokens": read, "completion_tokens": new, "total_tokens": read + new}

    def _tokens(self, text: str) -> int:
        return len(self._run.tokenizer.encode(text))


def _model(one: Loaded) -> dict[str, Any]:
    served = one.served
    return {
        "id": served.name,
        "object": "model",
        "created": served.loaded,
        "owned_by": "whyformer",
    }
