"""The pages: / shows a model at work, /try uses the endpoints, /docs describes them.

They need no other server. The page at / is that of `whyformer view`, which computes in the browser.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from whyformer.foundation.errors import UsageError
from whyformer.serving.refusals import RefusedError
from whyformer.serving.routes.context import Context
from whyformer.serving.runs.catalog import Catalog, Loaded
from whyformer.serving.runs.served import ServedRun

PAGES = Path(__file__).parent.parent / "pages"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
POLICY = NOTHING + (
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
)
"""Content security policy: the pages load nothing and talk to this server only."""
VIEWER_POLICY = NOTHING + (
    "style-src 'unsafe-inline'; script-src 'unsafe-inline' blob:; worker-src blob:; "
    "img-src data: blob:"
)
"""The page of a model computes in a worker, and talks to no server."""


@dataclass(frozen=True)
class Built:
    """The page of a loaded run, or why there is none."""

    served: ServedRun
    page: str | UsageError


class Viewers:
    """The pages that show models at work. Each is made when it is first asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._built: dict[str, Built] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, loaded: Loaded) -> str:
        """Return the page of a run. Raises: UsageError if the page cannot express the model."""
        served = loaded.served
        async with self._one_at_a_time:
            built = self._built.get(served.name)
            if built is None or built.served is not served:
                built = await asyncio.to_thread(_build, served)
                self._built[served.name] = built
        if isinstance(built.page, UsageError):
            raise built.page
        return built.page

    async def first(self) -> str | None:
        """Return the page of the first run that can be shown; None if there is none."""
        for loaded in self._catalog:
            try:
                return await self.of(loaded)
            except UsageError:
                continue
        return None


def _build(served: ServedRun) -> Built:
    from whyformer.lab.pages.lessons import lessons
    from whyformer.viewer.model import page_model
    from whyformer.viewer.page import page

    try:
        return Built(served, page([page_model(served.run, name=served.name)], lessons=lessons()))
    except UsageError as error:
        return Built(served, error)


def add_page_routes(router: APIRouter, context: Context) -> None:
    """Add the pages to a router.

    The page of a model contains its weights. With keys, / is the page of the endpoints, and
    /view/NAME needs a key.
    """
    viewers = Viewers(context.catalog)

    @router.get("/", include_in_schema=False)
    async def start(request: Request) -> Response:
        """Return the page of the first model that can be shown, or the page of the endpoints."""
        if context.settings.viewer and not context.keys and (html := await viewers.first()):
            return _html(html, VIEWER_POLICY)
        return asset("try.html")

    @router.get("/view/{name}", include_in_schema=False)
    async def view(request: Request, name: str) -> Response:
        """Return the page that shows a model at work."""
        for loaded in context.catalog:
            if loaded.served.name == name and context.settings.viewer:
                return _html(await viewers.of(loaded), VIEWER_POLICY)
        raise RefusedError(404, f"There is no page of a model `{name[:64]}`.", "model")

    @router.get("/try", include_in_schema=False)
    async def use(request: Request) -> Response:
        """Return the page on which the endpoints can be used."""
        return asset("try.html")

    @router.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        """Return the page that describes the endpoints."""
        return asset("docs.html")


def asset(name: str) -> Response:
    """Return a page of this package with its style sheet in it."""
    style = (PAGES / "page.css").read_text(encoding="utf-8")
    html = (PAGES / name).read_text(encoding="utf-8").replace("/* page.css */", style)
    return _html(html, POLICY)


def _html(text: str, policy: str) -> Response:
    headers = {"content-security-policy": policy, "x-content-type-options": "nosniff"}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)
