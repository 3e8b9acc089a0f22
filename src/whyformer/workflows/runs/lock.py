"""Lock the directory of a run, so that only one process trains in it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from whyformer.foundation.errors import OutputError
from whyformer.foundation.files import explain_write_errors
from whyformer.foundation.locking import lock


def is_locked(directory: Path) -> bool:
    """Return whether another process trains in a directory."""
    try:
        with (directory / ".lock").open("rb") as file:
            return not lock(file)
    except OSError:
        return False  # no training has run here, or the file cannot be read


@contextlib.contextmanager
def only_run_in(directory: Path) -> Iterator[None]:
    """Lock a directory for this process. The lock is released even if the process is killed.

    Raises: OutputError if another process has locked the directory.
    """
    with explain_write_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        # Open in append mode: on Windows, truncating a file that another process locks fails.
        file = (directory / ".lock").open("ab", buffering=0)
    with file:
        if not lock(file):
            raise OutputError(
                f"Another run is writing to `{directory}`. Wait until it ends, or choose another "
                "--out."
            )
        yield
