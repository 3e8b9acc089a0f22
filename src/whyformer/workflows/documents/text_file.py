"""A document that is a text file: its passages are replaced, and all other characters are kept."""

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from whyformer.data.encodings import byte_order_mark, known_encoding
from whyformer.foundation.errors import DataError
from whyformer.workflows.documents.document import Document


@dataclass(frozen=True)
class Span:
    """A passage of a text file.

    Args:
        start, end: its place in the content of the file.
        text: its text, without escapes.
        written: function that returns a text as it is written in the file, with escapes.
    """

    start: int
    end: int
    text: str
    written: Callable[[str], str] = str


class TextFile(Document):
    """A text file with passages. A passage whose text does not change keeps its characters.

    Args:
        content: the characters of the file.
        spans: the passages, in the order of the file.
        encoding: the encoding of the file.
        mark: the byte order mark at the start of the file; empty if there is none.
    """

    def __init__(
        self, content: str, spans: Sequence[Span], *, encoding: str = "utf-8", mark: bytes = b""
    ) -> None:
        self._content, self._spans = content, list(spans)
        self._encoding, self._mark = encoding, mark

    @property
    def texts(self) -> list[str]:
        """See `Document`."""
        return [span.text for span in self._spans]

    def with_texts(self, texts: Sequence[str]) -> bytes:
        """See `Document`."""
        parts: list[str] = []
        at = 0
        for span, text in zip(self._spans, texts, strict=True):
            same = text == span.text
            kept = self._content[span.start : span.end] if same else span.written(text)
            parts += [self._content[at : span.start], kept]
            at = span.end
        content = "".join([*parts, self._content[at:]])
        try:
            return self._mark + content.encode(self._encoding)
        except UnicodeEncodeError as error:
            raise DataError(
                f"The translation must fit into the encoding of the document, {self._encoding}, "
                f"but it contains {error.object[error.start]!r}. Save the document as UTF-8 first."
            ) from None


def read_text_file(
    path: Path, encoding: str | None, find_spans: Callable[[str], list[Span]]
) -> TextFile:
    """Read a text file, and find its passages.

    Raises: DataError if the file cannot be read, or has another encoding.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"`{path}` cannot be read ({error.strerror}).") from None
    marked = byte_order_mark(raw[:4])
    name = known_encoding(encoding) if encoding else marked or "utf-8"
    mark = b""
    for one in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if marked and raw.startswith(one):
            mark = one
            name = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le"}.get(
                one, "utf-16-be"
            )
            break
    try:
        content = raw[len(mark) :].decode(name)
    except UnicodeDecodeError as error:
        raise DataError(
            f"`{path}` must be {name}, but byte {error.start + len(mark) + 1:,} is not. Give its "
            "encoding with --encoding, such as cp949."
        ) from None
    return TextFile(content, find_spans(content), encoding=name, mark=mark)
