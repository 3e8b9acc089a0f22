"""The recurrent decoder with attention over the source."""

from dataclasses import dataclass, replace
from typing import cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.additive_attention import RecurrentAttention, SourceAttention
from whyformer.blocks.dropout import VariationalDropout
from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.history import concatenate_masks, concatenate_padded
from whyformer.blocks.recurrence import Recurrence, State
from whyformer.models.recurrent.settings import (
    RecurrentSettings,
    dropout_of,
    no_positions,
    state_dropout_of,
)


@dataclass(frozen=True)
class Source:
    """The encoded source for the decoder; one row per sentence.

    Args:
        keys: the part of the attention scores that depends only on the source.
        memory: the encoder's vectors, (sentences, source, d_model).
    """

    keys: Tensor | None
    memory: Tensor
    allowed: Bool[Tensor, "sentences 1 source"] | None

    def join(self, other: "Source") -> "Source":
        """Append the sentences of another source."""
        real = concatenate_masks(self.real, other.real)
        width, keys = real.shape[1], self.keys
        if keys is not None and other.keys is not None:
            keys = concatenate_padded(keys, other.keys, 1, width)
        return Source(keys, concatenate_padded(self.memory, other.memory, 1, width), real[:, None])

    @property
    def real(self) -> Bool[Tensor, "sentences source"]:
        """True where the source is not padding."""
        if self.allowed is not None:
            return self.allowed[:, 0]
        return self.memory.new_ones(self.memory.shape[:2], dtype=torch.bool)

    def rows(self, rows: Tensor) -> "Source":
        """Return the selected sentences in the given order."""
        keys = None if self.keys is None else self.keys.index_select(0, rows)
        allowed = None if self.allowed is None else self.allowed.index_select(0, rows)
        return Source(keys, self.memory.index_select(0, rows), allowed)


@dataclass(frozen=True)
class Memory:
    """The decoder state between two positions; one row per beam.

    Args:
        states: the state of each layer.
        fed: the last output of the attention, for input feeding.
    """

    states: list[State]
    fed: Tensor

    def rows(self, rows: Tensor) -> "Memory":
        """Return the selected rows in the given order."""
        states = [tuple(part.index_select(0, rows) for part in one) for one in self.states]
        return Memory(states, self.fed.index_select(0, rows))

    def join(self, other: "Memory") -> "Memory":
        """Append the rows of another memory."""
        states = [
            tuple(torch.cat(parts) for parts in zip(one, more, strict=True))
            for one, more in zip(self.states, other.states, strict=True)
        ]
        return Memory(states, torch.cat([self.fed, other.fed]))


class Decoder(nn.Module):
    """Embedding, N recurrent layers, and attention over the source.

    Paper: Luong et al. 2015 (arXiv:1508.04025), §3 and Figure 4 (input feeding); without attention:
        Sutskever et al. 2014 (arXiv:1409.3215), §2.
    Differs: the first state of each layer is the tanh of a projection of the encoder's last states
        (Bahdanau et al. 2014, A.2.2). Each layer has a separate projection. Luong et al. and
        Sutskever et al. copy the states.
    """

    def __init__(self, settings: RecurrentSettings, embedding: TokenEmbedding) -> None:
        super().__init__()
        width = settings.d_model
        self.input_feeding = settings.input_feeding
        self.embedding = embedding
        self.positions = no_positions(settings)
        self.dropout = dropout_of(settings)
        self.state_dropout = state_dropout_of(settings)
        inputs = [2 * width if settings.input_feeding else width] + [width] * (
            settings.decoder_layers - 1
        )
        self.layers = nn.ModuleList(Recurrence(settings.cell, one, width) for one in inputs)
        self.bridge = nn.Linear(width, width * settings.decoder_layers)
        self.attention = (
            None
            if settings.attention is RecurrentAttention.NONE
            else SourceAttention(settings.attention, width, settings.max_length)
        )

    def read(
        self,
        memory: Float[Tensor, "batch source d_model"],
        summary: Float[Tensor, "batch d_model"],
        real: Bool[Tensor, "batch source"] | None,
    ) -> tuple[Source, Memory]:
        """Return the source prepared for attention, and the state before the first token."""
        keys = None if self.attention is None else self.attention.score.keys(memory)
        source = Source(keys, memory, None if real is None else real[:, None])
        firsts = torch.tanh(self.bridge(summary)).chunk(len(self.layers), -1)
        states = [
            (first, *layer.zero_state(first)[1:])
            for first, layer in zip(firsts, self._layers, strict=True)
        ]
        return source, Memory(states, torch.zeros_like(summary))

    def forward(
        self, target: Int[Tensor, "rows target"], source: Source, memory: Memory
    ) -> tuple[Float[Tensor, "rows target d_model"], Memory]:
        """Return a vector for each target position, and the state after the last position."""
        x = self.embedding(target, self.positions)
        masks = [self.state_dropout.mask(memory.fed) for _ in self.layers]
        if self.input_feeding:
            x, memory = self._position_by_position(x, source, memory, masks)
        else:
            x, memory = self._layer_by_layer(x, source, memory, masks)
        return self.dropout(x), memory

    def _layer_by_layer(
        self, x: Tensor, source: Source, memory: Memory, masks: list[Tensor | None]
    ) -> tuple[Tensor, Memory]:
        """Compute each layer over all positions at once, without input feeding."""
        states = []
        for number, (layer, mask) in enumerate(zip(self._layers, masks, strict=True)):
            x, state = layer(self.dropout(x) if number else x, memory.states[number], mask)
            states.append(state)
        return self._attend(x, source), replace(memory, states=states)

    def _position_by_position(
        self, x: Tensor, source: Source, memory: Memory, masks: list[Tensor | None]
    ) -> tuple[Tensor, Memory]:
        """Compute one position after another, for input feeding: the attention output of the
        previous position is an input of the next position."""
        first, *_ = layers = self._layers
        width = x.shape[-1]
        of_token, of_fed = first.from_input.weight.split(width, 1)
        gates = nn.functional.linear(
            x, of_token, first.from_input.bias
        )  # computed for all positions at once
        states, fed, outputs = list(memory.states), memory.fed, []
        between = [self._between_mask(x) for _ in layers[1:]]
        for now in gates.unbind(1):
            now = now + fed @ of_fed.T
            for number, layer in enumerate(layers):
                states[number] = layer.step(now, states[number], masks[number])
                if number + 1 < len(layers):
                    h = self._dropped(states[number][0], between[number])
                    now = layers[number + 1].from_input(h)
            fed = self._attend(states[-1][0][:, None], source)[:, 0]
            outputs.append(fed)
        return torch.stack(outputs, 1), Memory(states, fed)

    def _between_mask(self, x: Tensor) -> Tensor | None:
        return self.dropout.mask(x[:, 0]) if isinstance(self.dropout, VariationalDropout) else None

    def _dropped(self, h: Tensor, mask: Tensor | None) -> Tensor:
        if isinstance(self.dropout, VariationalDropout):
            return h if mask is None else h * mask
        return self.dropout(h)

    def _attend(self, h: Tensor, source: Source) -> Tensor:
        if self.attention is None or source.keys is None:
            return h
        queries = h.reshape(len(source.memory), -1, h.shape[-1])  # queries: all beams
        output = self.attention(queries, source.keys, source.memory, source.allowed)
        return output.reshape(h.shape)

    @property
    def _layers(self) -> list[Recurrence]:
        return cast(list[Recurrence], list(self.layers))
