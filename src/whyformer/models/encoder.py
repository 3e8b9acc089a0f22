"""The encoder: a stack of identical layers (Figure 1, left)."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.masks import padding_mask
from whyformer.models.parts import Parts

GROUP = 16
"""Number of sentences in a group; larger groups are not faster."""
MOSTLY_REAL = 0.9
"""If more than this fraction of the tokens is not padding, encoding in groups saves no time."""


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with a residual connection.

    Paper: Vaswani et al. 2017, §3.1 and Figure 1.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.self_attention = parts.attention()
        self.feedforward = parts.feedforward()
        self.wire_self_attention = parts.residual()
        self.wire_feedforward = parts.residual()

    def forward(self, x: Tensor, positions, allowed: Tensor | None) -> Tensor:
        """Return the residual stream after this layer."""

        def attend(x: Tensor) -> Tensor:
            queries, keys, values = self.self_attention.queries_keys_values(x, positions)
            return self.self_attention(
                x, (keys, values), allowed, positions=positions, queries=queries
            )

        x = self.wire_self_attention(x, attend)
        return self.wire_feedforward(x, self.feedforward)


class Encoder(nn.Module):
    """Embedding, N encoder layers, and a final norm if the residual wiring needs one."""

    def __init__(self, parts: Parts, layers: int, embedding: TokenEmbedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = parts.positions(causal=False)
        self.embedding_norm = parts.embedding_norm()
        self.layers = nn.ModuleList(EncoderLayer(parts) for _ in range(layers))
        self.final_norm = parts.final_norm()

    def forward(
        self, source: Int[Tensor, "batch source"], real: Bool[Tensor, "batch source"] | None
    ) -> Float[Tensor, "batch source d_model"]:
        """Return a vector for each source token; the vectors of padding have no meaning."""
        allowed = padding_mask(real)
        x = self.embedding(source, self.positions, norm=self.embedding_norm)
        for layer in self.layers:
            x = layer(x, self.positions, allowed)
        return self.final_norm(x)

    def in_groups(
        self, source: Int[Tensor, "batch source"], real: Bool[Tensor, "batch source"] | None
    ) -> Float[Tensor, "batch source d_model"]:
        """Encode the batch in groups of adjacent rows if this reduces padding.

        Rows of similar length should be adjacent. The vectors of real tokens are equal to those of
        `forward`, up to rounding. After the longest row of a group, the vectors are zero.
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
