"""The settings that all stacks of layers share, and the blocks built from them."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, model_validator
from torch import nn

# Importing these modules registers their attention variants.
from whyformer.blocks import grouped_query, multi_query  # noqa: F401
from whyformer.blocks.embeddings import EmbeddingNorm
from whyformer.blocks.feedforward import FEEDFORWARDS, Activation, FeedForward, drop_biases
from whyformer.blocks.multihead import ATTENTIONS, Attention, MultiHeadAttention
from whyformer.blocks.normalization import EPSILON, NORMS, Norm, set_epsilon
from whyformer.blocks.positions import POSITIONS, Position, Positions
from whyformer.blocks.residual import WIRINGS, Residual, Wiring
from whyformer.blocks.scaling import ScoreScale
from whyformer.foundation.bounds import MAX_HEADS, MAX_INNER, MAX_POSITIONS, MAX_WIDTH
from whyformer.foundation.config import Settings


class Biases(StrEnum):
    """Which linear layers of a stack have a bias. Gated feed-forward networks never have one."""

    NONE = "none"
    """No layer, as in T5 and Llama."""
    FEED_FORWARD = "feed-forward"
    """The layers of the feed-forward network (Vaswani et al. 2017, Eq. 2)."""
    ALL = "all"
    """The layers of the feed-forward network and of attention, as in GPT-2, BERT and BART."""


class StackSettings(Settings):
    """Sizes and variants of a stack of layers; the defaults are those of the paper's base model."""

    d_model: int = Field(default=512, ge=1, le=MAX_WIDTH)
    """Width of the residual stream (paper: 512)."""
    heads: int = Field(default=8, ge=1, le=MAX_HEADS)
    """Number of attention heads per layer (h in the paper: 8)."""
    d_k: int | None = Field(default=None, ge=1, le=MAX_WIDTH)
    """Width of a head's queries, keys and values; None means d_model / heads (paper: 64)."""
    attention: Attention = "multi-head"
    """Kind of attention (paper: multi-head)."""
    kv_heads: int | None = Field(default=None, ge=1, le=MAX_HEADS)
    """Number of key and value heads for grouped-query attention; must divide heads. None uses the
    default of the attention variant (multi-head: heads, multi-query: 1)."""
    d_ff: int = Field(default=2048, ge=1, le=MAX_INNER)
    """Inner width of the feed-forward network (paper: 2048)."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout rate of each sub-layer's output and of the embedding sum (paper: 0.1)."""
    attention_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout rate of the attention weights (paper: 0; GPT and BERT: 0.1)."""
    wiring: Wiring = "post-norm"
    """Residual wiring (paper: post-norm)."""
    norm: Norm = "layer"
    """Type of normalization (paper: layer)."""
    norm_epsilon: float = Field(default=EPSILON, gt=0, le=1, allow_inf_nan=False)
    """The constant ε under the root of every norm (1e-5; BERT: 1e-12; T5: 1e-6)."""
    biases: Biases = Biases.FEED_FORWARD
    """Which linear layers have a bias: none, feed-forward (paper) or all."""
    activation: Activation = "relu"
    """Activation of the feed-forward network (paper: relu)."""
    positions: Position = "sinusoidal"
    """Position scheme (paper: sinusoidal)."""
    score_scale: ScoreScale = "inverse-sqrt"
    """Factor applied to QKᵀ (paper: inverse-sqrt, 1/√d_k); qk-norm also normalizes Q and K."""
    max_length: int = Field(default=1024, ge=1, le=MAX_POSITIONS)
    """Maximum sequence length in tokens. Only learned positions store a table of this length."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "StackSettings":
        if self.d_k is None and self.d_model % self.heads:
            fitting = [str(h) for h in range(1, 65) if self.d_model % h == 0]
            raise ValueError(
                f"`d_model` must be divisible by `heads` unless `d_k` is given, but {self.d_model} "
                f"is not divisible by {self.heads}. Choose heads from {', '.join(fitting)}."
            )
        POSITIONS[self.positions].check(self.head_width)
        ATTENTIONS[self.attention].choose_kv_heads(self.heads, self.kv_heads)
        return self

    @property
    def longest_source(self) -> int | None:
        """Maximum number of source tokens; None if the position scheme has no limit."""
        return self.max_length if POSITIONS[self.positions].limited else None

    @property
    def longest_target(self) -> int | None:
        """Maximum number of target tokens, including bos; None if the position scheme has no
        limit."""
        return self.longest_source

    @property
    def head_width(self) -> int:
        """The width of a head: `d_k`, or d_model / heads if it is not set."""
        return self.d_k or self.d_model // self.heads

    @property
    def key_value_heads(self) -> int:
        """The number of key and value heads: `kv_heads`, or the default of the attention
        variant."""
        return ATTENTIONS[self.attention].choose_kv_heads(self.heads, self.kv_heads)

    def parts(
        self, *, depth_scale: float = 1.0, embedding_norm: EmbeddingNorm = EmbeddingNorm.NONE
    ) -> "Parts":
        """Return the factory for the blocks of a stack with these settings."""
        return Parts(
            d_model=self.d_model,
            d_ff=self.d_ff,
            attention_kind=self.attention,
            heads=self.heads,
            kv_heads=self.kv_heads,
            d_k=self.head_width,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            wiring=self.wiring,
            norm=self.norm,
            norm_epsilon=self.norm_epsilon,
            biases=self.biases,
            activation=self.activation,
            position=self.positions,
            score_scale=self.score_scale,
            max_length=self.max_length,
            depth_scale=depth_scale,
            embedding_normalized=embedding_norm,
        )


