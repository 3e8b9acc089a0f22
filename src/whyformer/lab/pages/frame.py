"""The frame of every page. A page is one file in one language, and it loads nothing from the
network."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from whyformer.charts.assets import read, with_charts
from whyformer.foundation.bilingual import Language
from whyformer.lab.pages.live import SCRIPTS
from whyformer.lab.pages.wording import WORDS

# With this policy, a browser loads nothing from the network, whatever the page contains.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def file_of(name: str, language: Language) -> str:
    """Return the name of a page's file."""
    return f"{name}.html" if language is Language.ENGLISH else f"{name}.{language}.html"


def say(word: str, language: Language, **values: object) -> str:
    """Return a phrase of the pages as HTML, with values filled in."""
    return escape(WORDS[word].in_(language).format(**values))


def with_code(html: str) -> str:
    """Return HTML in which text between backticks is marked as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html)


def document(
    name: str,
    title: str,
    body: str,
    language: Language,
    languages: Sequence[Language],
    scripts: Iterable[str] = (),
) -> str:
    """Return a whole page as HTML.

    Args:
        name: name of the page's file, without its extension.
        scripts: scripts of this page, which run after the script that all pages have.
    """
    style = with_charts((SCRIPTS / "style.css").read_text(encoding="utf-8"))
    page_script = (SCRIPTS / "page.js").read_text(encoding="utf-8")
    page_script = page_script.replace("  // hover.js\n", read("hover.js"))
    others = "".join(
        f'<a class="tongue" href="{file_of(name, other)}" hreflang="{other}" lang="{other}">'
        f"{other.own_name}</a>"
        for other in languages
        if other is not language
    )
    inline = "".join(f"<script>\n{one}</script>\n" for one in (page_script, *scripts))
    site = f"whyformer {WORDS['lab'].in_(language)}"
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)} · {escape(site)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n"
        f'<nav class="top"><a class="home" href="{file_of("index", language)}">{escape(site)}</a>'
        f'<a href="{file_of("glossary", language)}">{say("glossary", language)}</a>'
        f"{others}</nav>\n"
        f"<main>\n{body}\n</main>\n{inline}</body>\n</html>\n"
    )
