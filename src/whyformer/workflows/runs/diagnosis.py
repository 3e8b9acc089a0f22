"""Read the diagnosis of a run that stopped because a loss or gradient was not finite."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import DataError
from whyformer.foundation.integrity import FILES, SEAL, note_without_checksums, read_sealed
from whyformer.foundation.parsing import reason_of
from whyformer.foundation.wording import counted

FORMAT = 1
"""Version of the format of a diagnosis. Version 1 added the seal and the hash of the batch. Files
without a version can still be read."""
SHOWN = 5
"""Maximum number of texts of the failed batch to show."""


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of a run: the failed update, the first value that is not finite, the batch, and
    advice."""

    run: Path
    record: dict[str, Any]

    def render(self) -> str:
        """Return the diagnosis as lines of text."""
        record, batch = self.record, self.record["batch"]
        lines = [
            record["message"],
            "",
            f"update      {record['step']} was not applied; the weights before it are saved",
            f"first       {record['kind']} of `{record['first']}`",
            f"loss        {record['loss']}",
            f"norm        {record['norm']} (of the gradient)",
            "try         " + "\n            ".join(record["advice"]),
            f"batch       {counted(len(batch), 'text')}"
            + (f", of which the first {SHOWN}:" if len(batch) > SHOWN else ":"),
        ]
        shown = [" -> ".join(repr(text) for text in texts.values()) for texts in batch[:SHOWN]]
        lines += [f"            {line}" for line in shown]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON."""
        return {"run": str(self.run), **self.record}


def diagnose(run: Path) -> Diagnosis:
    """Read the diagnosis that a run wrote because its loss or gradient was not finite.

    Raises: DataError if the run does not exist, or its diagnosis is missing or damaged.
    """
    path = run / "diagnosis" / "diagnosis.json"
    if not run.is_dir():
        raise DataError(
            f"The run `{run}` does not exist. Give the directory that `whyformer train` wrote."
        )
    try:
        record = read_sealed(path, since=1, newest=FORMAT)
        if SEAL not in record:
            note_without_checksums(path, "A new run will have checksums.")
        record = {k: v for k, v in record.items() if k not in (FILES, SEAL, "format")}
        found = Diagnosis(run, record)
        found.render()
    except FileNotFoundError:
        raise DataError(
            f"`{run}` has no diagnosis, because every loss and gradient of this run was finite. "
            "Nothing needs to be done."
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise DataError(
            f"`{path}` is damaged ({reason_of(error)}). Train again to get a new diagnosis."
        ) from None
    return found
