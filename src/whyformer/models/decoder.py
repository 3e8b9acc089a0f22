"""The decoder: layers that attend to earlier positions and to the encoder's output (Figure 1,
right)."""

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.history import History, Past, StepRows
from whyformer.models.parts import Parts

KeysValues = tuple[Tensor, Tensor]


class DecoderLayer(nn.Module):
    """Masked self-attention, cross-attention to the encoder's output, and a feed-forward network.

    Paper: Vaswani et al. 2017, §3.1, §3.2.3 and Figure 1.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.self_attention = parts.attention()
        self.cross_attention = parts.attention()
        self.feedforward = parts.feedforward()
        self.wire_self_attention = parts.residual()
        self.wire_cross_attention = parts.residual()
        self.wire_feedforward = parts.residual()

    def forward(
        self,
        x: Tensor,
        memory: KeysValues,
        memory_allowed: Tensor | None,
        positions,
        histories: list[History] | None = None,
        step_rows: StepRows | None = None,
    ) -> Tensor:
        """Return the residual stream after this layer.

        Args:
            x: (rows, length, d_model); with histories, it contains only the new positions.
            memory: keys and values of the source, (sentences, heads, source, d_k). All beams of a
                sentence share these keys and values.
            memory_allowed: see `Decoder.forward`.
            histories: the cached keys and values of each cohort; this call appends to them.
            step_rows: the hypothesis and the position of each row; None means that row i is
                sentence i and starts at position 0.
        """

        def attend_to_self(x: Tensor) -> Tensor:
            offset = 0 if step_rows is None else step_rows.offset
            attention = self.self_attention
            queries, keys, values = attention.queries_keys_values(x, positions, offset)
            if step_rows is None or histories is None:
                return attention(
                    x, (keys, values), causal=True, positions=positions, queries=queries
                )
            parts = [one.split(step_rows.counts) for one in (queries, keys, values)]
            heads = [
                attention.look(Q, history.append(K, V), causal=True, positions=positions)
                for history, Q, K, V in zip(histories, *parts, strict=True)
            ]
            return attention.merge(torch.cat(heads) if len(heads) > 1 else heads[0])

        def attend_to_source(x: Tensor) -> Tensor:
            if step_rows is None:
                return self.cross_attention(x, memory, memory_allowed)
            # Use the beams of a sentence as the queries of this sentence.
            beams = step_rows.layout.spread(x[:, 0])
            found = self.cross_attention(beams, memory, memory_allowed)
            return step_rows.layout.rows(found)[:, None]

        x = self.wire_self_attention(x, attend_to_self)
        x = self.wire_cross_attention(x, attend_to_source)
        return self.wire_feedforward(x, self.feedforward)


class Decoder(nn.Module):
    """Embedding, N decoder layers, and a final norm if the residual wiring needs one."""

    def __init__(self, parts: Parts, layers: int, embedding: TokenEmbedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = parts.positions(causal=True)
        self.embedding_norm = parts.embedding_norm()
        self.layers = nn.ModuleList(DecoderLayer(parts) for _ in range(layers))
        self.final_norm = parts.final_norm()

    def read(self, memory: Float[Tensor, "batch source d_model"]) -> list[KeysValues]:
        """Compute each layer's keys and values from the encoder's output."""
        layers = cast(list[DecoderLayer], self.layers)
        return [layer.cross_attention.keys_values(memory) for layer in layers]

    def forward(
        self,
        target: Int[Tensor, "rows target"],
        memories: list[KeysValues],
        memory_allowed: Tensor | None,
        past: Past | None = None,
        step_rows: StepRows | None = None,
    ) -> Float[Tensor, "rows target d_model"]:
        """Return a vector for each target position, computed from this and earlier positions.

        Padding at the end of a target needs no mask, because no position attends to later
        positions.
        Args:
            memory_allowed: (sentences, 1, 1, source), see `attention`; None allows all.
            past, step_rows: only for a search, see `DecoderLayer.forward`; this call appends to
                `past`.
        """
        offset = 0 if step_rows is None else step_rows.offset
        x = self.embedding(target, self.positions, offset, self.embedding_norm)
        histories = [None] * len(self.layers) if past is None else past.layers
        for layer, memory, history in zip(self.layers, memories, histories, strict=True):
            x = layer(x, memory, memory_allowed, self.positions, history, step_rows)
        return self.final_norm(x)
