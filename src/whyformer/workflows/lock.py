"""One run in one directory at a time."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from whyformer.foundation.errors import OutputError
from whyformer.foundation.files import explain_write_errors


@contextlib.contextmanager
def only_run_in(directory: Path) -> Iterator[None]:
    """Hold a directory for this process; the hold ends with the process, however it ends.

    Raises: OutputError when another run holds it.
    """
    with explain_write_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / ".lock").open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputError(
                f"Another run is writing to `{directory}`. Wait for it, or choose another --out."
            ) from None
        yield
