"""The formats of documents, by the suffixes of their files."""

from collections.abc import Callable
from pathlib import Path

from whyformer.foundation.errors import UsageError
from whyformer.workflows.documents.document import Document
from whyformer.workflows.documents.html import open_html
from whyformer.workflows.documents.markdown import open_markdown
from whyformer.workflows.documents.subtitles import open_subtitles
from whyformer.workflows.documents.word import open_word

Opener = Callable[[Path, str | None], Document]
"""A function that opens a file with an encoding. None means UTF-8 or the byte order mark."""


SUFFIXES: dict[str, Opener] = {
    ".md": open_markdown, ".markdown": open_markdown,
    ".html": open_html, ".htm": open_html, ".xhtml": open_html,
    ".srt": open_subtitles, ".vtt": open_subtitles,
    ".docx": open_word,
}  # fmt: skip
"""The function that opens each format, by the suffix of a file."""


def is_document(path: Path | None) -> bool:
    """Return whether the suffix of a file is that of a document with markup."""
    return path is not None and path.suffix.lower() in SUFFIXES


def open_document(path: Path, encoding: str | None = None) -> Document:
    """Open a document; its suffix decides which format it has.

    Args: encoding: encoding of the file. None means UTF-8 or the byte order mark.
    Raises: DataError if the file cannot be read; MissingExtraError without the library of a format.
    """
    opener = SUFFIXES.get(path.suffix.lower())
    if opener is None:
        raise UsageError(
            f"`{path}` must have one of the suffixes {', '.join(SUFFIXES)}. Rename it."
        )
    return opener(path, encoding)