@dataclass(frozen=True)
class Parts:
    """Makes the blocks of a layer, with the sizes and variants that all layers of a stack share.

    Args:
        depth_scale: DeepNorm's α.
        embedding_normalized: whether a stack begins with a norm of the embedding sum.
    """

    d_model: int
    d_ff: int
    attention_kind: Attention
    heads: int
    kv_heads: int | None
    d_k: int
    dropout: float
    attention_dropout: float
    wiring: Wiring
    norm: Norm
    norm_epsilon: float
    biases: Biases
    activation: Activation
    position: Position
    score_scale: ScoreScale
    max_length: int
    depth_scale: float = 1.0
    embedding_normalized: EmbeddingNorm = EmbeddingNorm.NONE

    def attention(self) -> MultiHeadAttention:
        """Make a multi-head attention."""
        attention = ATTENTIONS[self.attention_kind](
            self.d_model,
            self.heads,
            self.d_k,
            scale=self.score_scale,
            bias=self.biases is Biases.ALL,
            dropout=self.attention_dropout,
            kv_heads=self.kv_heads,
        )
        set_epsilon(attention, self.norm_epsilon)
        return attention

    def feedforward(self) -> FeedForward:
        """Make a feed-forward network."""
        network = FEEDFORWARDS[self.activation](self.d_model, self.d_ff)
        if self.biases is Biases.NONE:
            drop_biases(network)
        return network

    def residual(self) -> Residual:
        """Make the residual connection of one sub-layer."""
        wiring = WIRINGS[self.wiring](self.d_model, self.norm, self.dropout, self.depth_scale)
        set_epsilon(wiring, self.norm_epsilon)
        return wiring

    def positions(self, *, causal: bool) -> Positions:
        """Make the position scheme of a stack."""
        return POSITIONS[self.position](
            self.d_model, self.d_k, self.heads, causal=causal, max_length=self.max_length
        )

    def final_norm(self) -> nn.Module:
        """Make the norm at the end of a stack; the identity if the residual wiring needs none."""
        return self.new_norm(self.d_model) if WIRINGS[self.wiring].final_norm else nn.Identity()

    def embedding_norm(self) -> nn.Module | None:
        """Make the norm of the sum of token and position vectors; None if it is not normalized."""
        normalized = self.embedding_normalized is EmbeddingNorm.SUM
        return self.new_norm(self.d_model) if normalized else None

    def new_norm(self, width: int) -> nn.Module:
        """Make a norm of vectors of the given width."""
        norm = NORMS[self.norm](width)
        set_epsilon(norm, self.norm_epsilon)
        return norm
