"""Read and check request bodies before a route sees them."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import to_json

from whyformer.foundation.config import Settings, build_from_json
from whyformer.foundation.wording import counted
from whyformer.serving.http.errors import refusal_of, response_of
from whyformer.serving.refusals import GoneError, RefusedError
from whyformer.serving.settings import ServerSettings

log = logging.getLogger(__name__)
S = TypeVar("S", bound=Settings)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MAX_FIELDS = 100
"""Maximum number of fields of a form."""


async def read_body(request: Request, settings: ServerSettings) -> bytes:
    """Return the body of a request.

    Raises: RefusedError if it is too large, or arrives too slowly; GoneError if the client
        disconnects.
    """
    limit = settings.body_bytes
    length = request.headers.get("content-length", "")
    if length.isdigit() and (len(length) > 12 or int(length) > limit):
        raise _too_large(limit)
    receive, chunks, size = request.receive, [], 0
    try:
        async with asyncio.timeout(settings.read_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise GoneError
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except TimeoutError:
        raise RefusedError(
            408,
            f"The whole request must arrive within {settings.read_seconds:g} s, but it did not.",
            "slow",
        ) from None


def _too_large(limit: int) -> RefusedError:
    return RefusedError(
        413,
        f"A body may have at most {counted(limit, 'byte')}, but this one is larger. Split it.",
        "size",
    )


def parsed(kind: type[S], body: bytes, content_type: str, *, forms: bool) -> S:
    """Return a body as settings of the class ``kind``.

    Args: forms: whether the body may also be a form, as in the API of LibreTranslate.
    Raises: RefusedError for another content type; ConfigError for a body that is wrong.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON or media_type.endswith("+json"):
        return build_from_json(kind, body, where="body")
    if forms and media_type == FORM:
        return build_from_json(kind, to_json(_fields(body)), where="body")
    allowed = f"{JSON} or {FORM}" if forms else JSON
    raise RefusedError(
        415, f"The content type must be {allowed}, but it is `{media_type[:60]}`.", "type"
    )


def _fields(body: bytes) -> dict[str, Any]:
    """Return the fields of a form; a field of digits is a number, except texts."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=MAX_FIELDS,
            errors="strict",
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise RefusedError(400, f"The form cannot be read: {error}.", "request") from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        number = name == "alternatives" and value.isascii() and value.isdigit() and len(value) < 10
        fields[name] = int(value) if number else value
    return fields


class CheckedRoute(APIRoute):
    """A route that reads, limits and checks its body itself, and turns every error into a response.

    A route function gets the request and, if its second parameter is annotated with a class of
    settings, the checked body. It returns a response. FastAPI matches the paths and writes the
    OpenAPI document.
    """

    settings = ServerSettings()
    """Limits of the server; `routes_with` makes a class with others."""
    forms = False
    """Whether bodies may be forms."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Leave out what FastAPI has around a route for dependencies and for exceptions. There are
        none, and it takes as long as the route itself."""
        super().__init__(path, endpoint, **options)
        answer = self.get_route_handler()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            response = await answer(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = app

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the function that answers a request."""
        endpoint, settings, forms = self.endpoint, self.settings, self.forms
        parameters = inspect.signature(endpoint).parameters.values()
        kinds = [one.annotation for one in parameters]
        bodies = [one for one in kinds if isinstance(one, type) and issubclass(one, Settings)]
        kind = bodies[0] if bodies else None

        async def handler(request: Request) -> Response:
            path = request.scope["path"]
            try:
                if kind is None:
                    return await endpoint(request, **request.path_params)
                body = await read_body(request, settings)
                given = parsed(kind, body, request.headers.get("content-type", ""), forms=forms)
                return await endpoint(request, given, **request.path_params)
            except Exception as error:  # whatever it is, the client gets an answer
                refusal = refusal_of(error)
                if refusal is None:
                    log.exception("failed", exc_info=error)
                    refusal = RefusedError(
                        500, "The server failed. The log has the details.", "failure"
                    )
                facts = request.scope.get("facts")
                if facts is not None:
                    facts.reason = refusal.reason
                return response_of(refusal, path)

        return handler


def routes_with(settings: ServerSettings, *, forms: bool = False) -> type[CheckedRoute]:
    """Return a class of routes with the limits of a server."""
    return type("CheckedRoute", (CheckedRoute,), {"settings": settings, "forms": forms})
