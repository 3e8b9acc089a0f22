"""The position-wise feed-forward network (§3.3)."""

from typing import Annotated, ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.blocks.linear import Linear
from whyformer.foundation.registry import Registry


class FeedForward(nn.Module):
    """FFN(x) = max(0, xW₁ + b₁)W₂ + b₂. Paper: Vaswani et al. 2017, §3.3, Eq. 2."""

    matrices: ClassVar[int] = 2
    """Number of matrices with d_model × d_ff weights, for counting operations."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.expand = Linear(d_model, d_ff)
        self.contract = Linear(d_ff, d_model)

    def forward(
        self, x: Float[Tensor, "batch length d_model"]
    ) -> Float[Tensor, "batch length d_model"]:
        """Apply the same network to every position."""
        return self.contract(F.relu(self.expand(x), inplace=True))


FEEDFORWARDS = Registry[type[FeedForward]]("feed-forward network", FeedForward)
Activation = Annotated[str, FEEDFORWARDS]
"""Name of a feed-forward network: the name of its activation."""
FEEDFORWARDS.register("relu")(FeedForward)


@FEEDFORWARDS.register("gelu")
class GELUFeedForward(FeedForward):
    """Eq. 2 with GELU as activation. Source: Hendrycks and Gimpel 2016 (arXiv:1606.08415), §2."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the same network to every position."""
        return self.contract(F.gelu(self.expand(x)))


@FEEDFORWARDS.register("gelu-tanh")
class TanhGELUFeedForward(FeedForward):
    """Eq. 2 with the tanh approximation of GELU, as in GPT-2.

    Source: Hendrycks and Gimpel 2016, §2: 0.5x(1 + tanh(√(2/π)(x + 0.044715x³))).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the same network to every position."""
        return self.contract(F.gelu(self.expand(x), approximate="tanh"))


@FEEDFORWARDS.register("silu")
class SiLUFeedForward(FeedForward):
    """Eq. 2 with SiLU(x) = x · sigmoid(x) as activation, as in the published Marian models.

    SiLU is also called Swish. Source: Ramachandran et al. 2017 (arXiv:1710.05941), §3, with β = 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the same network to every position."""
        return self.contract(F.silu(self.expand(x)))


class GatedFeedForward(FeedForward):
    """Base class of (activation(xW) ⊙ xV)W₂, without biases. Source: Shazeer 2020
    (arXiv:2002.05202), Eq. 6.

    A gated network has three matrices, and Eq. 2 has two. To get the same number of parameters, set
    d_ff to 2/3 of the value for Eq. 2.
    """

    matrices = 3

    def __init__(self, d_model: int, d_ff: int) -> None:
        nn.Module.__init__(self)
        self.gate = Linear(d_model, d_ff, bias=False)
        self.expand = Linear(d_model, d_ff, bias=False)
        self.contract = Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the same network to every position."""
        return self.contract(self.activation(self.gate(x)) * self.expand(x))

    def activation(self, x: Tensor) -> Tensor:
        """Return the values of the gate."""
        raise TypeError(f"the network {type(self).__name__} must override `activation`")


@FEEDFORWARDS.register("swiglu")
class SwiGLUFeedForward(GatedFeedForward):
    """(SiLU(xW) ⊙ xV)W₂, without biases. Source: Shazeer 2020 (arXiv:2002.05202), Eq. 6."""

    def activation(self, x: Tensor) -> Tensor:
        """Return SiLU(x)."""
        return F.silu(x)


@FEEDFORWARDS.register("geglu")
class GEGLUFeedForward(GatedFeedForward):
    """(GELU(xW) ⊙ xV)W₂, without biases, as in T5 v1.1. Source: Shazeer 2020 (arXiv:2002.05202),
    Eq. 6.

    Differs: GELU is its tanh approximation (see `TanhGELUFeedForward`), as in the code of T5.
    """

    def activation(self, x: Tensor) -> Tensor:
        """Return the tanh approximation of GELU(x)."""
        return F.gelu(x, approximate="tanh")


def drop_biases(network: nn.Module) -> None:
    """Remove the biases of all linear layers of a network."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.register_parameter("bias", None)
