"""The report that the training loop yields after each update."""

from dataclasses import dataclass, field


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
    """Wall-clock time of the update; the only value here that differs between identical runs."""
    layer_gradient_norms: dict[str, float] = field(default_factory=dict)
    """Gradient norm of each part of the model; only on every tenth update."""

    def journal_line(self) -> dict[str, object]:
        """Return the values for the journal: all that are identical in a resumed run."""
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
