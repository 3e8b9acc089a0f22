"""The recurrent encoder-decoder: state t is computed from state t-1."""

from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.blocks.history import Layout, flat_rows
from whyformer.blocks.recurrence import Recurrence
from whyformer.blocks.recurrent_initialization import (
    RECURRENT_INITIALIZATIONS,
    linear,
)
from whyformer.blocks.taps import observe
from whyformer.models.interface import EMPTY
from whyformer.models.recurrent.decoder import Decoder, Memory, Source
from whyformer.models.recurrent.encoder import Encoder
from whyformer.models.recurrent.settings import (
    RecurrentSettings,
    embedding_of,
)
from whyformer.models.vocabulary import EncoderDecoder, tied_embeddings, tied_projection


@dataclass(frozen=True)
class RecurrentState:
    """The state of a search: the encoded source of each sentence and the past of each beam."""

    source: Source
    memory: Memory
    beams: int


class RecurrentModel(EncoderDecoder):
    """A recurrent encoder-decoder. For n positions, this model needs n sequential steps; a
    Transformer needs one step.

    >>> model = RecurrentModel(RecurrentSettings(d_model=16), (100, 100))
    >>> source, target = torch.randint(100, (2, 7)), torch.randint(100, (2, 5))
    >>> model(source, None, target).shape
    torch.Size([2, 5, 100])

    Paper: Bahdanau et al. 2014 (arXiv:1409.0473), §3; Luong et al. 2015 (arXiv:1508.04025), §3.
    Args:
        vocabularies: sizes of the source and the target vocabulary; equal for tied embeddings.
    """

    def __init__(self, settings: RecurrentSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        source_embedding, target_embedding = tied_embeddings(
            settings.tying, vocabularies, partial(embedding_of, settings)
        )
        self.encoder = Encoder(settings, source_embedding)
        self.decoder = Decoder(settings, target_embedding)
        self.apply(linear)
        initialize = RECURRENT_INITIALIZATIONS[settings.initialization]
        for module in self.modules():
            if isinstance(module, Recurrence):
                initialize(module, settings.forget_bias, settings.chrono_span)
        self.projection = tied_projection(settings.tying, target_embedding)

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target d_model"]:
        """Return the decoder's vector at each target position. See `interface`."""
        x, summary = self.encoder(source, source_real)
        read, memory = self.decoder.read(x, summary, source_real)
        return self.decoder(target, read, memory)[0]

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
        """Append new sentences to a running search. See `interface`."""
        sentences = torch.arange(len(newcomers.source.memory), device=newcomers.memory.fed.device)
        memory = newcomers.memory.rows(sentences.repeat_interleave(state.beams))
        return RecurrentState(
            state.source.join(newcomers.source), state.memory.join(memory), state.beams
        )

    def source_weights(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target source"]:
        """Return the attention weights of each target position over the source. See `interface`."""
        with observe(self, "decoder.attention.weights") as seen:
            self.features(source, source_real, target)
        return torch.cat(seen["decoder.attention.weights"], 1)
