"""Scaled dot-product attention (Eq. 1): a reference implementation and a fused implementation."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whyformer.acceleration.cpu_attention import scaled_dot_product_attention
from whyformer.acceleration.dropout_mask import drop
from whyformer.blocks.masks import causal_mask, combine


def attention(
    Q: Float[Tensor, "batch heads queries d_k"],
    K: Float[Tensor, "batch kv_heads keys d_k"],
    V: Float[Tensor, "batch kv_heads keys d_v"],
    allowed: Bool[Tensor, "#batch #heads #queries keys"]
    | Float[Tensor, "#batch #heads #queries keys"]
    | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    bias: Float[Tensor, "#batch #heads queries keys"] | None = None,
    dropout: float = 0.0,
) -> tuple[
    Float[Tensor, "batch heads queries d_v"],
    Float[Tensor, "batch heads queries keys"],
    Float[Tensor, "batch heads queries keys"],
]:
    """Scaled dot-product attention: softmax(QKᵀ / √d_k) V, with its weights and scores.

    Paper: Vaswani et al. 2017 (arXiv:1706.03762), §3.2.1, Eq. 1.
    Differs: a query without any allowed key gets weights 0 and output 0; the paper does not define
        this case.
    Args:
        K, V: may have fewer heads than Q; then consecutive query heads share a head of K and V.
        allowed: a mask that is True where a query may attend to a key, or the same mask converted
            by `as_bias`; None allows all.
        causal: True forbids each query to attend to keys at later positions. The last query has the
            position of the last key.
        scale: factor applied to QKᵀ; None means 1/√d_k.
        bias: numbers that are added to the scaled scores (ALiBi, relative positions).
        dropout: dropout rate of the weights.
    Returns: the output, the weights before dropout, and the scores before masking.
    """
    K, V = repeat_heads(K, Q.shape[1]), repeat_heads(V, Q.shape[1])
    scores = Q @ K.mT * (Q.shape[-1] ** -0.5 if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    if allowed is not None and allowed.is_floating_point():
        allowed = allowed.isfinite()
    if causal:
        allowed = combine(allowed, causal_mask(Q.shape[-2], K.shape[-2], Q.device))
    output, weights = weigh(scores, V, allowed, dropout=dropout)
    return output, weights, scores


def repeat_heads(
    x: Float[Tensor, "batch kv_heads keys width"], heads: int
) -> Float[Tensor, "batch heads keys width"]:
    """Repeat the heads of keys or values: query head i uses head ⌊i · kv_heads / heads⌋.

    Source: Ainslie et al. 2023 (arXiv:2305.13245), §2.2.
    """
    return x if x.shape[1] == heads else x.repeat_interleave(heads // x.shape[1], dim=1)


def weigh(
    scores: Float[Tensor, "*heads queries keys"],
    V: Float[Tensor, "*heads keys d_v"],
    allowed: Bool[Tensor, "*#heads #queries keys"] | None = None,
    *,
    dropout: float = 0.0,
) -> tuple[Float[Tensor, "*heads queries d_v"], Float[Tensor, "*heads queries keys"]]:
    """Return two tensors: softmax(scores) V, the weighted means of V; and softmax(scores), the
    weights.

    Paper: Vaswani et al. 2017, §3.2.1, Eq. 1; Luong et al. 2015 (arXiv:1508.04025), §3, Eq. 7.
    Differs: see `attention`.
    Args:
        allowed: True where a query may attend to a key; None allows all.
        dropout: see `attention`.
    """
    if allowed is None:
        weights = scores.softmax(dim=-1)
    else:
        anywhere = allowed.any(dim=-1, keepdim=True)
        # A row without allowed keys would give NaN, also in gradients. So allow all keys in such a
        # row, and set its weights to 0 afterwards.
        masked = scores.masked_fill(~(allowed | ~anywhere), -math.inf)
        weights = masked.softmax(dim=-1).masked_fill(~anywhere, 0.0)
    return (drop(weights, dropout) if dropout else weights) @ V, weights


def fused_attention(
    Q: Float[Tensor, "batch heads queries d_k"],
    K: Float[Tensor, "batch kv_heads keys d_k"],
    V: Float[Tensor, "batch kv_heads keys d_v"],
    allowed: Bool[Tensor, "#batch #heads #queries keys"]
    | Float[Tensor, "#batch #heads #queries keys"]
    | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    bias: Float[Tensor, "#batch #heads queries keys"] | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads queries d_v"]:
    """Compute the output of `attention` with a fused kernel that does not store the weights.

    Paper: Vaswani et al. 2017, §3.2.1, Eq. 1; kernel: Dao et al. 2022 (arXiv:2205.14135).
    Differs: see `attention`. The output equals that of `attention` within floating-point tolerance.
    """
    if causal and Q.shape[-2] == 1:
        causal = False  # a single query is at the last position and attends to every key
    if allowed is not None and allowed.is_floating_point():
        allowed, bias = None, allowed if bias is None else bias + allowed
    # The kernel's causal flag aligns the first query with the first key. This alignment is wrong
    # if there are more keys than queries.
    flag = causal and Q.shape[-2] == K.shape[-2] and allowed is None and bias is None
    if causal and not flag:
        allowed = combine(allowed, causal_mask(Q.shape[-2], K.shape[-2], Q.device))
    if allowed is None:
        return scaled_dot_product_attention(
            Q, K, V, bias, causal=flag, scale=scale, dropout=dropout
        )
    anywhere = allowed.any(dim=-1, keepdim=True)
    mask = allowed | ~anywhere
    if bias is not None:
        mask = bias.masked_fill(~mask, -math.inf)
    output = scaled_dot_product_attention(Q, K, V, mask, scale=scale, dropout=dropout)
    return torch.where(anywhere, output, 0.0)
