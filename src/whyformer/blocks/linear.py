"""The product xWᵀ + b, by whichever of torch's two libraries multiplies faster on this machine.

On a CPU torch multiplies float32 by its BLAS, mostly MKL. On some processors oneDNN, which torch
carries as well, is faster (`onednn_multiplies_faster`).
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.foundation.devices import onednn_multiplies_faster, onednn_sums_rows_faster

FEW_ROWS = 32
"""Below so many rows BLAS is asked: with 256 × 256 one row takes 6 µs, by oneDNN 16; 64 take the
same."""
FEW_ROWS_TO_SUM = 128
"""Below so many rows BLAS sums over them (Zen 5; 64 rows, 128 × 512: 51 µs, by oneDNN 72)."""
NARROW = 64
"""Where the sum has a side no longer than this, BLAS again (512 rows, 64 × 64: 28 and 38 µs)."""


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
        return _Product.apply(x, weight, bias)  # pyright: ignore
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


def sum_over_rows(
    slope: Float[Tensor, "rows d_out"], x: Float[Tensor, "rows d_in"]
) -> Float[Tensor, "d_out d_in"]:
    """Return slopeᵀx, the gradient of a weight; the plain twin is `slope.T @ x`."""
    if not sums_by_onednn(slope, x):
        return slope.T @ x
    # The first factor is copied, turned, by one thread; the second is read as it lies.
    wide = slope.shape[1] > x.shape[1]
    return multiply(x.T, slope.T).T if wide else multiply(slope.T, x.T)


def sums_by_onednn(slope: Tensor, x: Tensor) -> bool:
    """Say whether oneDNN sums over rows: where it is faster, many rows and both sides wide.

    Not where gradients of gradients are wanted, for it leaves none.
    """
    return (
        not torch.is_grad_enabled()
        and len(x) >= FEW_ROWS_TO_SUM
        and min(slope.shape[1], x.shape[1]) > NARROW
        and onednn_sums_rows_faster()
        and by_onednn(x, slope)
    )


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        rows = multiply(x.reshape(-1, x.shape[-1]), weight, bias)
        # A view could not be changed in place by what follows without its gradient being copied.
        return torch.ops.aten._unsafe_view(rows, [*x.shape[:-1], len(weight)])

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        # Where gradients of gradients are wanted, what computes them must have gradients too.
        by = F.linear if torch.is_grad_enabled() else multiply
        for_x, for_weight, for_bias = ctx.needs_input_grad
        rows = slope.reshape(-1, slope.shape[-1])
        return (
            by(slope, weight.T) if for_x else None,
            sum_over_rows(rows, x.reshape(-1, x.shape[-1])) if for_weight else None,
            rows.sum(0) if for_bias else None,
        )


def heads_by_one_product(
    x: Float[Tensor, "batch length d_in"], layers: Sequence[nn.Linear], heads: int
) -> tuple[Float[Tensor, "batch heads length d_head"], ...] | None:
    """Return what every layer makes of ``x``, cut into heads, by one product of all weights.

    The layers are of one size. The plain twin asks each layer alone; that is for the caller where
    this returns None: where BLAS multiplies, nothing learns, or somebody listens to a layer.
    """
    weights = [layer.weight for layer in layers]
    biases = [layer.bias for layer in layers if layer.bias is not None]
    if (
        not torch.is_grad_enabled()
        or not by_onednn(x, weights[0])
        or not all(type(layer) is Linear and not layer._forward_hooks for layer in layers)
        or not all(one.requires_grad for one in weights + biases)
        or len(biases) not in (0, len(layers))
    ):
        return None
    return _Heads.apply(x, heads, *weights, *biases)  # pyright: ignore


class _Heads(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, heads: int, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(x, *parameters)
        weights, biases = _weights_biases(parameters)
        bias = torch.cat(biases) if biases else None
        joint = multiply(x.reshape(-1, x.shape[-1]), torch.cat(weights), bias)
        cut = joint.view(*x.shape[:-1], len(weights), heads, -1)
        return cut.permute(2, 0, 3, 1, 4).contiguous().unbind()

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *slopes: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, *parameters = ctx.saved_tensors
        weights, biases = _weights_biases(parameters)
        by = F.linear if torch.is_grad_enabled() else multiply
        slope = torch.stack([one.transpose(1, 2) for one in slopes], dim=2).flatten(2)
        rows = slope.flatten(0, 1)
        for_weights = sum_over_rows(rows, x.reshape(-1, x.shape[-1])).chunk(len(weights))
        for_biases = rows.sum(0).chunk(len(biases)) if biases else ()
        for_x = by(slope, torch.cat(weights).T) if ctx.needs_input_grad[0] else None
        return for_x, None, *for_weights, *for_biases


def _weights_biases(parameters: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    weights = [one for one in parameters if one.dim() == 2]
    return weights, list(parameters[len(weights) :])
