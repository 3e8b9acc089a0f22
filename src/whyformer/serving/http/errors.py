"""Errors as HTTP responses: a status and one sentence."""

from typing import Any

from fastapi import Response
from pydantic_core import to_json

from whyformer.foundation.errors import BundleError, UsageError, WhyformerError
from whyformer.foundation.out_of_memory import ran_out
from whyformer.serving.refusals import GoneError, RefusedError

TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
"""For some statuses, the type of the error in the format of OpenAI."""
CLIENT_GONE = 499
"""Status in log and metrics of a request whose client disconnected before the answer."""


def refusal_of(error: Exception) -> RefusedError | None:
    """Return an error as a refusal; None for an error that is a fault of the server."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, GoneError):
        return RefusedError(CLIENT_GONE, "The client has disconnected.", "disconnected")
    if isinstance(error, BundleError):
        return RefusedError(500, str(error), "model")
    if isinstance(error, UsageError):
        return RefusedError(400, str(error), "request")
    if isinstance(error, WhyformerError):
        return RefusedError(500, str(error), "model")
    if isinstance(error, MemoryError | RuntimeError) and ran_out(error):
        message = "Memory ran out. Send fewer or shorter texts, or lower `beam`."
        return RefusedError(503, message, "memory", retry_seconds=1)
    return None


def response_of(refusal: RefusedError, path: str) -> Response:
    """Return the response to a refused request, in the format of the API that was called."""
    headers = {}
    if refusal.retry_seconds is not None:
        headers["retry-after"] = str(refusal.retry_seconds)
    if refusal.status in (408, 413) or refusal.reason == "connections":
        headers["connection"] = "close"  # the rest of the body is not read
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(
        to_json(body_of(refusal, path)),
        refusal.status,
        headers=headers,
        media_type="application/json",
    )


def body_of(refusal: RefusedError, path: str) -> dict[str, Any]:
    """Return the body of the response: an object as in the API of OpenAI below /v1, else a
    sentence as in that of LibreTranslate."""
    message = " ".join(str(refusal).split())
    if not path.startswith("/v1/"):
        return {"error": message}
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    kind = TYPES.get(refusal.status, kind)
    return {"error": {"message": message, "type": kind, "param": None, "code": refusal.reason}}
