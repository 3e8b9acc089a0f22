"""Detect files that change during data preparation, which reads each file several times."""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

from whyformer.foundation.errors import DataError, WhyformerError

_seen: ContextVar[dict[str, tuple[int, int, int] | None] | None] = ContextVar("seen", default=None)


class ChangedInputError(DataError):
    """A file was changed, replaced or removed between two reads."""


@contextlib.contextmanager
def unchanged_inputs() -> Iterator[None]:
    """At the end of the `with` block, check that the files read in it have not changed.

    Size, modification time and inode are compared, so this is fast for large files.

    Raises: ChangedInputError when a file has changed.
    """
    seen: dict[str, tuple[int, int, int] | None] = {}
    token = _seen.set(seen)
    try:
        yield
    except WhyformerError:  # a change may have caused this error
        _refuse_changed(seen)
        raise
    else:
        _refuse_changed(seen)
    finally:
        _seen.reset(token)


def _refuse_changed(seen: dict[str, tuple[int, int, int] | None]) -> None:
    for path, before in seen.items():
        if _state(path) != before:
            raise ChangedInputError(
                f"`{path}` changed while it was read. Wait until nothing writes to it, and run "
                "the command again: the data is prepared again."
            ) from None


def note_input(path: str | os.PathLike[str]) -> None:
    """Record the state of a file when it is first read. Outside an `unchanged_inputs` block, do
    nothing."""
    if (seen := _seen.get()) is not None:
        seen.setdefault(os.fspath(path), _state(path))


def _state(path: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
