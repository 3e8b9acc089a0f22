"""Attention for short sequences on CPUs, where torch's fused kernel is slow."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from whyformer.acceleration.dropout_mask import drop
from whyformer.acceleration.processor import vectorized_softmax_keys

SHORT_KEYS = 64
"""Most keys of `matmul_attention`; torch's kernel is faster with more."""
MANY_ROWS = 64
"""Least number of sequences of one query each for which `matmul_attention` is faster."""
MANY_SCORES = 2048
"""Least number of scores for which `softmax` computes short rows itself."""


def scaled_dot_product_attention(
    Q: Float[Tensor, "batch heads queries d_k"],
    K: Float[Tensor, "batch kv_heads keys d_k"],
    V: Float[Tensor, "batch kv_heads keys d_v"],
    mask: Tensor | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads queries d_v"]:
    """Compute torch's function of this name, by whichever of two ways is faster.

    Measured in float32 on CPUs (docs/speedrun.md): `matmul_attention` is faster with few keys.
    Half precision stays with torch's kernel, which sums it in float32. With dropout torch has no
    fused kernel for CPUs, and our masks are faster than its own.
    Plain twin: `torch.nn.functional.scaled_dot_product_attention`.

    Args:
        K, V: may have fewer heads than Q; consecutive query heads share one then.
        mask, causal, scale: as of torch's function. With causal, as many queries as keys.
        dropout: share of the weights that are dropped.
    """
    if (
        Q.device.type == "cpu"
        and Q.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()  # before the shapes, which would become guards
        and (dropout or (K.shape[-2] <= SHORT_KEYS and (Q.shape[-2] > 1 or len(Q) >= MANY_ROWS)))
    ):
        return matmul_attention(Q, K, V, mask, causal=causal, scale=scale, dropout=dropout)
    shared: Any = {}
    if K.shape[1] != Q.shape[1]:
        if mask is None or Q.device.type == "cpu":
            shared["enable_gqa"] = True
        else:  # off the CPU no fused kernel takes both shared heads and a mask
            repeats = Q.shape[1] // K.shape[1]
            K, V = K.repeat_interleave(repeats, dim=1), V.repeat_interleave(repeats, dim=1)
    return F.scaled_dot_product_attention(
        Q, K, V, mask, dropout, is_causal=causal, scale=scale, **shared
    )


def matmul_attention(
    Q: Float[Tensor, "batch heads queries d_k"],
    K: Float[Tensor, "batch kv_heads keys d_k"],
    V: Float[Tensor, "batch kv_heads keys d_v"],
    mask: Tensor | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads queries d_v"]:
    """Compute `scaled_dot_product_attention` as two matrix products and a softmax."""
    scores = _product(Q, K.mT).mul_(Q.shape[-1] ** -0.5 if scale is None else scale)
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=Q.device).triu(1)
        scores.masked_fill_(later, -math.inf)
    if mask is not None:
        floating = mask.is_floating_point()
        scores = scores.add_(mask) if floating else scores.masked_fill_(~mask, -math.inf)
    weights = softmax(scores)
    return _product(drop(weights, dropout) if dropout else weights, V)


def _product(
    left: Float[Tensor, "batch heads rows inner"], right: Float[Tensor, "batch kv_heads inner out"]
) -> Float[Tensor, "batch heads rows out"]:
    """Return left @ right; heads on the left that share one on the right are stacked, not it
    repeated."""
    groups = right.shape[1]
    if left.shape[1] == groups:
        return left @ right
    stacked = left.unflatten(1, (groups, -1)).flatten(2, 3)
    return (stacked @ right).unflatten(2, (-1, left.shape[2])).flatten(1, 2)


def softmax(scores: Float[Tensor, "*rows keys"]) -> Float[Tensor, "*rows keys"]:
    """Return the softmax over the keys; no row may be all -inf. Plain twin: `Tensor.softmax`.

    With AVX-512 torch computes rows of fewer than 16 keys one number at a time. Here they are
    computed with vector instructions: exp(score - maximum of the row), divided by its sum.
    """
    if scores.shape[-1] < vectorized_softmax_keys() and scores.numel() >= MANY_SCORES:
        return _ShortSoftmax.apply(scores)  # pyright: ignore
    return scores.softmax(dim=-1)


class _ShortSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:  # pyright: ignore
        weights = (scores - scores.amax(-1, keepdim=True)).exp_()
        weights.div_(weights.sum(-1, keepdim=True))
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:  # pyright: ignore
        (weights,) = ctx.saved_tensors
        each = slope * weights
        return torch.addcmul(each, weights, each.sum(-1, keepdim=True), value=-1)
