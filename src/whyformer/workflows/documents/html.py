"""HTML: the text between the tags. Tags, attributes, comments, scripts and code are kept."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path

from whyformer.workflows.documents.text_file import Span, TextFile, read_text_file

KEPT = frozenset(
    {"script", "style", "code", "pre", "kbd", "samp", "var", "textarea", "svg", "math"}
)
"""Elements whose text is not translated."""
VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
})  # fmt: skip
"""Elements without an end tag."""
CHARACTER = re.compile(r"&(?:#[xX]?[0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);?")


def open_html(path: Path, encoding: str | None = None) -> TextFile:
    """Open an HTML file; see `open_document`."""
    return read_text_file(path, encoding, html_spans)


def html_spans(content: str) -> list[Span]:
    """Return the passages of HTML: the longest pieces of text without a tag."""
    finder = _Finder(content)
    finder.feed(content)
    finder.close()
    return [
        Span(start, end, html.unescape(content[start:end]), escaped)
        for start, end in finder.pieces
        if content[start:end].strip()
    ]


def escaped(text: str) -> str:
    """Return a text as it is written between tags."""
    return html.escape(text, quote=False)


class _Finder(HTMLParser):
    """Finds the places of the texts."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=False)
        self.pieces: list[tuple[int, int]] = []
        self._content = content
        self._lines = [0, *(place.end() for place in re.finditer("\n", content))]
        self._kept: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Start to skip text inside an element whose text is kept."""
        given = dict(attrs)
        marked = given.get("translate") == "no" or "notranslate" in (given.get("class") or "")
        if tag not in VOID and (self._kept or tag in KEPT or marked):
            self._kept.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore an element without content."""

    def handle_endtag(self, tag: str) -> None:
        """Translate text again after the end of a skipped element."""
        if tag in self._kept:
            while self._kept.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Note the place of a text."""
        self._add(len(data))

    def handle_entityref(self, name: str) -> None:
        """Note the place of a named character, as a part of a text."""
        self._add_character()

    def handle_charref(self, name: str) -> None:
        """Note the place of a numbered character, as a part of a text."""
        self._add_character()

    def _place(self) -> int:
        line, offset = self.getpos()
        return self._lines[line - 1] + offset

    def _add_character(self) -> None:
        found = CHARACTER.match(self._content, self._place())
        self._add(len(found[0]) if found else 1)

    def _add(self, length: int) -> None:
        if self._kept:
            return
        start = self._place()
        if self.pieces and self.pieces[-1][1] == start:
            self.pieces[-1] = (self.pieces[-1][0], start + length)
        else:
            self.pieces.append((start, start + length))
