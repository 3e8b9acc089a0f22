"""The product xWᵀ + b, by whichever of torch's two libraries multiplies faster on this machine.

On a CPU torch multiplies float32 by its BLAS, mostly MKL. On some processors oneDNN, which torch
carries as well, is faster (`onednn_multiplies_faster`).
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.foundation.devices import onednn_multiplies_faster

FEW_ROWS = 32
"""Below so many rows BLAS is asked: with 256 × 256 one row takes 6 µs, by oneDNN 16; 64 take the
same."""


class Linear(nn.Linear):
    """xWᵀ + b. Equal to `nn.Linear` within floating-point tolerance."""

    def forward(self, input: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return the product."""
        return product(input, self.weight, self.bias)


def product(
    x: Float[Tensor, "*rows d_in"],
    weight: Float[Tensor, "d_out d_in"],
    bias: Float[Tensor, "d_out"] | None = None,
) -> Float[Tensor, "*rows d_out"]:
    """Return xWᵀ + b; the plain twin is `torch.nn.functional.linear`."""
    if not by_onednn(x, weight):
        return F.linear(x, weight, bias)
    learning = any(one is not None and one.requires_grad for one in (x, weight, bias))
    if learning and torch.is_grad_enabled():
        rows: Tensor = _Product.apply(x.reshape(-1, x.shape[-1]), weight, bias)  # pyright: ignore
        return rows.view(*x.shape[:-1], -1)
    return multiply(x, weight, bias)


def by_onednn(x: Tensor, weight: Tensor) -> bool:
    """Say whether oneDNN multiplies: float32 on a CPU where it is faster, and not few rows."""
    return (
        not torch.compiler.is_compiling()
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.numel() >= FEW_ROWS * x.shape[-1]
        and onednn_multiplies_faster()
        and not torch.is_autocast_enabled("cpu")
    )


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return xWᵀ + b by oneDNN, which leaves no gradient; either may be a transposed view."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        return multiply(x, weight, bias)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        # Where gradients of gradients are wanted, what computes them must have gradients too.
        by = F.linear if torch.is_grad_enabled() else multiply
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            by(slope, weight.T) if for_x else None,
            slope.T @ x if for_weight else None,  # BLAS is the faster one where both are turned
            slope.sum(0) if for_bias else None,
        )
