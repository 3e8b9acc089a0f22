"""Compute xWᵀ + b and its gradients with oneDNN on processors where oneDNN is faster than BLAS.

On a CPU, torch multiplies float32 matrices with a BLAS library, usually MKL. torch also contains
oneDNN, which is faster on some processors and for some sizes (`thresholds.PRODUCT`).
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from whyformer.acceleration.processor import has_onednn
from whyformer.acceleration.thresholds import PRODUCT, ROW_SUM

FEW_ROWS = 32
"""With fewer rows than this, BLAS is used. Measured with a 256 × 256 matrix: one row takes 6 µs
with BLAS and 16 µs with oneDNN; 64 rows take the same time with both."""
FEW_ROWS_TO_SUM = 128
"""`sum_over_rows` uses BLAS with fewer rows than this. Measured on Zen 5 (64 rows, 128 × 512): 51
µs with BLAS, 72 µs with oneDNN."""
NARROW = 64
"""`sum_over_rows` uses BLAS if a side of the result is not longer than this. Measured (512 rows,
64 × 64): 28 µs with BLAS, 38 µs with oneDNN."""


def product(
    x: Float[Tensor, "*rows d_in"],
    weight: Float[Tensor, "d_out d_in"],
    bias: Float[Tensor, "d_out"] | None = None,
) -> Float[Tensor, "*rows d_out"]:
    """Return xWᵀ + b. Reference implementation: `torch.nn.functional.linear`."""
    if not uses_onednn(x, weight):
        return F.linear(x, weight, bias)
    learning = any(one is not None and one.requires_grad for one in (x, weight, bias))
    if learning and torch.is_grad_enabled():
        return _Product.apply(x, weight, bias)  # pyright: ignore
    return onednn_product(x, weight, bias)


def uses_onednn(x: Tensor, weight: Tensor) -> bool:
    """Return whether oneDNN is used: for float32 with enough rows and multiplications on a CPU."""
    return (
        _can_use_onednn(x, weight)
        and x.numel() >= FEW_ROWS * x.shape[-1]
        and x.numel() * (weight.numel() // x.shape[-1]) >= PRODUCT()
    )


def _can_use_onednn(x: Tensor, weight: Tensor) -> bool:
    return (
        not torch.compiler.is_compiling()
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and has_onednn()
        and not torch.is_autocast_enabled("cpu")
    )


def onednn_product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return xWᵀ + b, computed with oneDNN and without a gradient.

    ``x`` and ``weight`` may be transposed views.
    """
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def sum_over_rows(
    slope: Float[Tensor, "rows d_out"], x: Float[Tensor, "rows d_in"]
) -> Float[Tensor, "d_out d_in"]:
    """Return slopeᵀx, the gradient of a weight. Reference implementation: `slope.T @ x`."""
    return onednn_row_sum(slope, x) if sums_by_onednn(slope, x) else slope.T @ x


def onednn_row_sum(
    slope: Float[Tensor, "rows d_out"], x: Float[Tensor, "rows d_in"]
) -> Float[Tensor, "d_out d_in"]:
    """Compute `sum_over_rows` with oneDNN and without a gradient."""
    # oneDNN copies and transposes the first factor in one thread, but does not copy the second one.
    wide = slope.shape[1] > x.shape[1]
    return onednn_product(x.T, slope.T).T if wide else onednn_product(slope.T, x.T)


def sums_by_onednn(slope: Tensor, x: Tensor) -> bool:
    """Return whether `sum_over_rows` uses oneDNN: with many rows, a result with two long sides, and
    enough multiplications.

    Always False while gradients are recorded, because a result of oneDNN has no gradient.
    """
    return (
        not torch.is_grad_enabled()
        and len(x) >= FEW_ROWS_TO_SUM
        and min(slope.shape[1], x.shape[1]) > NARROW
        and _can_use_onednn(x, slope)
        and slope.shape[1] * x.numel() >= ROW_SUM()
    )


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        rows = onednn_product(x.reshape(-1, x.shape[-1]), weight, bias)
        # If the result were a view, an in-place operation on the result would copy the gradient.
        return torch.ops.aten._unsafe_view(rows, [*x.shape[:-1], len(weight)])

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        # For second derivatives, these products must also be differentiable.
        by = F.linear if torch.is_grad_enabled() else onednn_product
        for_x, for_weight, for_bias = ctx.needs_input_grad
        rows = slope.reshape(-1, slope.shape[-1])
        return (
            by(slope, weight.T) if for_x else None,
            sum_over_rows(rows, x.reshape(-1, x.shape[-1])) if for_weight else None,
            rows.sum(0) if for_bias else None,
        )
