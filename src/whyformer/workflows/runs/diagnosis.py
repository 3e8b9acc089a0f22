"""Tell why a run stopped: what its diagnosis holds, in words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import DataError
from whyformer.foundation.integrity import FILES, SEAL, read_sealed
from whyformer.foundation.parsing import reason_of
from whyformer.foundation.wording import counted

FORMAT = 1
"""1 added the seal and the hash of the batch; files without a format are still read."""
SHOWN = 5
"""Texts of the failed batch that are shown."""


@dataclass(frozen=True)
class Diagnosis:
    """A run's last words: the update, the first bad number, the batch, and what to try."""

    run: Path
    story: dict[str, Any]

    def render(self) -> str:
        """Return it as lines of text."""
        story, batch = self.story, self.story["batch"]
        lines = [
            story["message"],
            "",
            f"update      {story['step']} was not made; the weights before it are kept",
            f"first       {story['kind']} of `{story['first']}`",
            f"loss        {story['loss']}",
            f"norm        {story['norm']} (of the gradient)",
            "try         " + "\n            ".join(story["advice"]),
            f"batch       {counted(len(batch), 'text')}"
            + (f", of which the first {SHOWN}:" if len(batch) > SHOWN else ":"),
        ]
        shown = [" -> ".join(repr(text) for text in texts.values()) for texts in batch[:SHOWN]]
        lines += [f"            {line}" for line in shown]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {"run": str(self.run), **self.story}


def diagnose(run: Path) -> Diagnosis:
    """Read what a run wrote when its loss or gradient was not finite.

    Raises: DataError when there is no run, no diagnosis, or a damaged one.
    """
    path = run / "diagnosis" / "diagnosis.json"
    if not run.is_dir():
        raise DataError(f"The run `{run}` does not exist. Give what `whyformer train --out` wrote.")
    try:
        story = read_sealed(path, since=1)
        story = {k: v for k, v in story.items() if k not in (FILES, SEAL, "format")}
        found = Diagnosis(run, story)
        found.render()
    except FileNotFoundError:
        raise DataError(
            f"`{run}` holds no diagnosis: every loss and gradient of this run was finite. "
            "Nothing needs to be done."
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise DataError(
            f"`{path}` is damaged ({reason_of(error)}). Train again to get a new one."
        ) from None
    return found
