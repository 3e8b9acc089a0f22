"""The lines of a run about its data files: format, columns and examples."""

from collections.abc import Iterable, Iterator

from whyformer.data.formats.recognition import Format
from whyformer.data.formats.roles import Roles
from whyformer.data.tagged import WordColumns

SHOWN = 4
"""Maximum number of files that are described."""


def described(file: Roles | str) -> str:
    """Return a text about the content that is read from a file.

    Args: file: the columns of the file, or a ready description.
    """
    return file if isinstance(file, str) else file.described()


def words_described(path: str, columns: WordColumns) -> str:
    """Return a text about the columns that are read from a file with one word per line."""
    label = "the last column" if columns.label < 0 else f"column {columns.label + 1}"
    form = "CoNLL-U" if columns.format is Format.CONLLU else "one word per line"
    return f"{path}: {form}; word = column {columns.word + 1}, label = {label}"


def files_facts(files: Iterable[Roles | str]) -> Iterator[str]:
    """For each of the first files, yield a line that states which of its columns are read."""
    found = list(files)
    for number, file in enumerate(found[:SHOWN]):
        yield f"{'' if number else 'files':<11} {described(file)}"
    if len(found) > SHOWN:
        yield f"{'':<11} and {len(found) - SHOWN} more"
