"""Test which information a linear classifier can extract from frozen vectors."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn


class LinearProbe:
    """Multinomial logistic regression on standardized vectors. The constructor fits the regression.

    Args:
        classes: number of classes.
        decay: factor of the sum of squared weights, which is added to the loss.
    """

    def __init__(
        self, x: Float[Tensor, "rows width"], y: Int[Tensor, "rows"], classes: int, decay: float
    ) -> None:
        self.mean, self.deviation = x.mean(0), x.std(0) + 1e-6
        self.map = zero_linear(x.shape[1], classes)
        optimizer = torch.optim.LBFGS(
            self.map.parameters(), max_iter=60, line_search_fn="strong_wolfe"
        )
        x = (x - self.mean) / self.deviation

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(self.map(x), y) + decay * self.map.weight.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)  # pyright: ignore[reportArgumentType]

    @torch.no_grad()
    def error(self, x: Float[Tensor, "rows width"], y: Int[Tensor, "rows"]) -> float:
        """Return the share of vectors that are classified wrongly."""
        answers = self.map((x - self.mean) / self.deviation).argmax(-1)
        return (answers != y).double().mean().item()


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer whose weights and bias are zero."""
    made = nn.Linear(inputs, outputs)
    nn.init.zeros_(made.weight)
    nn.init.zeros_(made.bias)
    return made
