"""Standard input as training data. The run saves the text of standard input, because training reads
its data several times."""

import codecs
import contextlib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from whyformer.data.lines import STDIN, read_lines
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.files import atomic_path, sha256_of

KEPT = "stdin.tsv"
"""Name of the file in a run that contains the text from standard input."""


def forget_input(run: Path) -> None:
    """Remove the saved input if the run was never started, so that the input is read again."""
    if not (run / "run.json").exists():
        (run / KEPT).unlink(missing_ok=True)


def refuse_two_inputs(paths: Sequence[str]) -> None:
    """Raise ConfigError when more than one path is standard input."""
    if (times := list(paths).count(STDIN)) > 1:
        raise ConfigError(
            f"Standard input can be used only once, but `-` was given {times} times. "
            "Put the other data into a file."
        )


@contextlib.contextmanager
def as_files(paths: Sequence[str]) -> Iterator[list[str]]:
    """Return the paths in a `with` block; standard input becomes a temporary file.

    Raises: ConfigError when more than one path is standard input.
    """
    refuse_two_inputs(paths)
    if STDIN not in paths:
        yield list(paths)
        return
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "stdin"
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield [str(file) if path == STDIN else path for path in paths]


def kept_input(path: str, run: Path) -> str:
    """Return ``path``; for standard input, save its lines in the run and return the path of the
    saved file."""
    if path != STDIN:
        return path
    kept = run / KEPT
    if not kept.exists():
        with atomic_path(kept) as temporary, temporary.open("wb") as file:
            file.writelines(line.encode() + b"\n" for line in read_lines(STDIN))
    return str(kept)


def refuse_other_input(paths: Sequence[str], run: Path) -> None:
    """Check that standard input equals the text with which the run in ``run`` was started.

    If standard input is a terminal or empty, the run uses its saved text.

    Raises: ConfigError when the texts differ.
    """
    kept = run / KEPT
    if STDIN not in paths or not kept.exists() or not sys.stdin or sys.stdin.isatty():
        return
    digest, empty = hashlib.sha256(), True
    for raw in sys.stdin.buffer:
        line = raw.removeprefix(codecs.BOM_UTF8) if empty else raw
        digest.update(line.removesuffix(b"\n").removesuffix(b"\r") + b"\n")
        empty = False
    if empty:
        return
    if digest.hexdigest() != sha256_of(kept):
        raise ConfigError(
            f"Standard input is not the text that the run in `{run}` was started with. Give the "
            "same text or an empty input (`< /dev/null`) to resume the run, choose another --out, "
            "or start again with --overwrite."
        )
