"""The pages: / to use a run in the browser, and /docs. They need no other server."""

from pathlib import Path

from fastapi import APIRouter, Request, Response

PAGES = Path(__file__).parent.parent / "pages"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy: the pages load nothing and talk to this server only."""
HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff"}


def add_page_routes(router: APIRouter) -> None:
    """Add the pages to a router."""

    @router.get("/", include_in_schema=False)
    async def start(request: Request) -> Response:
        """Return the page on which a run can be used."""
        return page("start.html")

    @router.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        """Return the page that describes the endpoints."""
        return page("docs.html")


def page(name: str) -> Response:
    """Return a page with its style sheet in it."""
    style = (PAGES / "page.css").read_text(encoding="utf-8")
    html = (PAGES / name).read_text(encoding="utf-8").replace("/* page.css */", style)
    return Response(html, media_type="text/html; charset=utf-8", headers=HEADERS)
