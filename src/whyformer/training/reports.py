"""The report that the training loop yields after each update."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StepReport:
    """The result of one update. Losses are means over real target tokens, in nats."""

    step: int
    epoch: int
    loss: float
    nll: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    seconds: float
    """Wall-clock time of the update. All other values are the same in identical runs."""
    layer_gradient_norms: dict[str, float] = field(default_factory=dict)
    """Gradient norm of each layer; empty except after the first and every tenth update."""

    def journal_line(self) -> dict[str, object]:
        """Return the values for the journal: all except the time, because the time differs between
        runs."""
        line: dict[str, object] = {
            "step": self.step,
            "epoch": self.epoch,
            "loss": self.loss,
            "nll": self.nll,
            "learning_rate": self.learning_rate,
            "gradient_norm": self.gradient_norm,
            "tokens": self.tokens,
        }
        if self.layer_gradient_norms:
            line["layer_gradient_norms"] = self.layer_gradient_norms
        return line


@dataclass(frozen=True)
class Step(StepReport):
    """An update of a run, with the scores of the validation after it.

    >>> report = StepReport(1, 0, 2.5, 2.5, 0.1, 1.0, 64, 0.01)
    >>> step = Step.of(report, {"loss": 2.4, "bleu": 3.1}, metric="bleu", planned=10)
    >>> step.step, step.loss, step.validation["bleu"]
    (1, 2.5, 3.1)
    """

    validation: Mapping[str, Any] = field(default_factory=dict)
    """The scores by name if there was a validation after this update; otherwise empty."""
    metric: str = ""
    """The name of the score in `validation` that selects the best weights."""
    planned: int | None = None
    """Planned number of updates of the run; None if it is not known yet."""

    @classmethod
    def of(
        cls,
        report: StepReport,
        validation: Mapping[str, Any],
        *,
        metric: str,
        planned: int | None,
    ) -> "Step":
        """Make a step from a report. Args: validation, metric, planned: see the fields."""
        return cls(**vars(report), validation=validation, metric=metric, planned=planned)
