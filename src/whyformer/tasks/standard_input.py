"""Standard input as training data.

Training reads its data several times. Therefore the run saves the text of standard input. If the
settings are chosen from the text before the run exists, a temporary file has it (see `spooled`).
"""

import atexit
import codecs
import contextlib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from whyformer.data.lines import STDIN, read_lines
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.files import atomic_path, sha256_of

KEPT = "stdin.tsv"
"""Name of the file in a run that contains the text from standard input."""


class _Spool:
    """The temporary file with the text of standard input.

    Args: stream: the value of `sys.stdin` whose text the file has.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        directory = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        self.path = Path(directory) / "stdin.tsv"
        with self.path.open("wb") as copy:
            shutil.copyfileobj(stream.buffer, copy)


_spool: _Spool | None = None


def spooled() -> Path | None:
    """Return a temporary file with the whole text of standard input.

    After the first call, this process reads the file instead of standard input. The result is None
    if standard input is a terminal or empty.
    """
    global _spool
    if not sys.stdin or sys.stdin.isatty():
        return None
    if _spool is None or _spool.stream is not sys.stdin:
        _spool = _Spool(sys.stdin)
    return _spool.path if _spool.path.stat().st_size else None


def _source() -> str | Path:
    """Return what to read for standard input."""
    return _spool.path if _spool is not None and _spool.stream is sys.stdin else STDIN


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


def as_files(paths: Sequence[str]) -> list[str]:
    """Return the paths. Standard input becomes a temporary file; see `spooled`.

    Raises: ConfigError when more than one path is standard input.
    """
    refuse_two_inputs(paths)
    return [str(spooled() or STDIN) if path == STDIN else path for path in paths]


def kept_input(path: str, run: Path) -> str:
    """Return ``path``; for standard input, save its lines in the run and return the path of the
    saved file."""
    if path != STDIN:
        return path
    kept = run / KEPT
    if not kept.exists():
        with atomic_path(kept) as temporary, temporary.open("wb") as file:
            file.writelines(line.encode() + b"\n" for line in read_lines(_source()))
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
    with contextlib.ExitStack() as closing:
        source = _source()
        lines: Iterable[bytes] = sys.stdin.buffer
        if source != STDIN:
            lines = closing.enter_context(Path(source).open("rb"))
        for raw in lines:
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
