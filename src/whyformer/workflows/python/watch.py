"""Show the progress of a run: a live chart in a notebook, a progress bar elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Protocol, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from whyformer.charts.line_chart import Line, LineChart, Point, line_chart
from whyformer.charts.scale import Axis
from whyformer.training.reports import Step
from whyformer.workflows.report.layout import document, grid

POINTS = 300
"""Maximum number of points of a curve; in longer curves, neighbouring points are averaged."""
SECONDS = 1.0
"""Minimum time between two updates of the chart."""


def watch(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps of `fit`, and show the loss and the validation metric live.

    In a Jupyter notebook, an SVG chart is updated in place; elsewhere, a progress bar is shown on
    standard error. Leaving the loop early has the same effect as without `watch`.

    >>> import tempfile, whyformer
    >>> tiny = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 32, "training.updates": 2}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = whyformer.fit("copy", out=folder, overrides=tiny | {"validation.sentences": 2})
    ...     for step in whyformer.watch(run):
    ...         print(step.step)
    1
    2
    """
    display = _notebook_display()
    shown = _Bar() if display is None else _LiveChart(display)
    try:
        for step in steps:
            shown.add(step)
            yield step
    finally:
        shown.end()


@runtime_checkable
class _Display(Protocol):
    """The functions of the module `IPython.display` that are used here."""

    def display(self, *objects: Any, display_id: bool) -> Any:
        """Show objects and return a handle."""
        ...

    def HTML(self, data: str) -> Any:  # noqa: N802 -- the name is IPython's
        """Return HTML that can be shown."""
        ...


def _notebook_display() -> _Display | None:
    """Return the module `IPython.display` in a notebook, otherwise None."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return sys.modules["IPython.display"]  # pyright: ignore[reportReturnType]


class Curves:
    """Loss and validation scores of a run so far, with a limited number of loss points."""

    def __init__(self) -> None:
        self.loss: list[tuple[float, float, int]] = []
        """Last update, mean loss and number of updates of each point."""
        self.scores: list[tuple[int, float, float]] = []
        """Update, validation loss and metric of each validation."""
        self.metric, self.planned = "", None
        self._width = 1

    def add(self, step: Step) -> None:
        """Add a step. If there are too many points, merge neighbouring points."""
        self.metric, self.planned = step.metric, step.planned
        if self.loss and self.loss[-1][2] < self._width:
            _, mean, count = self.loss[-1]
            mean += (step.nll - mean) / (count + 1)
            self.loss[-1] = (step.step, mean, count + 1)
        else:
            self.loss.append((step.step, step.nll, 1))
        if len(self.loss) > POINTS:
            self._width *= 2
            pairs = zip(self.loss[::2], self.loss[1::2], strict=False)
            odd = self.loss[-1:] if len(self.loss) % 2 else []
            self.loss = [_merged(one, other) for one, other in pairs] + odd
        if step.validation:
            scores = step.validation
            self.scores.append((step.step, scores["loss"], scores[step.metric]))

    def page(self) -> str:
        """Return the charts as one HTML page."""
        loss = [
            Line("training loss", [Point(x, y) for x, y, _ in self.loss]),
            Line("validation loss", [Point(x, y) for x, y, _ in self.scores]),
        ]
        charts = [_chart("nats per token", [line for line in loss if line.points])]
        if self.scores and self.metric != "loss":
            name = f"validation {self.metric}"
            charts.append(_chart(name, [Line(name, [Point(x, y) for x, _, y in self.scores])]))
        done = int(self.loss[-1][0]) if self.loss else 0
        return document(f"Update {done} of {self.planned or '?'}", grid(charts))


def _merged(
    one: tuple[float, float, int], other: tuple[float, float, int]
) -> tuple[float, float, int]:
    count = one[2] + other[2]
    return other[0], (one[1] * one[2] + other[1] * other[2]) / count, count


def _chart(name: str, lines: Sequence[Line]) -> str:
    return line_chart(LineChart(Axis("update"), Axis(name), lines, f"{name} over updates"))


class _LiveChart:
    """Shows the curves as output of a notebook cell, and updates this output in place."""

    def __init__(self, display: _Display) -> None:
        self._display, self._curves = display, Curves()
        self._handle: Any = None
        self._drawn = 0.0

    def add(self, step: Step) -> None:
        """Add a step. Update the chart after a validation, or if `SECONDS` have passed."""
        self._curves.add(step)
        if step.validation or time.monotonic() - self._drawn > SECONDS:
            self._draw()

    def end(self) -> None:
        """Draw the final chart."""
        if self._curves.loss:
            self._draw()

    def _draw(self) -> None:
        # Use an iframe, because the style sheet of the chart would change the notebook's style.
        frame = self._display.HTML(
            # IPython warns about HTML that starts with an iframe.
            f'<div><iframe srcdoc="{escape(self._curves.page())}" width="100%" height="480" '
            'style="border:0" title="Learning curves"></iframe></div>'
        )
        if self._handle is None:
            self._handle = self._display.display(frame, display_id=True)
        else:
            self._handle.update(frame)
        self._drawn = time.monotonic()


class _Bar:
    """A progress bar on standard error."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}"),
            console=Console(stderr=True, highlight=False),
        )
        self._task = self._bar.add_task("training", total=None, text="")
        self._best = ""

    def add(self, step: Step) -> None:
        """Show a step."""
        self._bar.start()
        if step.validation:
            self._best = f"  {step.metric} {step.validation[step.metric]:.3f}"
        text = f"update {step.step} of {step.planned or '?'}  loss {step.nll:.3f}{self._best}"
        self._bar.update(self._task, total=step.planned, completed=step.step, text=text)

    def end(self) -> None:
        """Stop updating the bar; it stays visible."""
        self._bar.stop()
