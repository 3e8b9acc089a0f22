"""The outcome of a training run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.evaluation.verdict import Verdict
from whyformer.training.outlook import Outlook


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run: Path
    scores: dict[str, Any]
    """The step, the loss and the metric of the best validation."""
    updates: int
    interrupted: bool = False
    stopped_early: bool = False
    verdict: Verdict | None = None
    """The score on held-out data beside a baseline; None if the run has no verdict."""
    outlook: Outlook | None = None
    """Whether a longer run would help; None if the validations do not show whether it would."""
    conversion: Path | None = None
    """Directory of the conversion to CTranslate2; None if there is none for the best weights."""
    notes: tuple[str, ...] = ()
    """Notes on the choice of the weights: an early stop, or a metric that never changed."""

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return {
            "run": str(self.run),
            "scores": self.scores,
            "updates": self.updates,
            "interrupted": self.interrupted,
            "stopped_early": self.stopped_early,
            "notes": list(self.notes),
            "conversion": str(self.conversion) if self.conversion else None,
            "outlook": self.outlook.to_json() if self.outlook else None,
            "verdict": self.verdict.to_json() if self.verdict else None,
        }
