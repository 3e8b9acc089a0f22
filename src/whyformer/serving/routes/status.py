"""The endpoints about the server itself: /health, /ready and /metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic_core import to_json

from whyformer import __version__
from whyformer.serving.bodies.responses import Health
from whyformer.serving.http.gateway import Gateway
from whyformer.serving.routes.context import Context, json_response
from whyformer.serving.routes.native import ERRORS
from whyformer.serving.runs.catalog import Loaded
from whyformer.serving.runs.translation import TranslationRun

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def add_status_routes(router: APIRouter, context: Context) -> None:
    """Add the endpoints to a router."""

    @router.get("/health", response_model=Health)
    async def health(request: Request) -> Response:
        """Report that the server lives, and its runs."""
        return json_response(
            {
                "status": "ok",
                "version": __version__,
                "models": [facts_of(one) for one in context.catalog],
            }
        )

    @router.get("/ready", responses={503: {"description": "The server stops soon."}})
    async def ready(request: Request) -> Response:
        """Report whether the server accepts requests: 503 from SIGTERM on."""
        gateway: Gateway = request.app.state.gateway
        text = "stopping" if gateway.draining else "ready"
        return Response(
            to_json({"status": text}),
            503 if gateway.draining else 200,
            media_type="application/json",
        )

    @router.get("/metrics", response_class=PlainTextResponse, responses=ERRORS)
    async def metrics(request: Request) -> Response:
        """Report counts and times in the text format of Prometheus."""
        return Response(context.metrics.text(), media_type=PROMETHEUS)


def facts_of(one: Loaded) -> dict[str, Any]:
    """Return what a served run can do."""
    served = one.served
    tags = served.tags if isinstance(served, TranslationRun) else ()
    return {
        "name": served.name,
        "family": served.family,
        "engine": served.engine,
        "operations": sorted(served.operations),
        "tags": list(tags),
        "loaded": served.loaded,
    }
