"""Show the progress of a run: facts and a live bar on standard error."""

import contextlib
import re
import sys
import time
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from whyformer.foundation.wording import counted
from whyformer.recipes.run_length import RunLength
from whyformer.training.reports import StepReport
from whyformer.training.selection import Selection
from whyformer.workflows.learning_curve import LearningCurve, thinned
from whyformer.workflows.terminal_chart import terminal_chart

_NAMED = re.compile(r"(\w+(?: \w+)*)? {2,}")
"""The name of a line, such as "files", and the spaces behind it."""
PLAIN_EVERY_SECONDS = 15.0
"""Time between two progress lines if standard error is not a terminal."""
CURVE_WIDTH, CURVE_HEIGHT = 56, 6
"""Size of the learning curve in cells. A terminal must have four times as many rows."""
CURVE_POINTS = 10
"""With fewer updates than this, there is no curve."""
CURVE_SECONDS = 1.0
"""Time between two drawings of the learning curve."""


def wrapped(line: str, width: int) -> str:
    """Return a line in parts of at most ``width`` columns, indented like the text after its name.

    >>> print(wrapped("files       a.tsv: TSV; source = column 1", 30))
    files       a.tsv: TSV; source =
                column 1
    """
    named = _NAMED.match(line)
    indent = min(len(named[0]) if named else 0, width // 2)
    rest = line[indent:]
    parts, room = [], max(20, width - indent)
    while cell_len(rest) > room:
        end = _fitting(rest, room)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return line[:indent] + f"\n{' ' * indent}".join([*parts, rest])


def _fitting(text: str, room: int) -> int:
    """Return how many characters of a text fit: up to a space if there is one."""
    end = width = 0
    while width + cell_len(text[end]) <= room:
        width += cell_len(text[end])
        end += 1
    space = text.rfind(" ", 0, end + 1)
    return space + 1 if space > 0 else end


class _Bar(Progress):
    """The progress bar of rich, with text above it."""

    above = ""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Yield what is shown."""
        if self.above:
            yield Text(self.above, no_wrap=True)
        yield from super().get_renderables()


class Display:
    """Shows the progress on standard error, so that standard output contains only results.

    Args: quiet: show warnings only. silent: show nothing; used by all ranks except rank 0.
    """

    def __init__(self, *, quiet: bool = False, silent: bool = False) -> None:
        quiet, self._silent = quiet or silent, silent
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._bar = _Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}"),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            disable=quiet or not sys.stderr.isatty(),
            transient=False,
        )
        self._task = self._bar.add_task("preparing", total=None, text="", left="", visible=False)
        self._plain = not quiet and not sys.stderr.isatty()
        self._printed_at = 0.0
        self._loss = 0.0
        self._tokens, self._seconds = 0, 0.0
        self._unit = "tokens"
        self._metric = ""
        self._began, self._first = 0.0, 0
        self._total: int | None = None
        self._curve: LearningCurve | None = None
        self._drawn_at = 0.0

    def __enter__(self) -> "Display":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar. In a terminal, a long line is wrapped and indented."""
        if self._console.is_terminal:
            line = wrapped(line, self._console.width)
        self._console.print(line, markup=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        """Print a warning, even with `quiet`."""
        if not self._console.quiet:
            self.say(line)
        elif not self._silent:
            print(line, file=sys.stderr)

    def preparing(self, what: str, count: int) -> None:
        """Show the number of lines that a preparation step has processed."""
        self._bar.update(self._task, description=what, text=counted(count, "line"), visible=True)

    @contextlib.contextmanager
    def training(
        self, length: RunLength, step: int, unit: str, curve: LearningCurve | None = None
    ) -> Iterator[None]:
        """Show the progress bar of the updates, and the learning curve, in a `with` block.

        Args: step: number of updates so far. unit: name of the unit of the batch size, for example
            tokens. curve: the curve, to which the caller adds each update.
        """
        self._unit, self._curve = unit, curve
        self._began, self._first = time.monotonic(), step
        self._total = length.updates_at(step)
        self._bar.update(
            self._task,
            description="training",
            total=self._total,
            completed=step,
            text="",
            visible=True,
        )
        try:
            yield
        finally:
            self._draw()
            if self._total is None or self._bar.tasks[self._task].completed < self._total:
                self._bar.stop_task(self._task)

    def update(self, report: StepReport, length: RunLength) -> None:
        """Show one update; losses and speeds are moving averages."""
        keep = 0.98 if self._seconds else 0.0
        self._loss = keep * self._loss + (1 - keep) * report.nll
        self._tokens = int(keep * self._tokens + report.tokens)
        self._seconds = keep * self._seconds + report.seconds
        speed = f"{self._tokens / self._seconds:,.0f} {self._unit}/s"
        text = f"loss {self._loss:.3f}{self._metric}  {speed}"
        total_before, self._total = self._total, length.updates_at(report.step)
        left = self._left(report.step, length)
        self._bar.update(self._task, total=self._total, completed=report.step, text=text, left=left)
        if total_before is None and self._total:
            self.say(
                f"At this speed, about {counted(self._total, 'update')} will fit into the given "
                "time."
            )
        now = time.monotonic()
        if now - self._drawn_at > CURVE_SECONDS:
            self._drawn_at = now
            self._draw()
        if self._plain and now - self._printed_at > PLAIN_EVERY_SECONDS:
            self._printed_at = now
            self.say(f"update {report.step}/{self._total or '?'}  {text}  left {left}")

    def _draw(self) -> None:
        """Draw the training loss above the bar, if there is enough room and there are enough
        updates."""
        rows, columns = self._console.height, self._console.width
        if self._bar.disable or self._curve is None or rows < 4 * CURVE_HEIGHT:
            return
        points = self._curve.training.points
        if len(points) >= CURVE_POINTS:
            width = max(10, min(CURVE_WIDTH, columns - 9))
            lines = terminal_chart(thinned(points, width), width=width, height=CURVE_HEIGHT)
            name = f"{'':6}  training loss in nats per {self._unit.removesuffix('s')}"
            self._bar.above = "\n".join([name[:columns], *lines])

    def _left(self, step: int, length: RunLength) -> str:
        """Return the remaining time, validations included."""
        left = length.seconds_left
        if left is None:
            pace = (time.monotonic() - self._began) / max(1, step - self._first)
            left = pace * ((self._total or step) - step)
        return f"{int(left // 60)}:{int(left % 60):02d}"

    def validated(self, selection: Selection, metric: str) -> None:
        """Show the best validation so far."""
        value = selection.best[metric]
        shown = f"{value:.3f}" if metric == "loss" else f"{value:.2f}"
        self._metric = f"  best {metric} {shown} (update {selection.best['step']})"
