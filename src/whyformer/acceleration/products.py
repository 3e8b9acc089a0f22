"""Compute xWᵀ + b and its gradients with oneDNN on processors where it is faster than BLAS.

On a CPU torch multiplies float32 matrices by its BLAS, mostly MKL. torch also contains oneDNN,
which is faster on some processors (`processor.onednn_multiplies_faster`).
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from whyformer.acceleration.processor import onednn_multiplies_faster, onednn_sums_rows_faster

FEW_ROWS = 32
"""BLAS multiplies fewer rows than this. With 256 × 256, one row takes 6 µs by BLAS and 16 µs by
oneDNN; 64 rows take the same time."""
FEW_ROWS_TO_SUM = 128
"""BLAS sums fewer rows than this (Zen 5; 64 rows, 128 × 512: 51 µs by BLAS, 72 by oneDNN)."""
NARROW = 64
"""BLAS computes sums with a side no longer than this (512 rows, 64 × 64: 28 µs by BLAS, 38 by
oneDNN)."""


def product(
    x: Float[Tensor, "*rows d_in"],
    weight: Float[Tensor, "d_out d_in"],
    bias: Float[Tensor, "d_out"] | None = None,
) -> Float[Tensor, "*rows d_out"]:
    """Return xWᵀ + b. Plain twin: `torch.nn.functional.linear`."""
    if not uses_onednn(x, weight):
        return F.linear(x, weight, bias)
    learning = any(one is not None and one.requires_grad for one in (x, weight, bias))
    if learning and torch.is_grad_enabled():
        return _Product.apply(x, weight, bias)  # pyright: ignore
    return onednn_product(x, weight, bias)


def uses_onednn(x: Tensor, weight: Tensor) -> bool:
    """Return whether oneDNN is used: for float32 on a CPU where it is faster, with enough rows."""
    return (
        not torch.compiler.is_compiling()
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.numel() >= FEW_ROWS * x.shape[-1]
        and onednn_multiplies_faster()
        and not torch.is_autocast_enabled("cpu")
    )


def onednn_product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return xWᵀ + b by oneDNN, without a gradient; either matrix may be a transposed view."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def sum_over_rows(
    slope: Float[Tensor, "rows d_out"], x: Float[Tensor, "rows d_in"]
) -> Float[Tensor, "d_out d_in"]:
    """Return slopeᵀx, the gradient of a weight; the plain implementation is `slope.T @ x`."""
    if not sums_by_onednn(slope, x):
        return slope.T @ x
    # One thread copies and transposes the first factor; the second is read in place.
    wide = slope.shape[1] > x.shape[1]
    return onednn_product(x.T, slope.T).T if wide else onednn_product(slope.T, x.T)


def sums_by_onednn(slope: Tensor, x: Tensor) -> bool:
    """Return whether oneDNN sums over rows: where it is faster, with many rows and two wide sides.

    Never while gradients are recorded: oneDNN's result has no gradient.
    """
    return (
        not torch.is_grad_enabled()
        and len(x) >= FEW_ROWS_TO_SUM
        and min(slope.shape[1], x.shape[1]) > NARROW
        and onednn_sums_rows_faster()
        and uses_onednn(x, slope)
    )


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        rows = onednn_product(x.reshape(-1, x.shape[-1]), weight, bias)
        # If the result were a view, an in-place operation on it would copy its gradient.
        return torch.ops.aten._unsafe_view(rows, [*x.shape[:-1], len(weight)])

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        # For gradients of gradients the operation itself must have a gradient.
        by = F.linear if torch.is_grad_enabled() else onednn_product
        for_x, for_weight, for_bias = ctx.needs_input_grad
        rows = slope.reshape(-1, slope.shape[-1])
        return (
            by(slope, weight.T) if for_x else None,
            sum_over_rows(rows, x.reshape(-1, x.shape[-1])) if for_weight else None,
            rows.sum(0) if for_bias else None,
        )
