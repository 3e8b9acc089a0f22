"""The linear map xWᵀ + b."""

from jaxtyping import Float
from torch import Tensor, nn

from whyformer.acceleration.products import product


class Linear(nn.Linear):
    """xWᵀ + b. Equal to `nn.Linear`, the reference, within floating-point tolerance."""

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return xWᵀ + b."""
        return product(input, self.weight, self.bias)
