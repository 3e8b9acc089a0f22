"""Word (docx): the text of each paragraph. Styles, links, tables, images and headers are kept.

Neighbouring runs with the same format are one passage, because Word divides a sentence into runs
for reasons of its own, such as the spelling check.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import DataError, MissingExtraError
from whyformer.workflows.documents.document import Document

NAMESPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def open_word(path: Path, encoding: str | None = None) -> "WordDocument":
    """Open a Word document; see `open_document`. The encoding has no effect."""
    try:
        import docx
        from docx.opc.exceptions import OpcError
    except ImportError:
        raise MissingExtraError("python-docx", "documents") from None
    try:
        return WordDocument(docx.Document(str(path)))
    except (OSError, LookupError, ValueError, SyntaxError, OpcError, zipfile.BadZipFile) as error:
        raise DataError(f"`{path}` is not a Word document that can be read ({error}).") from None


class WordDocument(Document):
    """A Word document. Args: document: the document of python-docx."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._passages = [passage for element in _roots(document) for passage in _passages(element)]

    @property
    def texts(self) -> list[str]:
        """See `Document`."""
        return ["".join(one.text or "" for one in passage) for passage in self._passages]

    def with_texts(self, texts: Sequence[str]) -> bytes:
        """See `Document`. The first run of a passage gets its new text."""
        for passage, before, text in zip(self._passages, self.texts, texts, strict=True):
            if text != before:
                for number, element in enumerate(passage):
                    element.text = "" if number else text
                    element.set(SPACE, "preserve")
        stream = io.BytesIO()
        self._document.save(stream)
        return stream.getvalue()


def _roots(document: Any) -> Iterator[Any]:
    """Yield the elements that contain paragraphs: the body, and the parts beside it."""
    yield document.element.body
    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("header", "footer", "footnotes", "endnotes") and not relation.is_external:
            element = getattr(relation.target_part, "element", None)
            if element is not None:
                yield element


def _passages(root: Any) -> Iterator[list[Any]]:
    """Yield the text elements of each passage."""
    for paragraph in root.iter(f"{NAMESPACE}p"):
        passage: list[Any] = []
        format_before: object = None
        for run in paragraph.iter(f"{NAMESPACE}r"):
            if next(run.iterancestors(f"{NAMESPACE}p")) is not paragraph:  # in a text box
                continue
            format_now = _format(run)
            for element in run:
                if element.tag == f"{NAMESPACE}t":
                    if passage and format_now != format_before:
                        yield passage
                        passage = []
                    passage.append(element)
                    format_before = format_now
                elif element.tag != f"{NAMESPACE}rPr" and passage:  # such as a tab or a break
                    yield passage
                    passage = []
        if passage:
            yield passage


def _format(run: Any) -> tuple[Any, str]:
    """Return what two runs of one passage have in common: their parent and their properties."""
    properties = run.find(f"{NAMESPACE}rPr")
    return run.getparent(), "" if properties is None else properties.xml
