"""The Transformer of Figure 1: an encoder and a decoder with shared embeddings."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from whyformer.blocks.embeddings import EmbeddingNorm, EmbeddingScale, TokenEmbedding, Tying
from whyformer.blocks.history import Layout, Past, concatenate_masks, concatenate_padded
from whyformer.blocks.initialization import INITIALIZATIONS, Initialization
from whyformer.blocks.masks import as_bias, padding_mask
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.taps import observe
from whyformer.foundation.bounds import MAX_LAYERS
from whyformer.foundation.wording import counted
from whyformer.models.decoder import Decoder, KeysValues
from whyformer.models.encoder import Encoder
from whyformer.models.interface import EMPTY
from whyformer.models.parts import StackSettings
from whyformer.models.vocabulary import (
    EncoderDecoder,
    OutputBias,
    tied_embeddings,
    tied_projection,
)


class TransformerSettings(StackSettings):
    """Sizes and variants of an encoder-decoder Transformer. The defaults are the base model of the
    paper.

    >>> TransformerSettings(d_model=16, heads=2, wiring="pre-norm").summary
    '6+6 layers, d_model 16, 2 heads, pre-norm'
    """

    family: Literal["transformer"] = "transformer"
    """The model family."""
    encoder_layers: int = Field(default=6, ge=1, le=MAX_LAYERS)
    """Number of encoder layers (N in the paper: 6)."""
    decoder_layers: int = Field(default=6, ge=1, le=MAX_LAYERS)
    """Number of decoder layers (N in the paper: 6)."""
    tying: Tying = Tying.THREE_WAY
    """Which embeddings and projections share a matrix: three-way (paper), decoder, embeddings or
    none."""
    embedding_scale: EmbeddingScale = EmbeddingScale.SQRT_D_MODEL
    """Factor applied to the embeddings: sqrt-d-model (paper) or one (BART, T5)."""
    embedding_norm: EmbeddingNorm = EmbeddingNorm.NONE
    """Whether the sum of token and position vectors is normalized: none (paper) or sum (BART)."""
    output_bias: OutputBias = OutputBias.NONE
    """Whether the output projection has a bias: none (paper), learned, or fixed, which training
    does not change (imported models of Hugging Face)."""
    initialization: Initialization = Initialization.XAVIER
    """Weight initialization (tensor2tensor, the paper's code: xavier)."""

    @property
    def summary(self) -> str:
        """A one-line description of the sizes."""
        return (
            f"{self.encoder_layers}+{self.decoder_layers} layers, d_model {self.d_model}, "
            f"{counted(self.heads, 'head')}, {self.wiring}"
        )


@dataclass(frozen=True)
class TransformerState:
    """The state of a search: the encoded source of each sentence and the past of each hypothesis.

    Args:
        memories: for each layer, the cross-attention keys and values of the source.
        source_real: True where a source token is not padding; None when nothing is padded.
        memory_allowed: the mask over source positions, see `_visible`.
    """

    memories: list[KeysValues]
    source_real: Bool[Tensor, "sentences source"]
    memory_allowed: Tensor | None
    past: Past


class Transformer(EncoderDecoder):
    """An encoder-decoder Transformer with tied embeddings.

    >>> model = Transformer(TransformerSettings(d_model=16, heads=2, d_ff=32), (100, 100))
    >>> source, target = torch.randint(100, (2, 7)), torch.randint(100, (2, 5))
    >>> model(source, None, target).shape
    torch.Size([2, 5, 100])

    Paper: Vaswani et al. 2017, §3 and Figure 1.
    Differs: with the default settings, there are no differences. Settings of `TransformerSettings`
        other than the sizes can select variants that differ from the paper.
    Args:
        vocabularies: sizes of the source and the target vocabulary; equal for tied embeddings.
    """

    def __init__(self, settings: TransformerSettings, vocabularies: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        alpha, beta = deepnorm_constants(settings.encoder_layers, settings.decoder_layers)
        scale = 1.0 if settings.embedding_scale is EmbeddingScale.ONE else None
        source_embedding, target_embedding = tied_embeddings(
            settings.tying,
            vocabularies,
            lambda size: TokenEmbedding(size, settings.d_model, settings.dropout, scale=scale),
        )
        encoder_parts, decoder_parts = (
            settings.parts(depth_scale=one, embedding_norm=settings.embedding_norm) for one in alpha
        )
        self.encoder = Encoder(encoder_parts, settings.encoder_layers, source_embedding)
        self.decoder = Decoder(decoder_parts, settings.decoder_layers, target_embedding)
        self.projection = tied_projection(settings.tying, target_embedding, settings.output_bias)
        initialize = INITIALIZATIONS[settings.initialization]
        initialize(self.encoder, beta[0])
        initialize(self.decoder, beta[1])

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target d_model"]:
        """Return the decoder's vector at each target position. See `interface`."""
        memories = self.decoder.read(self.encoder(source, source_real))
        return self.decoder(target, memories, padding_mask(source_real))

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> TransformerState:
        """Encode the sources. See `interface`."""
        memories = self.decoder.read(self.encoder.in_groups(source, source_real))
        real = torch.ones_like(source, dtype=torch.bool) if source_real is None else source_real
        past = Past.of(len(memories), source)
        return TransformerState(memories, real, _visible(source_real, memories), past)

    def step(
        self, state: TransformerState, tokens: Int[Tensor, "sentences beams"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], TransformerState]:
        """Feed one token to each hypothesis. See `interface`."""
        layout = Layout.of(tokens != EMPTY)
        past, step_rows = state.past.at(layout)
        rows = layout.rows(tokens)[:, None]
        x = self.decoder(rows, state.memories, state.memory_allowed, past, step_rows)
        return self.projection(x[:, 0]), replace(state, past=past)

    def select(
        self,
        state: TransformerState,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> TransformerState:
        """Reorder beams and drop sentences. See `interface`."""
        memories, real, allowed = state.memories, state.source_real, state.memory_allowed
        if sentences is not None:
            memories = [
                (K.index_select(0, sentences), V.index_select(0, sentences)) for K, V in memories
            ]
            real = real.index_select(0, sentences)
            allowed = None if allowed is None else allowed.index_select(0, sentences)
        return TransformerState(memories, real, allowed, state.past.select(sentences, beams))

    def join(self, state: TransformerState, newcomers: TransformerState) -> TransformerState:
        """Append new sentences to a running search. See `interface`."""
        real = concatenate_masks(state.source_real, newcomers.source_real)
        width = real.shape[1]
        memories = [
            (concatenate_padded(K, more_K, 2, width), concatenate_padded(V, more_V, 2, width))
            for (K, V), (more_K, more_V) in zip(state.memories, newcomers.memories, strict=True)
        ]
        past = state.past.join(newcomers.past)
        return TransformerState(memories, real, _visible(real, memories), past)

    def source_weights(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target source"]:
        """Return the cross-attention of the last layer, averaged over heads. See `interface`.

        This method uses the explicit attention, because the fused attention returns no weights.
        """
        tap = f"decoder.layers.{len(self.decoder.layers) - 1}.cross_attention.weights"
        use_path(self, AttentionPath.EXPLICIT)
        try:
            with observe(self, tap) as seen:
                self.features(source, source_real, target)
        finally:
            use_path(self, AttentionPath.FUSED)
        return seen[tap][0].mean(dim=1)


def _visible(
    real: Bool[Tensor, "sentences source"] | None, memories: list[KeysValues]
) -> Tensor | None:
    """Return the mask over source positions, as an additive bias if possible; None allows all."""
    allowed = None if real is None or bool(real.all()) else padding_mask(real)
    if allowed is None or not bool(allowed.any(-1).all()):
        return allowed
    return as_bias(allowed, memories[0][0].dtype)  # convert the mask once instead of in every step


def deepnorm_constants(
    encoder_layers: int, decoder_layers: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return DeepNorm's (α_encoder, α_decoder) and (β_encoder, β_decoder).

    Source: Wang et al. 2022 (arXiv:2203.00555), Figure 2, encoder-decoder column.
    """
    n, m = encoder_layers, decoder_layers
    mixed = (n**4 * m) ** (1 / 16)
    return (0.81 * mixed, (3 * m) ** 0.25), (0.87 / mixed, (12 * m) ** -0.25)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters. A shared matrix is counted once."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def meta(settings: TransformerSettings, vocabularies: tuple[int, int]) -> Transformer:
    """Build the model without memory for its weights, for counting or inspecting parameters."""
    with torch.device("meta"):
        return Transformer(settings, vocabularies)
