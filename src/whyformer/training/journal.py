"""The journal of a run: one JSON object per line.

If a run is stopped and resumed, the journal is identical to that of an uninterrupted run. Values
that differ between runs (seconds) are in a second file. The last value of each line is the CRC-32
of the line, which is verified whenever the file is read.
"""

import json
import os
import re
import zlib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

from whyformer.foundation.errors import DataError, MissingExtraError
from whyformer.foundation.files import explain_write_errors, write_text
from whyformer.foundation.parsing import parse_json, reason_of
from whyformer.training.reports import StepReport

JOURNAL, TIMINGS = "journal.jsonl", "timings.jsonl"
CHECKSUM = "crc32"
_MARK = f', "{CHECKSUM}": "'.encode()
_SEALED = re.compile(_MARK + rb'[0-9a-f]{8}"}$')


class Journal:
    """Appends lines to the journal of a run. When a run resumes, the lines of updates after the
    checkpoint are removed."""

    def __init__(self, directory: Path, *, after: int) -> None:
        """Open the journal.

        Args: after: number of updates of the checkpoint; lines of later updates are removed.
        """
        for name in (JOURNAL, TIMINGS):
            path = directory / name
            kept = [found for found in _whole_lines(path) if found["step"] <= after]
            # Writing the file again adds missing checksums.
            write_text(path, "".join(map(_sealed, kept)))
            if name == JOURNAL:
                self.missing = missing_updates(kept, after)
                """The updates before the checkpoint that have no line in the journal, as text."""
        with explain_write_errors(directory):
            self._journal: TextIO = (directory / JOURNAL).open("a", encoding="utf-8", newline="\n")
            self._timings: TextIO = (directory / TIMINGS).open("a", encoding="utf-8", newline="\n")
        self._path = directory / JOURNAL

    def update(self, report: StepReport) -> None:
        """Write the report of one update."""
        self._write(report.journal_line())
        timing = {"step": report.step, "seconds": report.seconds, "tokens": report.tokens}
        self._timings.write(_sealed(timing))

    def validation(self, step: int, scores: dict[str, Any]) -> None:
        """Write the scores of one validation."""
        self._write({"step": step, "validation": scores})

    def flush(self) -> None:
        """Write all lines to disk. Call this before a checkpoint is written, so that a checkpoint
        never contains updates that are missing in the journal."""
        with explain_write_errors(self._path):
            for file in (self._journal, self._timings):
                file.flush()
                os.fsync(file.fileno())

    def close(self) -> None:
        """Write all lines to disk and close the files of the journal."""
        self.flush()
        self._journal.close()
        self._timings.close()

    def _write(self, line: dict[str, Any]) -> None:
        with explain_write_errors(self._path):
            self._journal.write(_sealed(line))


def read_journal(directory: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's journal."""
    return _whole_lines(directory / JOURNAL)


def missing_updates(lines: Iterable[dict[str, Any]], last: int) -> str:
    """Return the updates from 1 to ``last`` that have no line, as text; "" if none are missing.

    >>> missing_updates([{"step": 1}, {"step": 5}, {"step": 7}], 7)
    '2 to 4, 6'
    """
    found = sorted({0, last + 1} | {line["step"] for line in lines if "validation" not in line})
    gaps = [(a + 1, b - 1) for a, b in pairwise(found) if b - a > 1]
    return ", ".join(f"{a} to {b}" if a < b else str(a) for a, b in gaps)


def read_timings(directory: Path) -> list[dict[str, Any]]:
    """Return the step, seconds and tokens of every update."""
    return _whole_lines(directory / TIMINGS)


def _sealed(line: dict[str, Any]) -> str:
    """Return a line of the file: the object as JSON, with the CRC-32 of its text as last value.

    >>> _sealed({"step": 1})
    '{"step": 1, "crc32": "3daa833a"}\\n'
    """
    text = json.dumps(line)[:-1]
    return f'{text}, "{CHECKSUM}": "{zlib.crc32(text.encode()):08x}"}}\n'


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file. An incomplete last line, left by a crash, is ignored.

    Either all lines of a file have a checksum, or none has (journals of older versions).

    Raises: DataError when a line is damaged.
    """
    if not path.exists():
        return []
    if not path.is_file():
        raise DataError(f"`{path}` must be a regular file. Copy the run again, or delete it.")
    content = path.read_bytes()
    whole: list[dict[str, Any]] = []
    lines = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
    sealed = any(map(_SEALED.search, lines))
    for number, raw in enumerate(lines, start=1):
        try:
            text, _, checksum = raw.rpartition(_MARK)
            if sealed and (not _SEALED.search(raw) or int(checksum[:8], 16) != zlib.crc32(text)):
                raise ValueError("its CRC-32 differs from the recorded one")
            found = parse_json(raw.decode("utf-8"))
            if not isinstance(found, dict) or type(found.get("step")) is not int:
                raise ValueError("a line must be an object with the number `step`")
        except ValueError as error:
            raise DataError(
                f"{path}:{number}: the line is damaged ({reason_of(error)}). Copy the run "
                "again, or delete "
                "this line."
            ) from None
        found.pop(CHECKSUM, None)
        whole.append(found)
    return whole


class TensorBoard:
    """Writes the numbers of the journal as TensorBoard event files, in ``RUN/tensorboard``.

    Args: after: number of updates at which the run resumes; TensorBoard hides events of later
        updates, which were written before a crash.
    Raises: MissingExtraError when TensorBoard is not installed.
    """

    def __init__(self, directory: Path, *, after: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("tensorboard", "track") from None
        self._writer = SummaryWriter(
            str(directory / "tensorboard"), purge_step=after + 1 if after else None
        )

    def update(self, report: StepReport) -> None:
        """Write the report of one update."""
        for name in ("loss", "nll", "learning_rate", "gradient_norm"):
            self._writer.add_scalar(f"training/{name}", getattr(report, name), report.step)
        for layer, norm in report.layer_gradient_norms.items():
            self._writer.add_scalar(f"gradient_norm/{layer}", norm, report.step)

    def validation(self, step: int, scores: dict[str, Any]) -> None:
        """Write the scores of one validation."""
        for name, value in scores.items():
            self._writer.add_scalar(f"validation/{name}", value, step)

    def close(self) -> None:
        """Write all events to disk and close the files of TensorBoard."""
        self._writer.close()
