"""The page `training.html` of a run, which grows while the run trains."""

import time
from html import escape
from pathlib import Path

from whyformer.foundation.files import write_text
from whyformer.foundation.wording import counted
from whyformer.workflows.learning_curve import LearningCurve
from whyformer.workflows.report.layout import chart, document, grid

TRAINING_PAGE = "training.html"
EVERY_SECONDS = 5
"""Time between two versions of the page. An open page loads itself again after this time."""


class TrainingPage:
    """Writes the learning curve of a run to a page every few seconds.

    The page opens from disk and needs no server: while the run trains, the browser loads it again.

    Args: run: directory of the run. curve: the curve, to which the caller adds each update.
    """

    def __init__(self, run: Path, curve: LearningCurve) -> None:
        self._run, self._curve = run, curve
        self._written_at = -float(EVERY_SECONDS)
        self._step, self._planned = 0, None

    def update(self, step: int, planned: int | None) -> None:
        """Write the page if it is old enough.

        Args: step: number of updates so far. planned: number of updates of the run, if it is known.
        """
        self._step, self._planned = step, planned
        now = time.monotonic()
        if now - self._written_at >= EVERY_SECONDS:
            self._written_at = now
            self._write(ended=False)

    def close(self) -> None:
        """Write the page for the last time; it does not load itself again."""
        if self._step:
            self._write(ended=True)

    def _write(self, *, ended: bool) -> None:
        curve = self._curve
        losses = {
            "training loss": curve.training.points,
            "validation loss": curve.validation.points,
        }
        charts = [chart("update", "nats per token", losses)]
        if curve.metric != "loss" and curve.metrics.points:
            name = f"validation {curve.metric}"
            charts.append(chart("update", name, {curve.metric: curve.metrics.points}))
        updates = counted(self._step, "update")
        of = f" of {self._planned:,}" if self._planned else ""
        lead = f"The training ended after {updates}{of}." if ended else f"{updates}{of} so far."
        body = f"<p class=lead>{escape(lead)}</p>{grid(charts)}"
        page = document(
            f"Training of {self._run.resolve().name}",
            body,
            refresh_seconds=None if ended else EVERY_SECONDS,
        )
        write_text(self._run / TRAINING_PAGE, page)
