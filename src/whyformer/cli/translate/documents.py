"""Translate a document or a column of a table with ``whyformer translate``."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from whyformer.cli.shared.streams import warn
from whyformer.decoding.text_translator import Translation
from whyformer.foundation.errors import UsageError
from whyformer.foundation.files import atomic_path
from whyformer.foundation.wording import counted
from whyformer.workflows.documents.columns import open_column
from whyformer.workflows.documents.document import Document
from whyformer.workflows.documents.formats import is_document, open_document
from whyformer.workflows.documents.passages import Passages


class DocumentJob:
    """A document to translate, and the file to write.

    Args: document: the document. output: the file to write.
    """

    def __init__(self, document: Document, output: Path) -> None:
        self._document, self._output = document, output
        self._passages = Passages(document.texts)

    @property
    def sentences(self) -> list[str]:
        """The sentences to translate."""
        return self._passages.sentences

    def write(self, found: Iterator[Translation]) -> None:
        """Write the document with the translations of its sentences, and warn about cut texts."""
        answers = list(found)
        texts = [" ".join(answer.text.split()) for answer in answers]
        content = self._document.with_texts(self._passages.translated(texts))
        with atomic_path(self._output) as temporary:
            temporary.write_bytes(content)
        if cut := sum(answer.source_truncated for answer in answers):
            warn(f"the model cannot read the end of {counted(cut, 'sentence')}.")
        unfinished = sum(
            bool(answer.hypotheses) and not answer.hypotheses[0][1].finished for answer in answers
        )
        if unfinished:
            warn(f"the length limit cut {counted(unfinished, 'translation')}. Raise --max-length.")


def document_job(
    input: Path | None,
    output: Path | None,
    column: str | None,
    into: str | None,
    encoding: str | None,
    *,
    of_lines: Mapping[str, bool],
) -> DocumentJob | None:
    """Open the input if it is a document, or a table of which a column is translated.

    Args: of_lines: for each flag that only lines support, whether it was given.
    Returns: None if the input consists of lines.
    Raises: UsageError for flags that do not fit together.
    """
    if (column is None) != (into is None):
        raise UsageError("`--column` and `--into` belong together. Give both, or neither.")
    if column is not None and input is None:
        raise UsageError("`--column` needs a table. Give it with --input FILE.")
    if input is None or (column is None and not is_document(input)):
        return None
    kind = "a document" if column is None else "a column"
    for name, given in of_lines.items():
        if given:
            raise UsageError(
                f"`--{name}` applies to lines, but `{input}` is translated as {kind}. Leave it out."
            )
    if output is None:
        raise UsageError(f"The translation of {kind} needs a file. Give it with --output FILE.")
    if output.suffix.lower() != input.suffix.lower():
        raise UsageError(
            f"The translation has the format of the input, so its name must end with "
            f"`{input.suffix}`, but it is `{output.name}`."
        )
    if column is not None and into is not None:
        return DocumentJob(open_column(input, column, into, encoding), output)
    return DocumentJob(open_document(input, encoding), output)
