"""The recurrent sequence-to-sequence model: to compute state t, state t-1 must be there."""

from dataclasses import dataclass, replace
from typing import Literal, cast

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from whyformer.blocks.additive_attention import RecurrentAttention, SourceAttention
from whyformer.blocks.dropout import DROPOUTS, Dropout, DropoutForm, VariationalDropout
from whyformer.blocks.embeddings import TokenEmbedding, Tying
from whyformer.blocks.history import Layout, flat_rows, real_together, together
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.recurrence import Cell, Recurrence, State, last_real, reverse
from whyformer.blocks.recurrent_initialization import (
    RECURRENT_INITIALIZATIONS,
    RecurrentInitialization,
    linear,
)
from whyformer.blocks.taps import observe
from whyformer.foundation.bounds import MOST_LAYERS, MOST_POSITIONS, MOST_WIDTH
from whyformer.foundation.config import Settings
from whyformer.models.interface import EMPTY


class RecurrentSettings(Settings):
    """Shape and choices of a recurrent encoder-decoder with attention."""

    family: Literal["rnn"] = "rnn"
    """Which kind of model this is."""
    cell: Cell = Cell.LSTM
    """Equations of a layer: rnn (tanh), gru or lstm."""
    encoder_layers: int = Field(default=2, ge=1, le=MOST_LAYERS)
    """Layers of the encoder (Luong et al. 2015: 4)."""
    decoder_layers: int = Field(default=2, ge=1, le=MOST_LAYERS)
    """Layers of the decoder (Luong et al. 2015: 4)."""
    d_model: int = Field(default=256, ge=1, le=MOST_WIDTH)
    """Width of embeddings and of the decoder's state; each direction of the encoder has half."""
    bidirectional: bool = True
    """Whether the encoder also reads from the end (Bahdanau et al. 2014: yes)."""
    attention: RecurrentAttention = RecurrentAttention.GENERAL
    """How the decoder looks at the source: none, additive, dot, general or location."""
    input_feeding: bool = True
    """Whether what was found in the source enters the next state (Luong et al. 2015, §3.3)."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of elements dropped from embeddings, between layers and before the projection."""
    dropout_form: DropoutForm = DropoutForm.STANDARD
    """standard: drawn for every position. variational: once a sequence, and on the state as well,
    which needs the explicit loop and is slower."""
    tying: Tying = Tying.THREE_WAY
    """Which embeddings and projections share a matrix."""
    initialization: RecurrentInitialization = RecurrentInitialization.ORTHOGONAL
    """Starting weights of the recurrent layers: uniform, xavier, orthogonal or chrono."""
    forget_bias: float = Field(default=1.0, ge=-100, le=100)
    """Starting bias of an LSTM's forget gate, with all but chrono."""
    chrono_span: int = Field(default=100, ge=2, le=MOST_POSITIONS)
    """Positions that the longest-lasting gates remember at the start, with chrono."""
    max_length: int = Field(default=1024, ge=1, le=MOST_POSITIONS)
    """Longest sequence in tokens; rows of the table of attention `location`."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "RecurrentSettings":
        if self.bidirectional and self.d_model % 2:
            raise ValueError(
                "a bidirectional encoder gives half of `d_model` to each direction, but it is "
                f"{self.d_model}. Choose an even d_model."
            )
        if self.input_feeding and self.attention is RecurrentAttention.NONE:
            raise ValueError(
                "`input_feeding` feeds what attention found, but `attention` is none. "
                "Set model.input_feeding to false."
            )
        return self

    @property
    def longest_source(self) -> int | None:
        """Most tokens that a source may have; None where there is no end."""
        return self.max_length if self.attention is RecurrentAttention.LOCATION else None

    @property
    def longest_target(self) -> int | None:
        """None: a recurrent decoder writes without end."""
        return None

    @property
    def summary(self) -> str:
        """The shape in a few words."""
        fed = ", input feeding" if self.input_feeding else ""
        return (
            f"{self.encoder_layers}+{self.decoder_layers} layers of {self.cell}, d_model "
            f"{self.d_model}, {self.attention} attention{fed}"
        )


@dataclass(frozen=True)
class Source:
    """What the decoder reads of the source; one row a sentence."""

    keys: Tensor | None
    memory: Tensor
    allowed: Bool[Tensor, "sentences 1 source"] | None

    def join(self, other: "Source") -> "Source":
        """Return the sentences of both."""
        real = real_together(self.real, other.real)
        width, keys = real.shape[1], self.keys
        if keys is not None and other.keys is not None:
            keys = together(keys, other.keys, 1, width)
        return Source(keys, together(self.memory, other.memory, 1, width), real[:, None])

    @property
    def real(self) -> Bool[Tensor, "sentences source"]:
        """Where the source is not padding."""
        if self.allowed is not None:
            return self.allowed[:, 0]
        return self.memory.new_ones(self.memory.shape[:2], dtype=torch.bool)

    def rows(self, rows: Tensor) -> "Source":
        """Return the named sentences in the named order."""
        keys = None if self.keys is None else self.keys.index_select(0, rows)
        allowed = None if self.allowed is None else self.allowed.index_select(0, rows)
        return Source(keys, self.memory.index_select(0, rows), allowed)


@dataclass(frozen=True)
class Memory:
    """What the decoder carries from one position to the next; one row a beam."""

    states: list[State]
    fed: Tensor

    def rows(self, rows: Tensor) -> "Memory":
        """Return the named rows in the named order."""
        states = [tuple(part.index_select(0, rows) for part in one) for one in self.states]
        return Memory(states, self.fed.index_select(0, rows))

    def join(self, other: "Memory") -> "Memory":
        """Return the rows of both."""
        states = [
            tuple(torch.cat(parts) for parts in zip(one, more, strict=True))
            for one, more in zip(self.states, other.states, strict=True)
        ]
        return Memory(states, torch.cat([self.fed, other.fed]))


@dataclass(frozen=True)
class RecurrentState:
    """What a search remembers: the source once a sentence, the past once a beam."""

    source: Source
    memory: Memory
    beams: int


class EncoderLayer(nn.Module):
    """A recurrence from the left and, unless it is switched off, one from the right.

    Paper: Schuster and Paliwal 1997; as used by Bahdanau et al. 2014 (arXiv:1409.0473), §3.2.
    """

    def __init__(self, settings: RecurrentSettings) -> None:
        super().__init__()
        width = settings.d_model // 2 if settings.bidirectional else settings.d_model
        self.onward = Recurrence(settings.cell, settings.d_model, width)
        self.backward = (
            Recurrence(settings.cell, settings.d_model, width) if settings.bidirectional else None
        )
        self.state_dropout = VariationalDropout(_state_rate(settings))

    def forward(self, x: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return a vector for each position, and one that has seen the whole row."""
        after, _ = self.onward(x, None, self._state_mask(self.onward, x))
        summary = last_real(after, real)
        if self.backward is None:
            return after, summary
        turned = reverse(x, real)
        before, _ = self.backward(turned, None, self._state_mask(self.backward, x))
        both = torch.cat([after, reverse(before, real)], -1)
        return both, torch.cat([summary, last_real(before, real)], -1)

    def _state_mask(self, layer: Recurrence, x: Tensor) -> Tensor | None:
        return self.state_dropout.mask(x.new_empty(len(x), layer.width))


