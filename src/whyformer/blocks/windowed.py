"""Restricted self-attention (§4): every position attends only to its neighborhood."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from whyformer.blocks.masks import combine, window_mask
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.positions import Positions


def windowed_attention(
    Q: Float[Tensor, "batch heads length d_k"],
    K: Float[Tensor, "batch heads length d_k"],
    V: Float[Tensor, "batch heads length d_v"],
    width: int,
    *,
    scale: float | None = None,
) -> Float[Tensor, "batch heads length d_v"]:
    """Attend from every position to itself and the ``width`` - 1 positions before it.

    For n positions, this function computes width·n scores. The reference implementation,
    `attention` with `window_mask`, computes all n² scores.

    Paper: Vaswani et al. 2017, §4 and Table 1, row "self-attention (restricted)".
    Differs: see `window_mask`.
    Args: scale: factor on QKᵀ; None means 1/√d_k.
    """
    length = Q.shape[-2]
    behind = (0, 0, width - 1, 0)
    near = F.pad(K, behind).unfold(-2, width, 1)  # (batch, heads, length, d_k, width), a view
    scores = (Q[..., None, :] @ near)[..., 0, :] * (Q.shape[-1] ** -0.5 if scale is None else scale)
    place = torch.arange(length, device=Q.device)[:, None] + torch.arange(width, device=Q.device)
    weights = scores.masked_fill(place < width - 1, -torch.inf).softmax(dim=-1)
    values = F.pad(V, behind).unfold(-2, width, 1)
    return (weights[..., None, :] @ values.mT)[..., 0, :]


class WindowedAttention(MultiHeadAttention):
    """`MultiHeadAttention` in which each query attends to a window of keys.

    The fused path computes `windowed_attention`. The explicit path computes all scores and masks
    the scores outside the window. With a mask, a position scheme or a history, the fused path also
    computes and masks all scores.

    Paper: Vaswani et al. 2017, §4.
    Differs: see `window_mask`.
    Args: width: number of positions in the window, including the query's position (r in the paper).
    """

    def __init__(self, d_model: int, heads: int, d_k: int, *, width: int) -> None:
        super().__init__(d_model, heads, d_k)
        self.width = width

    def is_banded(
        self, queries: int, keys: int, allowed: Tensor | None, positions: Positions | None
    ) -> bool:
        """Return whether only the scores inside the window are computed."""
        plain = allowed is None and positions is None and queries == keys
        return plain and self.path is AttentionPath.FUSED

    def forward(
        self,
        x: Float[Tensor, "batch queries d_model"],
        keys_values: tuple[Tensor, Tensor],
        allowed: Bool[Tensor, "#batch #heads #queries keys"] | None = None,
        *,
        causal: bool = True,
        positions: Positions | None = None,
        queries: Float[Tensor, "batch heads queries d_k"] | None = None,
    ) -> Float[Tensor, "batch queries d_model"]:
        """Attend to the window. Args: causal: ignored, because a window has no later positions."""
        K, V = keys_values
        length, keys = x.shape[1], K.shape[2]
        if not self.is_banded(length, keys, allowed, positions):
            inside = combine(allowed, window_mask(length, keys, self.width, x.device))
            return super().forward(x, keys_values, inside, positions=positions, queries=queries)
        Q = self._split(self.project_query(x), self.heads) if queries is None else queries
        Q, K, scale = self.scale(self.scale.queries(Q), K)
        heads = windowed_attention(Q, K, V, self.width, scale=scale)
        return self.project_output(heads.transpose(1, 2).flatten(2))
