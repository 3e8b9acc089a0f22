"""The encoder: a stack of identical layers (Figure 1, left)."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.masks import padding_mask
from whyformer.models.parts import Parts

GROUP = 16
"""Sentences of a group: their products run as fast as those of many."""
MOSTLY_REAL = 0.9
"""Share of real tokens from which groups save nothing."""


class EncoderLayer(nn.Module):
    """Self-attention, then the feed-forward network, each wired into the residual stream.

    Paper: Vaswani et al. 2017, §3.1 and Figure 1.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.self_attention = parts.attention()
        self.feedforward = parts.feedforward()
        self.wire_self_attention = parts.residual()
        self.wire_feedforward = parts.residual()

    def forward(self, x: Tensor, positions, allowed: Tensor | None) -> Tensor:
        """Return the stream after this layer."""

        def look(x: Tensor) -> Tensor:
            queries, keys, values = self.self_attention.queries_keys_values(x, positions)
            return self.self_attention(
                x, (keys, values), allowed, positions=positions, queries=queries
            )

        x = self.wire_self_attention(x, look)
        return self.wire_feedforward(x, self.feedforward)


class Encoder(nn.Module):
    """Embedding, N layers, and a final norm where the wiring asks for one."""

    def __init__(self, parts: Parts, layers: int, embedding: TokenEmbedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = parts.positions(causal=False)
        self.layers = nn.ModuleList(EncoderLayer(parts) for _ in range(layers))
        self.final_norm = parts.final_norm()

    def forward(
        self, source: Int[Tensor, "batch source"], real: Bool[Tensor, "batch source"] | None
    ) -> Float[Tensor, "batch source d_model"]:
        """Return a vector for each source token; those of padding are meaningless."""
        allowed = padding_mask(real)
        x = self.embedding(source, self.positions)
        for layer in self.layers:
            x = layer(x, self.positions, allowed)
        return self.final_norm(x)

    def in_groups(
        self, source: Int[Tensor, "batch source"], real: Bool[Tensor, "batch source"] | None
    ) -> Float[Tensor, "batch source d_model"]:
        """Encode, and a few neighbours at a time where that saves padding.

        Those of like length should be neighbours. Real positions are those of `forward`, up to
        rounding; padding beyond a group's longest is zero.
        """
        if real is None or source.device.type != "cpu" or real.float().mean() > MOSTLY_REAL:
            return self(source, real)
        length = source.shape[1]
        parts = []
        for ids, there in zip(source.split(GROUP), real.split(GROUP), strict=True):
            end = max(int((there * torch.arange(1, length + 1)).amax()), 1)
            part = self(ids[:, :end], there[:, :end])
            parts.append(F.pad(part, (0, 0, 0, length - end)))
        return torch.cat(parts)
