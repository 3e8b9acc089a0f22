"""Multi-head attention (§3.2.2): h parallel attentions on learned projections."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from jaxtyping import Bool, Float
from torch import Tensor, nn

from whyformer.acceleration.joint_projection import project_jointly
from whyformer.blocks.attention import attention, fused_attention
from whyformer.blocks.linear import Linear
from whyformer.blocks.positions import Offset, Positions
from whyformer.blocks.scaling import SCALINGS, ScoreScale
from whyformer.blocks.taps import Tap
from whyformer.foundation.registry import Registry


class AttentionPath(StrEnum):
    """Implementation of Eq. 1."""

    FUSED = "fused"
    """A fused kernel, which is faster and does not store the weights."""
    EXPLICIT = "explicit"
    """The reference implementation, whose scores and weights can be observed."""


class MultiHeadAttention(nn.Module):
    """MultiHead(Q, K, V) = Concat(head_1 … head_h) W^O, head_i = Attention(QW_i^Q, KW_i^K, VW_i^V).

    Paper: Vaswani et al. 2017, §3.2.2.
    Args:
        d_k: width of queries, keys and values of one head; it may differ from d_model / heads.
        scale: name of the scaling of QKᵀ.
        path: `fused` is fast. With `explicit`, `observe(model, "*.weights")` can record the
            weights.
        bias: whether the projections have a bias (paper: no; GPT and BERT: yes).
        dropout: dropout rate of the attention weights (paper: 0; GPT and BERT: 0.1).
        kv_heads: number of key and value heads; None means the default of the attention variant.
    """

    @classmethod
    def choose_kv_heads(cls, heads: int, kv_heads: int | None) -> int:
        """Return the number of key and value heads.

        Args: kv_heads: the setting with this name.
        Raises: ValueError, with a message for the user, when this variant of attention does not
            support ``kv_heads``.
        """
        if kv_heads not in (None, heads):
            raise ValueError(
                f"multi-head attention needs `kv_heads` equal to `heads`, which is {heads}, but "
                f"`kv_heads` is {kv_heads}. Leave `kv_heads` out, or set `attention` to "
                "grouped-query."
            )
        return heads

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_k: int,
        *,
        scale: ScoreScale = "inverse-sqrt",
        path: AttentionPath = AttentionPath.FUSED,
        bias: bool = False,
        dropout: float = 0.0,
        kv_heads: int | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.d_k, self.path, self.dropout = heads, d_k, path, dropout
        self.kv_heads = self.choose_kv_heads(heads, kv_heads)
        self.project_query = Linear(d_model, heads * d_k, bias=bias)
        self.project_key = Linear(d_model, self.kv_heads * d_k, bias=bias)
        self.project_value = Linear(d_model, self.kv_heads * d_k, bias=bias)
        self.project_output = Linear(heads * d_k, d_model, bias=bias)
        self.scale = SCALINGS[scale](d_k, heads)
        self.scores = Tap()
        self.weights = Tap()
        self.joint: Callable[[Tensor], Tensor | None] | None = None
        """Function that computes queries, keys and values in one product; it returns None when one
        product is not possible."""

    def queries_keys_values(
        self,
        x: Float[Tensor, "batch length d_model"],
        positions: Positions | None = None,
        offset: Offset = 0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Project x to the queries, keys and values of self-attention.

        The queries are (batch, heads, length, d_k); keys and values are (batch, kv_heads, length,
        d_k). This function rotates the keys by their positions; `forward` rotates the queries.
        Args: offset: position of the first token of ``x``.
        """
        joint = None if self.joint is None else self.joint(x)
        if joint is not None:
            heads = self.heads, self.kv_heads, self.kv_heads
            parts = joint.split([h * self.d_k for h in heads], dim=-1)
            Q, K, V = (self._split(part, h) for part, h in zip(parts, heads, strict=True))
        elif self.kv_heads == self.heads:
            layers = self.project_query, self.project_key, self.project_value
            Q, K, V = self._project(x, self.heads, *layers)
        else:
            Q = self._split(self.project_query(x), self.heads)
            K, V = self._project(x, self.kv_heads, self.project_key, self.project_value)
        return Q, self._rotated(K, positions, offset), V

    def keys_values(
        self,
        x: Float[Tensor, "batch keys d_model"],
        positions: Positions | None = None,
        offset: Offset = 0,
    ) -> tuple[Float[Tensor, "batch kv_heads keys d_k"], Float[Tensor, "batch kv_heads keys d_k"]]:
        """Project x to keys and values. Args: offset: position of the first token of ``x``."""
        K, V = self._project(x, self.kv_heads, self.project_key, self.project_value)
        return self._rotated(K, positions, offset), V

    def forward(
        self,
        x: Float[Tensor, "batch queries d_model"],
        keys_values: tuple[Tensor, Tensor],
        allowed: Bool[Tensor, "#batch #heads #queries keys"]
        | Float[Tensor, "#batch #heads #queries keys"]
        | None = None,
        *,
        causal: bool = False,
        positions: Positions | None = None,
        queries: Float[Tensor, "batch heads queries d_k"] | None = None,
    ) -> Float[Tensor, "batch queries d_model"]:
        """Attend from each position of ``x`` to the keys. The last query has the position of the
        last key.

        Args: queries: the projected queries of ``x``; if None, they are computed here.
        """
        Q = self._split(self.project_query(x), self.heads) if queries is None else queries
        return self.merge(self.look(Q, keys_values, allowed, causal=causal, positions=positions))

    def look(
        self,
        Q: Float[Tensor, "batch heads queries d_k"],
        keys_values: tuple[Tensor, Tensor],
        allowed: Tensor | None = None,
        *,
        causal: bool = False,
        positions: Positions | None = None,
    ) -> Float[Tensor, "batch heads queries d_k"]:
        """Return the output of each head, before `merge` joins them. For the arguments, see
        `forward`."""
        K, V = keys_values
        Q, bias = self.scale.queries(Q), None
        if positions is not None:
            Q = positions.rotate(Q, K.shape[2] - Q.shape[2])
            bias = positions.bias(Q.shape[2], K.shape[2])
        Q, K, scale = self.scale(Q, K)
        how: Any = {"causal": causal, "scale": scale, "bias": bias}
        how["dropout"] = self.dropout if self.training else 0.0
        if self.path is AttentionPath.FUSED:
            heads = fused_attention(Q, K, V, allowed, **how)
        else:
            heads, weights, scores = attention(Q, K, V, allowed, **how)
            self.scores(scores)
            self.weights(weights)
        return heads

    def merge(
        self, heads: Float[Tensor, "batch heads queries d_k"]
    ) -> Float[Tensor, "batch queries d_model"]:
        """Concatenate the heads and project them with W^O (§3.2.2)."""
        return self.project_output(heads.transpose(1, 2).flatten(2))

    def _rotated(self, K: Tensor, positions: Positions | None, offset: Offset) -> Tensor:
        K = self.scale.keys(K)
        return K if positions is None else positions.rotate(K, offset)

    def _project(self, x: Tensor, heads: int, *layers: nn.Linear) -> tuple[Tensor, ...]:
        joint = project_jointly(x, layers, heads, Linear)
        return tuple(self._split(layer(x), heads) for layer in layers) if joint is None else joint

    def _split(
        self, x: Float[Tensor, "batch length {heads*self.d_k}"], heads: int
    ) -> Float[Tensor, "batch {heads} length {self.d_k}"]:
        return x.unflatten(-1, (heads, self.d_k)).transpose(1, 2)


ATTENTIONS = Registry[type[MultiHeadAttention]]("attention", MultiHeadAttention)
Attention = Annotated[str, ATTENTIONS]
"""Name of an attention variant; it determines the number of key and value heads."""
ATTENTIONS.register("multi-head")(MultiHeadAttention)


def use_path(model: nn.Module, path: AttentionPath) -> None:
    """Set the implementation of attention in every layer of ``model``; its outputs stay the same
    within floating-point tolerance."""
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            module.path = path
