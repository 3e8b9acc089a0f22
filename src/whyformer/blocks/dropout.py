"""Dropout (§5.4)."""

from enum import StrEnum

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.acceleration.dropout_mask import drop, keep_mask, torch_draws_mask


class Dropout(nn.Module):
    """In training, drop elements with probability ``rate``; multiply all other elements by
    1/(1-rate).

    Paper: Vaswani et al. 2017, §5.4 (Residual Dropout); Srivastava et al. 2014.
    Differs: see `keep_mask`.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return ``x`` with elements dropped."""
        if not self.training or self.rate == 0:
            return x
        return drop(x, self.rate)

    def add(
        self, x: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"], scale: float = 1.0
    ) -> Float[Tensor, "*shape"]:
        """Return scale · x + dropout(y): the residual connection, in one pass over memory."""
        if not self.training or self.rate == 0:
            return torch.add(y, x, alpha=scale)
        if torch_draws_mask(x):
            return torch.add(F.dropout(y, self.rate), x, alpha=scale)
        mask = keep_mask(y, self.rate)
        return torch.addcmul(x if scale == 1.0 else x * scale, y, mask)

    def extra_repr(self) -> str:
        """Return the dropout rate, which is shown when the module is printed."""
        return f"rate={self.rate}"


class VariationalDropout(Dropout):
    """Drop the same elements at every position of a sequence; each sequence has its own mask.

    Paper: Gal and Ghahramani 2016 (arXiv:1512.05287), §4, Eq. 7.
    Differs: see `keep_mask`.
    """

    def forward(
        self, x: Float[Tensor, "batch length width"]
    ) -> Float[Tensor, "batch length width"]:
        """Return ``x`` with elements dropped."""
        mask = self.mask(x[:, 0])
        return x if mask is None else x * mask[:, None]

    def mask(self, like: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"] | None:
        """Return the factors that apply to every position of a sequence; None when nothing is
        dropped."""
        if not self.training or self.rate == 0:
            return None
        if like.device.type != "cpu":
            return F.dropout(torch.ones_like(like), self.rate)
        return keep_mask(like, self.rate)


class DropoutForm(StrEnum):
    """Whether a recurrent network draws one dropout mask for each position or for each sequence."""

    STANDARD = "standard"
    VARIATIONAL = "variational"


DROPOUTS: dict[DropoutForm, type[Dropout]] = {
    DropoutForm.STANDARD: Dropout,
    DropoutForm.VARIATIONAL: VariationalDropout,
}
