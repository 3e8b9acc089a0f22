"""The lines of a run about its data files: format, columns and examples."""

from collections.abc import Iterable, Iterator

from whyformer.data.formats.roles import Roles

SHOWN = 4
"""Maximum number of files that are described."""


def files_facts(files: Iterable[Roles]) -> Iterator[str]:
    """Yield a line for each of the first files, which states what is read from the file."""
    found = list(files)
    for number, roles in enumerate(found[:SHOWN]):
        yield f"{'' if number else 'files':<11} {roles.described()}"
    if len(found) > SHOWN:
        yield f"{'':<11} and {len(found) - SHOWN} more"
