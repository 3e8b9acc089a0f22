"""Select the best validation, and decide when training no longer improves."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Selection:
    """The best validation of a run so far; checkpoints store this object.

    The validation with the best metric is selected. If several validations have the best metric,
    the validation with the lowest loss is selected. If these losses are also equal, the latest
    validation is selected. So the loss decides if the metric never changes (for example, BLEU for
    targets of fewer than four words).
    """

    best: dict[str, Any] = field(default_factory=dict)
    """The step, the loss and the metric of the best validation; empty before the first
    validation."""
    since_best: int = 0
    """Number of validations since the metric or the loss last improved."""
    lowest_loss: float | None = None
    """The lowest loss of any validation."""
    validations: int = 0
    """Number of validations so far."""
    moved: bool = False
    """Whether the metric has ever changed between validations."""

    def add(self, step: int, scores: dict[str, Any], metric: str, *, higher: bool) -> bool:
        """Add a validation and return whether it is the best so far.

        Args: higher: whether a higher value of the metric is better.
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
        """Return whether neither the metric nor the loss improved in the last ``patience``
        validations. Always False if ``patience`` is 0.
        """
        return bool(patience) and self.since_best >= patience

    def stuck(self, metric: str, *, higher: bool) -> str | None:
        """Return a sentence for the user if the metric never changed; otherwise None.

        Args: higher: whether a higher value of the metric is better.
        """
        if self.moved or self.validations < 2 or metric == "loss":
            return None
        sentence = (
            f"`{metric}` was {self.best[metric]:.4g} in all {self.validations} validations, so the "
            "loss chose the best weights."
        )
        if self.best[metric] == (100.0 if higher else 0.0):
            return sentence
        return f"{sentence} Choose another --validation.metric, such as loss."
