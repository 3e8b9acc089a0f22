"""The settings that all stacks of layers share, and the blocks built from them."""

from dataclasses import dataclass

from pydantic import Field, model_validator
from torch import nn

# Importing these modules registers their attention variants.
from whyformer.blocks import grouped_query, multi_query  # noqa: F401
from whyformer.blocks.feedforward import FEEDFORWARDS, Activation, FeedForward
from whyformer.blocks.multihead import ATTENTIONS, Attention, MultiHeadAttention
from whyformer.blocks.normalization import NORMS, Norm
from whyformer.blocks.positions import POSITIONS, Position, Positions
from whyformer.blocks.residual import WIRINGS, Residual, Wiring
from whyformer.blocks.scaling import ScoreScale
from whyformer.foundation.bounds import MAX_HEADS, MAX_INNER, MAX_POSITIONS, MAX_WIDTH
from whyformer.foundation.config import Settings


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

    def parts(self, *, depth_scale: float = 1.0, bias: bool = False) -> "Parts":
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
            activation=self.activation,
            position=self.positions,
            score_scale=self.score_scale,
            max_length=self.max_length,
            depth_scale=depth_scale,
            bias=bias,
        )


@dataclass(frozen=True)
class Parts:
    """Makes the blocks of a layer, with the sizes and variants that all layers of a stack share.

    Args:
        depth_scale: DeepNorm's α.
        bias: whether the attention projections have a bias (GPT and BERT: yes; paper: no).
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
    activation: Activation
    position: Position
    score_scale: ScoreScale
    max_length: int
    depth_scale: float = 1.0
    bias: bool = False

    def attention(self) -> MultiHeadAttention:
        """Make a multi-head attention."""
        return ATTENTIONS[self.attention_kind](
            self.d_model,
            self.heads,
            self.d_k,
            scale=self.score_scale,
            bias=self.bias,
            dropout=self.attention_dropout,
            kv_heads=self.kv_heads,
        )

    def feedforward(self) -> FeedForward:
        """Make a feed-forward network."""
        return FEEDFORWARDS[self.activation](self.d_model, self.d_ff)

    def residual(self) -> Residual:
        """Make the residual connection of one sub-layer."""
        return WIRINGS[self.wiring](self.d_model, self.norm, self.dropout, self.depth_scale)

    def positions(self, *, causal: bool) -> Positions:
        """Make the position scheme of a stack."""
        return POSITIONS[self.position](
            self.d_model, self.d_k, self.heads, causal=causal, max_length=self.max_length
        )

    def final_norm(self) -> nn.Module:
        """Make the norm at the end of a stack; the identity if the residual wiring needs none."""
        return NORMS[self.norm](self.d_model) if WIRINGS[self.wiring].final_norm else nn.Identity()
