"""Make the page of the live model when the site is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a test makes the page without Sphinx
    from sphinx.application import Sphinx

LIVE = "live"
NAME = "pronounce"


def live_page(directory: Path) -> str:
    """Return the page of the model in ``docs/live``. Its links lead to the laboratory of the
    site."""
    from whyformer.lab.pages.lessons import lessons
    from whyformer.viewer.page import PageModel, page

    manifest = json.loads((directory / f"{NAME}.json").read_text(encoding="utf-8"))
    model = PageModel(manifest, (directory / f"{NAME}.bin").read_bytes())
    return page([model], lessons=lessons(pages="../lab"))


def write_page(app: Sphinx, error: Exception | None) -> None:
    """Write the page beside the built ones."""
    if error is None:
        target = Path(app.outdir) / LIVE
        target.mkdir(exist_ok=True)
        text = live_page(Path(app.srcdir) / LIVE)
        (target / f"{NAME}.html").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", write_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
