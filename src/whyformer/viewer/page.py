"""The page on which a person uses a model and looks inside it: one HTML file."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from whyformer.viewer.scripts import joined

ASSETS = Path(__file__).parent / "assets"
LANGUAGES = ("en", "ko")
"""The languages of the page. Each has a file `words.*.json`."""
MARK = '<meta name="generator" content="whyformer view">'
"""This line is in every page, so that a command recognizes the pages that it may replace."""
START = 4096
"""Number of characters of a page that surely contain `MARK`."""
DARK = "/* dark */"
PLACES = re.compile(r"\{(title|style|size|words|lessons|engine|models|script)\}")
"""The places of `page.html` that `page` fills."""


@dataclass(frozen=True)
class PageModel:
    """A model for the page.

    Args:
        manifest: see `manifest`.
        weights: the bytes of all tensors, see `pack`.
    """

    manifest: Mapping[str, Any]
    weights: bytes


def page(
    models: Sequence[PageModel],
    *,
    lessons: Mapping[str, Any] | None = None,
    small: bool = False,
    engine: str | None = None,
) -> str:
    """Return the page for one model, or for two models side by side.

    Args:
        lessons: for each kind of switch, the answer of the laboratory. Without lessons, the
            switches have no button "why?".
        small: leave out the parts that do not fit into a report.
        engine: script of the worker instead of the engine, for tests.
    """
    words = {one: json.loads(read(f"page/words.{one}.json")) for one in LANGUAGES}
    worker = joined(ASSETS / "worker.js") if engine is None else engine
    names = [str(one.manifest["name"]) for one in models]
    filled = {
        "title": escape(" · ".join(names)),
        "style": read("page/page.css").replace(DARK, read("page/dark.css").strip()),
        "size": "is-small" if small else "is-whole",
        "words": embedded_json(words),
        "lessons": embedded_json(lessons or {}),
        "engine": embedded_script(worker),
        "models": "\n".join(_embedded(number, one) for number, one in enumerate(models)),
        "script": _closed(embedded_script(joined(ASSETS / "page" / "main.js"))),
    }
    return PLACES.sub(lambda found: filled[found[1]], read("page/page.html"))


def read(name: str) -> str:
    """Return the text of an asset."""
    return (ASSETS / name).read_text(encoding="utf-8")


def embedded_json(value: Any) -> str:
    """Return JSON that can stand in a `script` element of HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def embedded_script(text: str) -> str:
    """Return a script that can stand in a `script` element of HTML.

    Raises: ValueError if the script contains a text that would end the element.
    """
    if found := re.search(r"</script|<!--", text, re.IGNORECASE):
        raise ValueError(f"a script of the page must not contain `{found[0]}`")
    return text


def is_page(path: Path) -> bool:
    """Return whether a file is a page that `page` has made."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return MARK in file.read(START)


def _embedded(number: int, model: PageModel) -> str:
    weights = base64.b64encode(model.weights).decode("ascii")
    return (
        f'<script type="application/json" id="manifest-{number}">'
        f"{embedded_json(model.manifest)}</script>\n"
        f'<script type="text/plain" id="weights-{number}">{weights}</script>'
    )


def _closed(script: str) -> str:
    """Return a script in a separate scope, because a page may contain other scripts."""
    return f'"use strict";\n{{\n{script}}}'
