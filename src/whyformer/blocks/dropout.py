"""Dropout (§5.4), with masks cheap enough for a CPU.

torch draws one 32-bit number an element and on a CPU spends more time on it than on the layer's
matrix products. Here eight elements share one 64-bit number of `foundation.randomness`.
"""

from enum import StrEnum

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.foundation.randomness import random_bytes


def keep_mask(like: Tensor, rate: float) -> Tensor:
    """Return 1/(1-p) where an element is kept and 0 where it is dropped, as ``like``.

    Differs: on a CPU the rate p is ``rate`` rounded to the nearest 1/256, 255/256 at most (0.1
    becomes 26/256); the factor 1/(1-p) uses the p that was drawn, so the expectation is exact.
    """
    threshold = min(255, round(rate * 256))
    kept = (random_bytes(like.numel()) >= threshold).view(np.uint8)  # (elements,)
    mask = torch.from_numpy(kept).to(like.dtype)  # of bytes in a fifth of the time of booleans
    return mask.mul_(256 / (256 - threshold)).view(like.shape)


def _by_torch(x: Tensor) -> bool:
    """Whether torch draws the mask: on other devices, and where torch.compile fuses the draws."""
    return x.device.type != "cpu" or torch.compiler.is_compiling()


class Dropout(nn.Module):
    """Drop elements with probability ``rate`` while training and scale the rest by 1/(1-rate).

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
        if _by_torch(x):
            return F.dropout(x, self.rate)
        return x * keep_mask(x, self.rate)

    def add(
        self, x: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"], scale: float = 1.0
    ) -> Float[Tensor, "*shape"]:
        """Return scale · x + dropout(y): the residual connection, in one pass over memory."""
        if not self.training or self.rate == 0:
            return torch.add(y, x, alpha=scale)
        if _by_torch(x):
            return torch.add(F.dropout(y, self.rate), x, alpha=scale)
        mask = keep_mask(y, self.rate)
        return torch.addcmul(x if scale == 1.0 else x * scale, y, mask)

    def extra_repr(self) -> str:
        """Show the rate."""
        return f"rate={self.rate}"


class VariationalDropout(Dropout):
    """Drop the same elements at every position of a sequence, anew for every sequence.

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
        """Return what every position is multiplied with; None when nothing is dropped."""
        if not self.training or self.rate == 0:
            return None
        if like.device.type != "cpu":
            return F.dropout(torch.ones_like(like), self.rate)
        return keep_mask(like, self.rate)


class DropoutForm(StrEnum):
    """Whether a recurrent network draws its dropout for every position, or once a sequence."""

    STANDARD = "standard"
    VARIATIONAL = "variational"


DROPOUTS: dict[DropoutForm, type[Dropout]] = {
    DropoutForm.STANDARD: Dropout,
    DropoutForm.VARIATIONAL: VariationalDropout,
}
