"""Compute several projections of one input as one matrix product with their joined weights."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.acceleration.products import onednn_product, sum_over_rows, uses_onednn


def project_jointly(
    x: Float[Tensor, "batch length d_in"],
    layers: Sequence[nn.Linear],
    heads: int,
    plain: type[nn.Linear],
) -> tuple[Float[Tensor, "batch heads length d_head"], ...] | None:
    """Return the output of every layer for ``x``, split into heads; None if this is not possible.

    Only training with oneDNN uses this function. The result is None if BLAS is faster, if a
    parameter is frozen, or if a layer has a hook or a class other than ``plain``. If the result is
    None, the caller must call one layer after another. Calling one layer after another is also the
    reference implementation.

    Args:
        layers: linear layers of the same size.
        plain: the class that all layers must have; subclasses are not allowed.
    """
    weights = [layer.weight for layer in layers]
    biases = [layer.bias for layer in layers if layer.bias is not None]
    if (
        not torch.is_grad_enabled()
        or not uses_onednn(x, weights[0])
        or not all(type(layer) is plain and not layer._forward_hooks for layer in layers)
        or not all(one.requires_grad for one in weights + biases)
        or len(biases) not in (0, len(layers))
    ):
        return None
    return _JointProjection.apply(x, heads, *weights, *biases)  # pyright: ignore


class _JointProjection(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, heads: int, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(x, *parameters)
        weights, biases = _weights_biases(parameters)
        bias = torch.cat(biases) if biases else None
        joint = onednn_product(x.reshape(-1, x.shape[-1]), torch.cat(weights), bias)
        cut = joint.view(*x.shape[:-1], len(weights), heads, -1)
        return cut.permute(2, 0, 3, 1, 4).contiguous().unbind()

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *slopes: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, *parameters = ctx.saved_tensors
        weights, biases = _weights_biases(parameters)
        by = F.linear if torch.is_grad_enabled() else onednn_product
        slope = torch.stack([one.transpose(1, 2) for one in slopes], dim=2).flatten(2)
        rows = slope.flatten(0, 1)
        for_weights = sum_over_rows(rows, x.reshape(-1, x.shape[-1])).chunk(len(weights))
        for_biases = rows.sum(0).chunk(len(biases)) if biases else ()
        for_x = by(slope, torch.cat(weights).T) if ctx.needs_input_grad[0] else None
        return for_x, None, *for_weights, *for_biases


def _weights_biases(parameters: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    weights = [one for one in parameters if one.dim() == 2]
    return weights, list(parameters[len(weights) :])
