"""Linear layers that multiply eight-bit integers."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

LARGE_INT8 = 1 << 18
"""Minimum number of weights of a layer for which products of eight-bit integers are faster than
products of floats. A layer of 256 × 1,024 weights has this size."""
TINY = torch.finfo(torch.float32).tiny
"""Minimum distance between neighbouring rounded values. Without it, a row of zeros would cause a
division by zero."""


class Int8Linear(nn.Linear):
    """An `nn.Linear` that multiplies eight-bit integers.

    The weights are rounded once. The inputs are rounded in every call. The original layer and this
    layer share their parameters, but later changes to the parameters do not change the rounded
    weights.

    Source: Dettmers et al. 2022 (arXiv:2208.07339), §3.1: a scale for each row of the input and for
        each output, so that the result of a row does not depend on the other rows.
    Differs: no features are kept in higher precision. Without VNNI instructions, the weights use
        seven bits, because with eight bits the sum of two products would overflow.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        levels = 127 if torch.cpu._is_vnni_supported() else 63
        weight = linear.weight.detach()
        self._scale = (weight.abs().amax(1) / levels).clamp_min(TINY)  # (d_out,)
        self._rounded = (weight / self._scale[:, None]).round_().to(torch.int8).T  # (d_in, d_out)

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return xWᵀ + b, computed from the rounded x and W."""
        rows = input.reshape(-1, self.in_features)
        step = (rows.abs().amax(1, keepdim=True) / 127).clamp_min(TINY)  # (rows, 1)
        sums = torch._int_mm((rows / step).round_().to(torch.int8), self._rounded)
        product = (sums * step).mul_(self._scale)
        if self.bias is not None:
            product += self.bias
        return product.view(*input.shape[:-1], -1)
