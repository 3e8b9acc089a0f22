"""Markdown: the text of paragraphs, headings, list items and table cells.

Code, link targets, images, HTML, rules and the marks of emphasis, lists and quotations are kept. A
text between two marks is one passage, such as the text of a link. markdown-it-py finds the blocks
and the marks; this file finds their places.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import MissingExtraError
from whyformer.workflows.documents.text_file import Span, TextFile, read_text_file

SPECIAL = re.compile(r"[\\`*\[\]<]|&(?=#?\w+;)")
"""Characters that would be markup."""
SPECIAL_START = re.compile(r"^(?:[-+](?=\s)|[#>]|\d+(?=[.)]\s))")
"""A start of a line that would be a list item, a heading or a quotation."""
LINE_START = re.compile(r" *\r?\n[ \t>]*")
"""A line break with the marks of the quotations and list items that the next line is in."""
TASK = re.compile(r"\[[ xX]\]\s+")
"""The box of a task in a list."""
SOFT_BREAK = re.compile(r" *\n *")
HARD_BREAK = re.compile(r"(?: {2,}|\\)\n *")
FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
"""Settings between two lines of dashes at the start of a file."""


class _UnknownPlaceError(Exception):
    """Markup is not at the place at which it should be."""


def open_markdown(path: Path, encoding: str | None = None) -> TextFile:
    """Open a Markdown file; see `open_document`."""
    return read_text_file(path, encoding, markdown_spans)


def markdown_spans(content: str) -> list[Span]:
    """Return the passages of Markdown. Blocks whose markup cannot be located are kept unchanged."""
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise MissingExtraError("markdown-it-py", "documents") from None
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")
    front = FRONT_MATTER.match(content.replace("\r\n", "\n"))
    skipped = front[0].count("\n") if front else 0
    lines = content.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    body = "".join(lines[skipped:])
    spans: list[Span] = []
    at = starts[skipped]
    in_cell = False
    for token in parser.parse(body):
        if token.type in ("th_open", "td_open"):
            in_cell = True
        elif token.type in ("th_close", "td_close"):
            in_cell = False
        if token.type != "inline" or not token.content:
            continue
        first = starts[skipped + token.map[0]] if token.map else at
        places = _places(content, token.content, max(first, at))
        if places is None:
            continue
        at = places[-1]
        try:
            found = list(_passages(token.content, token.children or []))
        except _UnknownPlaceError:
            continue
        for start, end, text in found:
            if start == 0 and (box := TASK.match(text)):
                start, text = box.end(), text[box.end() :]
            first, last = places[start], places[end - 1] + 1
            gaps = [found[0] for found in LINE_START.finditer(content, first, last)]
            spans.append(Span(first, last, text, _writer(start == 0, in_cell, gaps)))
    return spans


def _places(content: str, text: str, at: int) -> list[int] | None:
    """Return the place of each character of the text of a block, and the place after it.

    The lines of the text follow each other in the file, but each may begin with marks of a list or
    a quotation.
    """
    places: list[int] = []
    for number, line in enumerate(text.split("\n")):
        found = content.find(line, at)
        if found < 0:
            return None
        if number:
            places.append(content.rfind("\n", at - 1, found + 1) if line else at)
        places += range(found, found + len(line))
        at = found + len(line)
    return [*places, at]


def _passages(text: str, children: Sequence[Any]) -> Iterator[tuple[int, int, str]]:
    """Yield the start, the end and the text of each passage of a block."""
    at = start = 0
    passage = ""
    depth = 0
    for child in children:
        before = at
        if depth:  # inside an autolink, which has been skipped
            depth -= child.type == "link_close"
            continue
        if child.type in ("text", "text_special"):
            raw = child.markup if child.type == "text_special" else child.content
            at = _after(text, raw, at)
        elif child.type == "softbreak":
            at = _after_pattern(text, SOFT_BREAK, at)
        else:
            if passage.strip():
                yield start, before, passage
            passage = ""
            at = _after_markup(text, child, at)
            depth = int(child.type == "link_open" and child.markup == "autolink")
            continue
        if not passage:
            start = before
        passage += "\n" if child.type == "softbreak" else child.content
    if passage.strip():
        yield start, at, passage
    if text[at:].strip():
        raise _UnknownPlaceError


def _after_markup(text: str, child: Any, at: int) -> int:
    """Return the place after a mark."""
    if child.type == "hardbreak":
        return _after_pattern(text, HARD_BREAK, at)
    if child.type == "code_inline":
        fence = re.compile(rf"(?<!`){re.escape(child.markup)}(?!`)")
        opening = _after(text, child.markup, at)
        closing = fence.search(text, opening)
        if closing is None:
            raise _UnknownPlaceError
        return closing.end()
    if child.type == "html_inline":
        return _after(text, child.content, at)
    if child.type == "link_open" and child.markup == "autolink":
        return text.index(">", _after(text, "<", at)) + 1
    if child.type == "link_open":
        return _after(text, "[", at)
    if child.type == "link_close":
        return _after_target(text, _after(text, "]", at))
    if child.type == "image":
        return _after_target(text, _closing_bracket(text, _after(text, "![", at)) + 1)
    return _after(text, child.markup, at)


def _after(text: str, mark: str, at: int) -> int:
    if not text.startswith(mark, at):
        raise _UnknownPlaceError
    return at + len(mark)


def _after_pattern(text: str, pattern: re.Pattern[str], at: int) -> int:
    found = pattern.match(text, at)
    if found is None:
        raise _UnknownPlaceError
    return found.end()


def _closing_bracket(text: str, at: int) -> int:
    """Return the place of the bracket that closes a bracket before ``at``."""
    depth = 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] in "[]":
            depth += 1 if text[at] == "[" else -1
            if not depth:
                return at
        at += 1
    raise _UnknownPlaceError


def _after_target(text: str, at: int) -> int:
    """Return the place after the target of a link, which follows the bracket before ``at``."""
    from markdown_it.helpers import parseLinkDestination, parseLinkTitle

    if text.startswith("(", at):
        place = at + 1 + len(text[at + 1 :]) - len(text[at + 1 :].lstrip())
        target = parseLinkDestination(text, place, len(text))
        if target.ok:
            place = target.pos
        place += len(text[place:]) - len(text[place:].lstrip())
        title = parseLinkTitle(text, place, len(text))
        if title.ok:
            place = title.pos
        place += len(text[place:]) - len(text[place:].lstrip())
        if text.startswith(")", place):
            return place + 1
    elif text.startswith("[", at):
        return _closing_bracket(text, at + 1) + 1
    return at


def _writer(starts_block: bool, in_cell: bool, gaps: Sequence[str]) -> Callable[[str], str]:
    """Return a function that escapes the characters of a text that would be markup.

    Args: gaps: what is written between two lines of the text, such as a line break and ``> ``.
    """

    def written(text: str) -> str:
        text = SPECIAL.sub(r"\\\g<0>", text)
        if in_cell:
            text = text.replace("|", "\\|")
        if starts_block:
            text = SPECIAL_START.sub(_escaped_start, text)
        first, *others = text.split("\n")
        rest = "".join(
            gap + SPECIAL_START.sub(_escaped_start, line)
            for gap, line in zip(gaps, others, strict=False)
        )
        return first + rest

    return written


def _escaped_start(found: re.Match[str]) -> str:
    mark = found[0]
    return f"{mark}\\" if mark.isdigit() else f"\\{mark}"
