"""The decoder: a stack that looks at its own past and at the encoder's output (Figure 1, right)."""

from typing import cast

from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.history import History, Layout
from whyformer.models.parts import Parts

KeysValues = tuple[Tensor, Tensor]


class DecoderLayer(nn.Module):
    """Masked self-attention, attention over the memory, and the feed-forward network.

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
        history: History | None = None,
        layout: Layout | None = None,
    ) -> Tensor:
        """Return the stream after this layer.

        Args:
            x: (rows, length, d_model); with a history, the new positions only.
            memory: keys and values of the source, (sentences, heads, source, d_k). When a sentence
                has several beams, all of them look at its one memory.
            history: what the rows remember; it grows by this call.
            layout: which hypotheses the rows are; None: row i is sentence i.
        """

        def look_back(x: Tensor) -> Tensor:
            offset = 0 if history is None else history.length
            queries, keys, values = self.self_attention.queries_keys_values(x, positions, offset)
            if history is not None:
                keys, values = history.append(keys, values)
            return self.self_attention(
                x, (keys, values), causal=True, positions=positions, queries=queries
            )

        def look_at_source(x: Tensor) -> Tensor:
            if layout is None:
                return self.cross_attention(x, memory, memory_allowed)
            beams = layout.spread(x[:, 0])  # the beams of a sentence are its queries
            return layout.rows(self.cross_attention(beams, memory, memory_allowed))[:, None]

        x = self.wire_self_attention(x, look_back)
        x = self.wire_cross_attention(x, look_at_source)
        return self.wire_feedforward(x, self.feedforward)


class Decoder(nn.Module):
    """Embedding, N layers, and a final norm where the wiring asks for one."""

    def __init__(self, parts: Parts, layers: int, embedding: TokenEmbedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = parts.positions(causal=True)
        self.layers = nn.ModuleList(DecoderLayer(parts) for _ in range(layers))
        self.final_norm = parts.final_norm()

    def read(self, memory: Float[Tensor, "batch source d_model"]) -> list[KeysValues]:
        """Project the encoder's output once for each layer."""
        layers = cast(list[DecoderLayer], self.layers)
        return [layer.cross_attention.keys_values(memory) for layer in layers]

    def forward(
        self,
        target: Int[Tensor, "rows target"],
        memories: list[KeysValues],
        memory_allowed: Tensor | None,
        histories: list[History] | None = None,
        layout: Layout | None = None,
    ) -> Float[Tensor, "rows target d_model"]:
        """Return a vector for each target position, which has seen that and earlier positions.

        Padding to the right of a target needs no mask: no real position looks right.
        Args:
            memory_allowed: (sentences, 1, 1, source), see `attention`; None allows all.
            layout: see `DecoderLayer.forward`.
        """
        x = self.embedding(target, self.positions, histories[0].length if histories else 0)
        for number, layer in enumerate(self.layers):
            history = histories[number] if histories else None
            x = layer(x, memories[number], memory_allowed, self.positions, history, layout)
        return self.final_norm(x)
