"""The learning curve of a run while it trains, with a bounded number of points."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from whyformer.training.reports import StepReport

POINTS = 300
"""Maximum number of points of a curve; an even number."""
Points = list[tuple[float, float]]
"""A curve: x and y of each point."""


class Curve:
    """A curve to which points are added. If there are more than ``most`` points, neighbouring
    points are averaged, so that a long training needs no more memory than a short one.

    >>> curve = Curve(most=2)
    >>> for x in range(1, 6):
    ...     curve.add(x, 10 * x)
    >>> curve.points
    [(4, 25.0), (5, 50.0)]
    """

    def __init__(self, most: int = POINTS) -> None:
        self._most, self._size = most, 1
        self._whole: Points = []
        self._open: Points = []

    @property
    def points(self) -> Points:
        """The points. The x of an average is the last x; the last point may average fewer
        points than the others."""
        return [*self._whole, _mean(self._open)] if self._open else list(self._whole)

    def add(self, x: float, y: float) -> None:
        """Add a point. ``x`` must not be less than before."""
        if not self._open and len(self._whole) == self._most:
            pairs = zip(self._whole[::2], self._whole[1::2], strict=True)
            self._whole = [_mean(pair) for pair in pairs]
            self._size *= 2
        self._open.append((x, y))
        if len(self._open) >= self._size:
            self._whole.append(_mean(self._open))
            self._open = []


def thinned(points: Points, most: int = POINTS) -> Points:
    """Return at most ``most`` points; neighbouring points are averaged.

    >>> thinned([(1, 1.0), (2, 3.0), (3, 4.0)], most=2)
    [(2, 2.0), (3, 4.0)]
    """
    size = -(-len(points) // most)
    return [_mean(points[k : k + size]) for k in range(0, len(points), size)] if points else []


def _mean(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return points[-1][0], sum(y for _, y in points) / len(points)


@dataclass
class LearningCurve:
    """The training loss, the validation loss and the validation metric of a run over its updates.

    Args: metric: the name of the validation metric.
    """

    metric: str
    training: Curve = field(default_factory=Curve)
    validation: Curve = field(default_factory=Curve)
    metrics: Curve = field(default_factory=Curve)

    def update(self, report: StepReport) -> None:
        """Add the loss of an update."""
        self.training.add(report.step, report.nll)

    def validated(self, step: int, scores: dict[str, Any]) -> None:
        """Add the scores of a validation."""
        for curve, name in ((self.validation, "loss"), (self.metrics, self.metric)):
            if name in scores:
                curve.add(step, scores[name])

    def read(self, journal: list[dict[str, Any]]) -> None:
        """Add the lines of the journal of a run that resumes."""
        for line in journal:
            if "nll" in line:
                self.training.add(line["step"], line["nll"])
            elif "validation" in line:
                self.validated(line["step"], line["validation"])
