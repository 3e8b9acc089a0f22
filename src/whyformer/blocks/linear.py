"""The linear map xWᵀ + b."""

from jaxtyping import Float
from torch import Tensor, nn

from whyformer.acceleration.products import product


class Linear(nn.Linear):
    """xWᵀ + b. The result equals that of `nn.Linear`, the reference implementation, within
    floating-point tolerance."""

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return xWᵀ + b."""
        return product(input, self.weight, self.bias)
