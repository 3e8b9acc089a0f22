"""The parts of a stack's layers, from one description: the one place that knows the choices."""

from dataclasses import dataclass

from torch import nn

from whyformer.blocks.feedforward import FEEDFORWARDS, Activation, FeedForward
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.blocks.normalization import NORMS, Norm
from whyformer.blocks.positions import POSITIONS, Position, Positions
from whyformer.blocks.residual import WIRINGS, Residual, Wiring
from whyformer.blocks.scaling import ScoreScale


@dataclass(frozen=True)
class Parts:
    """Every choice that the layers of a stack share. `depth_scale` is DeepNorm's α."""

    d_model: int
    d_ff: int
    heads: int
    d_k: int
    dropout: float
    wiring: Wiring
    norm: Norm
    activation: Activation
    position: Position
    score_scale: ScoreScale
    max_length: int
    depth_scale: float = 1.0

    def attention(self) -> MultiHeadAttention:
        """Make an attention of h heads."""
        return MultiHeadAttention(self.d_model, self.heads, self.d_k, scale=self.score_scale)

    def feedforward(self) -> FeedForward:
        """Make a feed-forward network."""
        return FEEDFORWARDS[self.activation](self.d_model, self.d_ff)

    def residual(self) -> Residual:
        """Make the wiring of one sub-layer."""
        return WIRINGS[self.wiring](self.d_model, self.norm, self.dropout, self.depth_scale)

    def positions(self, *, causal: bool) -> Positions:
        """Make the position scheme of a stack."""
        return POSITIONS[self.position](
            self.d_model, self.d_k, self.heads, causal=causal, max_length=self.max_length
        )

    def final_norm(self) -> nn.Module:
        """Make the norm at the end of a stack, or the identity."""
        return NORMS[self.norm](self.d_model) if WIRINGS[self.wiring].final_norm else nn.Identity()
