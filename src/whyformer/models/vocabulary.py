"""Embeddings and output projection, which can share a matrix."""

from collections.abc import Callable
from enum import StrEnum

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding, Tying


def tied_embeddings(
    tying: Tying, vocabularies: tuple[int, int], embedding_of: Callable[[int], TokenEmbedding]
) -> tuple[TokenEmbedding, TokenEmbedding]:
    """Return the source embedding and the target embedding: the same module twice if ``tying`` says
    so.

    Paper: Press and Wolf 2016 (arXiv:1608.05859), §3.
    Args: embedding_of: function that makes an embedding for a vocabulary size.
    """
    source_size, target_size = vocabularies
    if not tying.of_embeddings:
        return embedding_of(source_size), embedding_of(target_size)
    if source_size != target_size:
        raise ValueError(f"{tying} tying needs one vocabulary for source and target")
    shared = embedding_of(source_size)
    return shared, shared


class OutputBias(StrEnum):
    """Whether the output projection has a bias: a number added to the logit of each token."""

    NONE = "none"
    LEARNED = "learned"
    FIXED = "fixed"
    """Training does not change the bias. Imported models use it, for example for the
    `final_logits_bias` of MarianMT and BART."""


def tied_projection(
    tying: Tying, embedding: TokenEmbedding, bias: OutputBias = OutputBias.NONE
) -> nn.Linear:
    """Return the output projection.

    If ``tying`` says so, the projection shares the matrix of ``embedding``. Otherwise its matrix is
    initialized from N(0, 1/d_model). A bias is initialized to 0.
    """
    size, d_model = embedding.weight.shape
    projection = nn.Linear(d_model, size, bias=bias is not OutputBias.NONE)
    if projection.bias is not None:
        nn.init.zeros_(projection.bias).requires_grad_(bias is OutputBias.LEARNED)
    nn.init.normal_(projection.weight, std=d_model**-0.5)
    if tying.of_projection:
        projection.weight = embedding.weight
    return projection


class EncoderDecoder(nn.Module):
    """Base of encoder-decoder models: the logits are a projection of the features."""

    projection: nn.Linear

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target d_model"]:
        """Return the decoder's vector at each target position. See `interface`."""
        raise NotImplementedError

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target vocab"]:
        """Return the logits of the token that follows each target position."""
        return self.projection(self.features(source, source_real, target))


class LanguageModel(nn.Module):
    """Base of language models: the logits are a projection of the features."""

    projection: nn.Linear

    def features(
        self,
        target: Int[Tensor, "batch target"],
        documents: Int[Tensor, "batch target"] | None = None,
    ) -> Float[Tensor, "batch target d_model"]:
        """Return a vector for each token, computed from this and earlier tokens."""
        raise NotImplementedError

    def forward(
        self,
        target: Int[Tensor, "batch target"],
        documents: Int[Tensor, "batch target"] | None = None,
    ) -> Float[Tensor, "batch target vocab"]:
        """Return the logits of the token that follows each position."""
        return self.projection(self.features(target, documents))
