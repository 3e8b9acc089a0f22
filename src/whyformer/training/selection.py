"""Which validation is the best one so far, and when further training no longer helps."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Selection:
    """What the validations of a run have shown; a checkpoint carries it.

    A better metric wins. Of equal metrics the lower loss wins, and of equal losses the later
    validation: a metric that cannot move, such as BLEU of targets with fewer than four words, then
    leaves the choice to the loss.
    """

    best: dict[str, Any] = field(default_factory=dict)
    """The best validation: step, loss and the metric; empty before the first one."""
    since_best: int = 0
    """Validations since the metric or the loss improved."""
    lowest_loss: float | None = None
    """The lowest loss of any validation."""
    validations: int = 0
    """Validations so far."""
    moved: bool = False
    """Whether the metric ever differed between two validations."""

    def see(self, step: int, scores: dict[str, Any], metric: str, *, higher: bool) -> bool:
        """Take in a validation and return whether it is the best so far.

        Args: higher: whether a greater value of the metric is better.
        """
        value, loss = scores[metric], scores["loss"]
        former = self.best.get(metric)
        improved = former is None or (value > former if higher else value < former)
        equal = former is not None and value == former
        lower_loss = self.lowest_loss is None or loss < self.lowest_loss
        wins = improved or (equal and loss <= self.best["loss"])
        self.moved = self.moved or (former is not None and not equal)
        self.since_best = 0 if improved or lower_loss else self.since_best + 1
        self.lowest_loss = loss if lower_loss else self.lowest_loss
        self.validations += 1
        if wins:
            self.best = {"step": step, **scores}
        return wins

    def out_of_patience(self, patience: int) -> bool:
        """Return whether neither metric nor loss improved for so many validations; 0: never."""
        return bool(patience) and self.since_best >= patience

    def stuck(self, metric: str, *, higher: bool) -> str | None:
        """Return a sentence when the metric never moved, so that the loss made the choice.

        Args: higher: whether a greater value of the metric is better.
        """
        if self.moved or self.validations < 2 or metric == "loss":
            return None
        said = (
            f"`{metric}` was {self.best[metric]:.4g} in all {self.validations} validations, so the "
            "loss chose the best weights."
        )
        if self.best[metric] == (100.0 if higher else 0.0):
            return said
        return f"{said} Choose another --validation.metric, such as loss."
