"""Residual wirings (§3.1): how the output of a sub-layer is added to the residual stream."""

from collections.abc import Callable
from typing import Annotated

from jaxtyping import Float
from torch import Tensor, nn

from whyformer.blocks.dropout import Dropout
from whyformer.blocks.normalization import NORMS, Norm
from whyformer.foundation.registry import Registry

Sublayer = Callable[[Tensor], Tensor]


class Residual(nn.Module):
    """Base class of the wirings. Args: depth_scale: DeepNorm's α; other wirings ignore it."""

    final_norm = False
    """Whether a stack with this wiring ends with an additional norm."""

    def __init__(self, d_model: int, norm: Norm, dropout: float, depth_scale: float) -> None:
        super().__init__()
        self.norm = NORMS[norm](d_model)
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch length d_model"], sublayer: Sublayer
    ) -> Float[Tensor, "batch length d_model"]:
        """Return the residual stream after the sub-layer."""
        raise TypeError(f"the wiring {type(self).__name__} must override `forward`")


WIRINGS = Registry[type[Residual]]("residual wiring", Residual)
Wiring = Annotated[str, WIRINGS]
"""Name of a residual wiring. The wiring determines the place of the norm, and whether there is a
skip connection."""


@WIRINGS.register("post-norm")
class PostNorm(Residual):
    """LayerNorm(x + Dropout(Sublayer(x))). Paper: Vaswani et al. 2017, §3.1, §5.4 and Figure 1."""

    def forward(self, x: Tensor, sublayer: Sublayer) -> Tensor:
        """Add the output of the sub-layer to ``x``, then normalize the sum."""
        return self.norm(self.dropout.add(x, sublayer(x)))


@WIRINGS.register("pre-norm")
class PreNorm(Residual):
    """x + Dropout(Sublayer(LayerNorm(x))). Source: Xiong et al. 2020 (arXiv:2002.04745), §3."""

    final_norm = True

    def forward(self, x: Tensor, sublayer: Sublayer) -> Tensor:
        """Normalize the input of the sub-layer; do not normalize the residual stream."""
        return self.dropout.add(x, sublayer(self.norm(x)))


@WIRINGS.register("deepnorm")
class DeepNorm(Residual):
    """LayerNorm(α·x + Dropout(Sublayer(x))). Source: Wang et al. 2022 (arXiv:2203.00555), Eq. 1."""

    def __init__(self, d_model: int, norm: Norm, dropout: float, depth_scale: float) -> None:
        super().__init__(d_model, norm, dropout, depth_scale)
        self.depth_scale = depth_scale

    def forward(self, x: Tensor, sublayer: Sublayer) -> Tensor:
        """Multiply ``x`` by α, add the output of the sub-layer, then normalize the sum."""
        return self.norm(self.dropout.add(x, sublayer(x), scale=self.depth_scale))


@WIRINGS.register("no-skip")
class NoSkip(Residual):
    """LayerNorm(Dropout(Sublayer(x))): no skip connection."""

    def forward(self, x: Tensor, sublayer: Sublayer) -> Tensor:
        """Return the normalized output of the sub-layer only."""
        return self.norm(self.dropout(sublayer(x)))


@WIRINGS.register("no-norm")
class NoNorm(Residual):
    """x + Dropout(Sublayer(x)): a skip connection without normalization."""

    def __init__(self, d_model: int, norm: Norm, dropout: float, depth_scale: float) -> None:
        super().__init__(d_model, norm, dropout, depth_scale)
        self.norm = nn.Identity()

    def forward(self, x: Tensor, sublayer: Sublayer) -> Tensor:
        """Add the output of the sub-layer to ``x``, without normalization."""
        return self.dropout.add(x, sublayer(x))
