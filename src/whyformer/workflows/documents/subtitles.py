"""Subtitles (SubRip and WebVTT): the text of each cue. Numbers, times, settings, notes and tags are
kept."""

import html
import re
from pathlib import Path

from whyformer.workflows.documents.html import escaped
from whyformer.workflows.documents.text_file import Span, TextFile, read_text_file

CUE = re.compile(r"^[^\n]*-->[^\n]*\n(?P<text>(?:[^\n]*\S[^\n]*(?:\n|\Z))+)", re.MULTILINE)
"""The line with the times of a cue, and its text: all lines before the next empty line."""
MARKUP = re.compile(r"<[^<>\n]*>|\{\\[^{}\n]*\}|\n(?=\s*[-–—])")
"""Tags, and the line break before the line of another speaker."""


def open_subtitles(path: Path, encoding: str | None = None) -> TextFile:
    """Open a file of subtitles; see `open_document`."""
    vtt = path.suffix.lower() == ".vtt"
    return read_text_file(path, encoding, lambda content: cue_spans(content, escapes=vtt))


def cue_spans(content: str, *, escapes: bool) -> list[Span]:
    """Return the passages of subtitles.

    Args: escapes: whether characters are written as in HTML, such as ``&amp;`` (WebVTT).
    """
    spans: list[Span] = []
    for cue in CUE.finditer(content):
        start, end = cue.span("text")
        at = start
        for markup in [*MARKUP.finditer(content, start, end), None]:
            stop = end if markup is None else markup.start()
            raw = content[at:stop]
            if raw.strip():
                text = html.unescape(raw) if escapes else raw
                spans.append(Span(at, stop, text, escaped if escapes else str))
            at = stop if markup is None else markup.end()
    return spans
