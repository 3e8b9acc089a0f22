"""The interface of a document, and the formats by the suffixes of their files."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from whyformer.foundation.errors import UsageError


class Document(ABC):
    """A file whose texts are translated and whose markup is kept."""

    @property
    @abstractmethod
    def texts(self) -> list[str]:
        """The pieces of text without markup, in the order of the file."""

    @abstractmethod
    def with_texts(self, texts: Sequence[str]) -> bytes:
        """Return the content of the file with other texts: one for each item of `texts`."""


Opener = Callable[[Path, str | None], Document]
"""A function that opens a file with an encoding. None means UTF-8 or the byte order mark."""


def suffixes() -> dict[str, Opener]:
    """Return the function that opens each format, by the suffix of a file."""
    from whyformer.workflows.documents.html import open_html
    from whyformer.workflows.documents.markdown import open_markdown
    from whyformer.workflows.documents.subtitles import open_subtitles
    from whyformer.workflows.documents.word import open_word

    return {
        ".md": open_markdown, ".markdown": open_markdown,
        ".html": open_html, ".htm": open_html, ".xhtml": open_html,
        ".srt": open_subtitles, ".vtt": open_subtitles,
        ".docx": open_word,
    }  # fmt: skip


def is_document(path: Path | None) -> bool:
    """Return whether the suffix of a file is that of a document with markup."""
    return path is not None and path.suffix.lower() in suffixes()


def open_document(path: Path, encoding: str | None = None) -> Document:
    """Open a document; its suffix decides which format it has.

    Args: encoding: encoding of the file. None means UTF-8 or the byte order mark.
    Raises: DataError if the file cannot be read; MissingExtraError without the library of a format.
    """
    opener = suffixes().get(path.suffix.lower())
    if opener is None:
        raise UsageError(
            f"`{path}` must have one of the suffixes {', '.join(suffixes())}. Rename it."
        )
    return opener(path, encoding)
