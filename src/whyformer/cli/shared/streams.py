"""Write results as UTF-8 to standard output, or atomically to a file."""

import contextlib
import errno
import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from whyformer.foundation.errors import OutputError, UsageError, WhyformerError
from whyformer.foundation.files import atomic_path, explain_write_errors, refuse_to_overwrite


def refuse_existing(overwrite: bool, *, read: Path | None = None, **outputs: Path | None) -> None:
    """Raise an error if an output file already exists and --overwrite is not given.

    Devices and pipes are allowed.

    Args:
        read: the input file, which must never be replaced.
        outputs: for each flag of an output file, the given path, or None without the flag.
    Raises: OutputError if a file exists at one of the paths; UsageError if --overwrite is given
        without an output file.
    """
    paths = [path for path in outputs.values() if path is not None]
    if overwrite and not paths:
        flags = " or ".join(f"--{name}" for name in outputs)
        raise UsageError(f"`--overwrite` has no effect without {flags}. Leave it out.")
    for path in paths:
        if path.is_dir():
            raise OutputError(f"`{path}` is a directory. Give the path of a file.")
        if path.is_file():
            if read is not None and read.exists() and path.samefile(read):
                raise OutputError(
                    f"The input and the output must be different files, but both are `{path}`. "
                    "Choose another output."
                )
            refuse_to_overwrite(path, overwrite)


@contextlib.contextmanager
def written(path: Path | None) -> Iterator[TextIO]:
    """Yield a stream to which results are written: the file ``path``, or standard output for
    None."""
    if path is None:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            abandon_output()
            raise OutputError(
                "Standard output cannot be written, because no space is left on the device. "
                "Free some space or write to another device."
            ) from None
    elif path.exists() and not path.is_file():  # a device or pipe is never replaced
        with explain_write_errors(path), path.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
    else:
        with (
            atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="\n") as stream,
        ):
            yield stream


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    print(json_text(value, indent=2))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON text, on one line or indented.

    Raises: WhyformerError for NaN and infinity, which JSON cannot represent.
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise WhyformerError(
            "JSON can only contain finite numbers, but one result is NaN or infinite. "
            "Check the weights with `whyformer doctor RUN`."
        ) from None


def warn(text: str) -> None:
    """Print a warning on standard error."""
    print(f"whyformer: {text}", file=sys.stderr)


def shortened(text: str, most: int = 30) -> str:
    """Return a text in quotation marks, truncated to ``most`` characters."""
    return f"“{text if len(text) <= most else text[: most - 1] + '…'}”"


def set_encodings() -> None:
    """Set the encoding of the standard streams. Files and pipes use UTF-8; on a terminal,
    characters that it cannot display are replaced.

    Results can be in any language, so the locale of a pipe (CP949 on Korean Windows) is ignored.
    Lines end with a single newline character on all systems, so that files are identical.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if stream.isatty():
            stream.reconfigure(errors="replace")
        else:
            stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")


def is_live(stream: Any) -> bool:
    """Return whether an input stream may be interactive, that is, whether it is not a regular
    file."""
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return False


def abandon_output() -> None:
    """Discard all further output, so that flushing the output at exit does not raise an error
    again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
