"""A browser for the tests of the pages: Playwright with the Chromium of the system.

`make test-browser` runs these tests; `make test` leaves them out. They are skipped, with the
reason, if Playwright or Chromium is missing.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
DRAWN = """() => [...document.querySelectorAll("img, svg")].filter(one => {
  const box = one.getBoundingClientRect();
  if (box.width === 0 && box.height === 0) return false;  // in a closed part of the page
  if (one.tagName === "IMG") return !(one.complete && one.naturalWidth > 0);
  const shapes = [...one.querySelectorAll("path, line, polyline, polygon, rect, circle, text")];
  return !shapes.some(shape => { const b = shape.getBBox(); return b.width + b.height > 0; });
}).map(one => one.outerHTML.slice(0, 200))"""
"""Returns the visible images and drawings in which nothing is drawn."""


@dataclass
class Seen:
    """What a browser reports about a page.

    Args:
        page: the open page of Playwright.
        errors: errors of the console and of scripts, and requests that failed.
        requests: addresses outside the disk that the page asked for.
    """

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return self.page.evaluate(wide)

    def empty_drawings(self) -> list[str]:
        """Return the start of each visible image or drawing in which nothing is drawn."""
        return self.page.evaluate(DRAWN)

    def count(self, selector: str) -> int:
        """Return the number of elements."""
        return self.page.locator(selector).count()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start Chromium, or skip the test."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("Playwright is not installed: pip install playwright, or make test-browser")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser was found: install {NAMES[0]}, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium) -> Iterator[Any]:
    """Return a function that opens a file in a window of some width, without a network. The file
    may have a fragment."""
    contexts = []

    def open_page(path: Path, width: int, fragment: str = "") -> Seen:
        context = chromium.new_context(viewport={"width": width, "height": 844}, offline=True)
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("console", lambda m: m.type == "error" and seen.errors.append(m.text))
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("requestfailed", lambda request: seen.errors.append(request.url))
        seen.page.on("request", lambda r: _is_outside(r.url) and seen.requests.append(r.url))
        seen.page.goto(f"{path.as_uri()}#{fragment}" if fragment else path.as_uri())
        seen.page.wait_for_load_state("load")
        return seen

    yield open_page
    for context in contexts:
        context.close()


def _is_outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:"))
