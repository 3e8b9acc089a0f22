"""From tokens to vectors and back: embeddings, the projection, and the matrix that they share."""

from collections.abc import Callable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding, Tying


def tied_embeddings(
    tying: Tying, vocabularies: tuple[int, int], embedding_of: Callable[[int], TokenEmbedding]
) -> tuple[TokenEmbedding, TokenEmbedding]:
    """Return the embeddings of source and target: the same one with three-way tying.

    Paper: Press and Wolf 2016 (arXiv:1608.05859), §3.
    Args: embedding_of: makes an embedding for a vocabulary of a size.
    """
    source_size, target_size = vocabularies
    if tying is not Tying.THREE_WAY:
        return embedding_of(source_size), embedding_of(target_size)
    if source_size != target_size:
        raise ValueError("three-way tying needs one vocabulary for source and target")
    shared = embedding_of(source_size)
    return shared, shared


def tied_projection(tying: Tying, embedding: TokenEmbedding) -> nn.Linear:
    """Return the map from vectors to logits; unless `tying` is none, its matrix is the embedding's.

    Without tying it starts at N(0, 1/d_model).
    """
    size, d_model = embedding.weight.shape
    projection = nn.Linear(d_model, size, bias=False)
    nn.init.normal_(projection.weight, std=d_model**-0.5)
    if tying is not Tying.NONE:
        projection.weight = embedding.weight
    return projection


class EncoderDecoder(nn.Module):
    """A model of a source and a target: logits are a projection of its features."""

    projection: nn.Linear

    def features(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target d_model"]:
        """Teacher forcing: the decoder's vector at each target position. See `interface`."""
        raise NotImplementedError

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        source_real: Bool[Tensor, "batch source"] | None,
        target: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target vocab"]:
        """Logits of the token that follows each target position."""
        return self.projection(self.features(source, source_real, target))


class LanguageModel(nn.Module):
    """A model of one text: logits are a projection of its features."""

    projection: nn.Linear

    def features(
        self,
        target: Int[Tensor, "batch target"],
        documents: Int[Tensor, "batch target"] | None = None,
    ) -> Float[Tensor, "batch target d_model"]:
        """Return a vector for each token, which has seen that and earlier tokens."""
        raise NotImplementedError

    def forward(
        self,
        target: Int[Tensor, "batch target"],
        documents: Int[Tensor, "batch target"] | None = None,
    ) -> Float[Tensor, "batch target vocab"]:
        """Logits of the token that follows each position."""
        return self.projection(self.features(target, documents))
