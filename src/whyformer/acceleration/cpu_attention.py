"""Attention for short sequences on CPUs, where torch's fused kernel is slow."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from whyformer.acceleration.dropout_mask import drop
from whyformer.acceleration.thresholds import ATTENTION_KEYS, ATTENTION_ROWS, SOFTMAX_KEYS

MANY_SCORES = 2048
"""`softmax` calls torch's softmax if there are fewer scores than this."""


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
    """Compute torch's `scaled_dot_product_attention` with the faster of two implementations.

    In float32 on CPUs, `matmul_attention` is faster with few keys (`thresholds.ATTENTION_KEYS`). If
    each sequence has a single query, there must also be many sequences (`ATTENTION_ROWS`). With
    half precision, torch's kernel is always used, because it sums in float32. In float32 with
    dropout, `matmul_attention` is always used: torch has no fused kernel with dropout for CPUs, and
    our dropout masks are faster.
    Reference implementation: `torch.nn.functional.scaled_dot_product_attention`.

    Args:
        K, V: may have fewer heads than Q; then consecutive query heads share a head of K and V.
        mask, scale: as `attn_mask` and `scale` of torch's function.
        causal: as `is_causal` of torch's function; there must be as many queries as keys.
        dropout: dropout rate of the weights.
    """
    if (
        Q.device.type == "cpu"
        and Q.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        # Test `is_compiling` before the shapes: torch.compile turns each tested shape into a guard.
        and not torch.compiler.is_compiling()
        and (
            dropout
            or (K.shape[-2] <= ATTENTION_KEYS() and (Q.shape[-2] > 1 or len(Q) >= ATTENTION_ROWS()))
        )
    ):
        return matmul_attention(Q, K, V, mask, causal=causal, scale=scale, dropout=dropout)
    shared: Any = {}
    if K.shape[1] != Q.shape[1]:
        if mask is None or Q.device.type == "cpu":
            shared["enable_gqa"] = True
        else:  # on other devices, no fused kernel supports shared heads together with a mask
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
    """Return left @ right. If several heads of ``left`` share a head of ``right``, their rows are
    stacked, so that ``right`` need not be repeated."""
    groups = right.shape[1]
    if left.shape[1] == groups:
        return left @ right
    stacked = left.unflatten(1, (groups, -1)).flatten(2, 3)
    return (stacked @ right).unflatten(2, (-1, left.shape[2])).flatten(1, 2)


def softmax(scores: Float[Tensor, "*rows keys"]) -> Float[Tensor, "*rows keys"]:
    """Return the softmax over the keys. Every row must have a score other than -inf.

    With AVX-512, torch computes rows of fewer than 16 keys one number at a time. Here, such rows
    are computed with vector instructions: exp(score - maximum of the row), divided by the sum of
    the row. Reference implementation: `Tensor.softmax`.
    """
    if scores.shape[-1] <= SOFTMAX_KEYS() and scores.numel() >= MANY_SCORES:
        return short_softmax(scores)
    return scores.softmax(dim=-1)


def short_softmax(scores: Float[Tensor, "*rows keys"]) -> Float[Tensor, "*rows keys"]:
    """Compute `softmax` with one vector instruction for several rows."""
    return _ShortSoftmax.apply(scores)  # pyright: ignore


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
