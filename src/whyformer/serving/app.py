"""The application: the endpoints, and what is around them."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI, Response
from fastapi.routing import APIRouter
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from whyformer import __version__
from whyformer.serving.http.answering import Answering
from whyformer.serving.http.errors import response_of
from whyformer.serving.http.gateway import App, Gateway, Keys, Receive, Scope, Send
from whyformer.serving.http.metrics import Metrics
from whyformer.serving.http.reading import routes_with
from whyformer.serving.refusals import RefusedError
from whyformer.serving.routes.context import Context
from whyformer.serving.routes.generation import add_generation_routes
from whyformer.serving.routes.libretranslate import add_libretranslate_routes
from whyformer.serving.routes.native import add_native_routes
from whyformer.serving.routes.openai import add_openai_routes
from whyformer.serving.routes.pages import add_page_routes
from whyformer.serving.routes.status import add_status_routes
from whyformer.serving.runs.catalog import Catalog
from whyformer.serving.settings import ServerSettings

ABOUT = (
    "Answers with models of whyformer. Errors are one sentence: what is wrong and how to fix it."
)


class Server:
    """A server as an ASGI application.

    Args:
        runs: path of each run by its name.
    Raises: BundleError if a run is missing or damaged.
    """

    def __init__(self, runs: Mapping[str, Path], settings: ServerSettings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.catalog = Catalog(
            runs, settings, seen=self.metrics.computed, reloaded=self.metrics.reloaded
        )
        self.catalog.load()
        keys = Keys(settings.api_keys)
        context = Context(self.catalog, settings, self.metrics, keys, Answering(settings))
        self.routes = self._routes(context)
        self.gateway = Gateway(
            self._answer,
            keys=keys,
            metrics=self.metrics,
            log_texts=settings.log_texts,
            most=settings.connections,
        )
        self.routes.state.gateway = self.gateway
        self.app: Any = self.gateway
        if settings.cors_origins:
            self.app = CORSMiddleware(
                self.gateway,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "x-api-key"],
            )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. The routes catch their own exceptions, so no middleware is needed."""
        if scope["type"] != "http":
            await cast(App, self.routes)(scope, receive, send)
            return
        scope["app"] = self.routes
        try:
            await self.routes.router(scope, receive, send)
        except HTTPException as error:
            await _refused(scope, error)(scope, receive, send)

    def _routes(self, context: Context) -> FastAPI:
        app = FastAPI(
            title="whyformer",
            version=__version__,
            description=ABOUT,
            docs_url=None,
            redoc_url=None,
            lifespan=self._lifespan,
        )
        add_routes(app.router, context)
        return app

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        self.catalog.start()
        for one in self.catalog:
            name = one.served.name
            self.metrics.watch(name, lambda name=name: self.catalog.waiting(name))
        yield
        await self.catalog.close()


def add_routes(router: APIRouter, context: Context) -> None:
    """Add all endpoints to a router."""
    router.route_class = routes_with(context.settings)
    add_native_routes(router, context)
    add_generation_routes(router, context)
    add_openai_routes(router, context)
    add_status_routes(router, context)
    add_page_routes(router, context)
    router.route_class = routes_with(context.settings, forms=True)
    add_libretranslate_routes(router, context)


def _refused(scope: Scope, error: HTTPException) -> Response:
    """Return the response for a path or a method that does not exist."""
    path = scope["path"]
    if error.status_code == 404:
        message = f"There is no endpoint `{path[:100]}`. See /docs."
    elif error.status_code == 405:
        message = f"`{path[:100]}` does not support {scope['method'][:20]}. See /docs."
    else:
        message = str(error.detail)
    response = response_of(RefusedError(error.status_code, message, "path"), path)
    response.headers.update(error.headers or {})
    return response
