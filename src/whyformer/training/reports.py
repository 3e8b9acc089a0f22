"""What the loop yields after each update."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepReport:
    """One update. Losses are means over the update's real target tokens, in nats."""

    step: int
    epoch: int
    loss: float
    nll: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    seconds: float
    """Wall-clock of the update; the one number here that a resumed run does not repeat."""
    layer_gradient_norms: dict[str, float] = field(default_factory=dict)
    """Gradient norm of each part of the model; filled on every tenth update."""

    def journal_line(self) -> dict[str, object]:
        """Return what the journal keeps: all that a resumed run repeats bit for bit."""
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