class Encoder(nn.Module):
    """Embedding and N recurrent layers, each reading the one below."""

    def __init__(self, settings: RecurrentSettings, embedding: TokenEmbedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = _no_positions(settings)
        self.dropout = _dropout(settings)
        self.layers = nn.ModuleList(EncoderLayer(settings) for _ in range(settings.encoder_layers))

    def forward(
        self, source: Int[Tensor, "batch source"], real: Bool[Tensor, "batch source"] | None
    ) -> tuple[Float[Tensor, "batch source d_model"], Float[Tensor, "batch d_model"]]:
        """Return a vector for each source token (those of padding are meaningless), and for all."""
        x = self.embedding(source, self.positions)
        summary = x[:, -1]
        for number, layer in enumerate(self.layers):
            x, summary = layer(self.dropout(x) if number else x, real)
        return x, summary


class Decoder(nn.Module):
    """Embedding, N recurrent layers, and attention over the source.

    Paper: Luong et al. 2015 (arXiv:1508.04025), §3 and Figure 4 (input feeding); without attention:
        Sutskever et al. 2014 (arXiv:1409.3215), §2.
    Differs: the first state is tanh of a projection of the encoder's last states (Bahdanau et al.
        2014, A.2.2), for every layer its own; the papers above copy the states.
    """

    def __init__(self, settings: RecurrentSettings, embedding: TokenEmbedding) -> None:
        super().__init__()
        width = settings.d_model
        self.input_feeding = settings.input_feeding
        self.embedding = embedding
        self.positions = _no_positions(settings)
        self.dropout = _dropout(settings)
        self.state_dropout = VariationalDropout(_state_rate(settings))
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
        """Prepare what attention needs, and the state before the first token."""
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
        """Return a vector for each target position, and what to carry on from the last."""
        x = self.embedding(target, self.positions)
        masks = [self.state_dropout.mask(memory.fed) for _ in self.layers]
        if self.input_feeding:
            x, memory = self._one_by_one(x, source, memory, masks)
        else:
            x, memory = self._all_at_once(x, source, memory, masks)
        return self.dropout(x), memory

    def _all_at_once(
        self, x: Tensor, source: Source, memory: Memory, masks: list[Tensor | None]
    ) -> tuple[Tensor, Memory]:
        """Layer after layer over all positions: nothing found in the source is fed back."""
        states = []
        for number, (layer, mask) in enumerate(zip(self._layers, masks, strict=True)):
            x, state = layer(self.dropout(x) if number else x, memory.states[number], mask)
            states.append(state)
        return self._look(x, source), replace(memory, states=states)

    def _one_by_one(
        self, x: Tensor, source: Source, memory: Memory, masks: list[Tensor | None]
    ) -> tuple[Tensor, Memory]:
        """Position after position through all layers, for the next needs what this one found."""
        first, *_ = layers = self._layers
        width = x.shape[-1]
        of_token, of_fed = first.from_input.weight.split(width, 1)
        gates = nn.functional.linear(x, of_token, first.from_input.bias)  # once for all positions
        states, fed, found = list(memory.states), memory.fed, []
        between = [self._between_mask(x) for _ in layers[1:]]
        for now in gates.unbind(1):
            now = now + fed @ of_fed.T
            for number, layer in enumerate(layers):
                states[number] = layer.step(now, states[number], masks[number])
                if number + 1 < len(layers):
                    h = self._dropped(states[number][0], between[number])
                    now = layers[number + 1].from_input(h)
            fed = self._look(states[-1][0][:, None], source)[:, 0]
            found.append(fed)
        return torch.stack(found, 1), Memory(states, fed)

    def _between_mask(self, x: Tensor) -> Tensor | None:
        return self.dropout.mask(x[:, 0]) if isinstance(self.dropout, VariationalDropout) else None

    def _dropped(self, h: Tensor, mask: Tensor | None) -> Tensor:
        if isinstance(self.dropout, VariationalDropout):
            return h if mask is None else h * mask
        return self.dropout(h)

    def _look(self, h: Tensor, source: Source) -> Tensor:
        if self.attention is None or source.keys is None:
            return h
        beams = h.reshape(len(source.memory), -1, h.shape[-1])  # beams of a sentence: its queries
        found = self.attention(beams, source.keys, source.memory, source.allowed)
        return found.reshape(h.shape)

    @property
    def _layers(self) -> list[Recurrence]:
        return cast(list[Recurrence], list(self.layers))


class RecurrentModel(nn.Module):
    """A recurrent encoder and decoder: n steps one after another where the Transformer has one.

    Paper: Bahdanau et al. 2014 (arXiv:1409.0473), §3; Luong et al. 2015 (arXiv:1508.04025), §3.
    Args:
        vocabularies: sizes of the source and of the target vocabulary; three-way tying needs one.
    """

    def __init__(self, settings: RecurrentSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        source_size, target_size = vocabularies
        if settings.tying is Tying.THREE_WAY and source_size != target_size:
            raise ValueError("three-way tying needs one vocabulary for source and target")
        source_embedding = _embedding(settings, source_size)
        target_embedding = (
            source_embedding
            if settings.tying is Tying.THREE_WAY
            else _embedding(settings, target_size)
        )
        self.encoder = Encoder(settings, source_embedding)
        self.decoder = Decoder(settings, target_embedding)
        self.apply(linear)
        initialize = RECURRENT_INITIALIZATIONS[settings.initialization]
        for module in self.modules():
            if isinstance(module, Recurrence):
                initialize(module, settings.forget_bias, settings.chrono_span)
        self.projection = nn.Linear(settings.d_model, target_size, bias=False)
        nn.init.normal_(self.projection.weight, std=settings.d_model**-0.5)
        if settings.tying is not Tying.NONE:
            self.projection.weight = target_embedding.weight

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target d_model"]:
        """Teacher forcing: the decoder's vector at each target position. See `interface`."""
        x, summary = self.encoder(source, source_real)
        read, memory = self.decoder.read(x, summary, source_real)
        return self.decoder(target, read, memory)[0]

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target vocab"]:
        """Logits of the token that follows each target position."""
        return self.projection(self.features(source, source_real, target))

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> RecurrentState:
        """Encode the sources. See `interface`."""
        x, summary = self.encoder(source, source_real)
        read, memory = self.decoder.read(x, summary, source_real)
        return RecurrentState(read, memory, beams=1)

    def step(
        self, state: RecurrentState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], RecurrentState]:
        """Feed one token to each hypothesis. See `interface`."""
        x, memory = self.decoder(tokens.reshape(-1, 1).clamp_min(0), state.source, state.memory)
        hypotheses = Layout.of(tokens != EMPTY).rows(x.view(*tokens.shape, -1))
        return self.projection(hypotheses), replace(state, memory=memory)

    def select(
        self,
        state: RecurrentState,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> RecurrentState:
        """Reorder beams and drop sentences. See `interface`."""
        memory = state.memory.rows(flat_rows(beams, sentences, state.beams))
        source = state.source
        if sentences is not None:
            source = source.rows(sentences)
        return RecurrentState(source, memory, beams.shape[1])

    def join(self, state: RecurrentState, newcomers: RecurrentState) -> RecurrentState:
        """Let sentences begin behind those that are on their way. See `interface`."""
        everyone = torch.arange(len(newcomers.source.memory), device=newcomers.memory.fed.device)
        memory = newcomers.memory.rows(everyone.repeat_interleave(state.beams))
        return RecurrentState(
            state.source.join(newcomers.source), state.memory.join(memory), state.beams
        )

    def source_weights(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target source"]:
        """Where each target position looks in the source. See `interface`."""
        with observe(self, "decoder.attention.weights") as seen:
            self.features(source, source_real, target)
        return torch.cat(seen["decoder.attention.weights"], 1)


def _embedding(settings: RecurrentSettings, size: int) -> TokenEmbedding:
    embedding = TokenEmbedding(size, settings.d_model, settings.dropout)
    embedding.dropout = _dropout(settings)
    return embedding


def _state_rate(settings: RecurrentSettings) -> float:
    return settings.dropout if settings.dropout_form is DropoutForm.VARIATIONAL else 0.0


def _dropout(settings: RecurrentSettings) -> Dropout:
    return DROPOUTS[settings.dropout_form](settings.dropout)


def _no_positions(settings: RecurrentSettings):
    return POSITIONS["none"](
        settings.d_model, settings.d_model, 1, causal=True, max_length=settings.max_length
    )
