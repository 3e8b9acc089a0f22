"""Token embeddings scaled by √d_model (§3.4), with their positions and dropout (§5.4)."""

import math
from enum import StrEnum

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.blocks.dropout import Dropout
from whyformer.blocks.positions import Offset, Positions


class Tying(StrEnum):
    """Which of the two embeddings and the output projection share one matrix."""

    THREE_WAY = "three-way"
    """The source embedding, the target embedding and the output projection share one matrix."""
    DECODER = "decoder"
    """The target embedding and the output projection share one matrix."""
    EMBEDDINGS = "embeddings"
    """The source embedding and the target embedding share one matrix, as in T5 v1.1."""
    NONE = "none"

    @property
    def of_embeddings(self) -> bool:
        """Whether the source embedding and the target embedding share one matrix."""
        return self in (Tying.THREE_WAY, Tying.EMBEDDINGS)

    @property
    def of_projection(self) -> bool:
        """Whether the target embedding and the output projection share one matrix."""
        return self in (Tying.THREE_WAY, Tying.DECODER)


class EmbeddingScale(StrEnum):
    """Factor applied to the embeddings."""

    ONE = "one"
    SQRT_D_MODEL = "sqrt-d-model"


class EmbeddingNorm(StrEnum):
    """Whether the sum of token and position vectors is normalized."""

    NONE = "none"
    SUM = "sum"
    """A norm follows the sum and precedes dropout, as in BART."""


class TokenEmbedding(nn.Module):
    """Token vectors multiplied by √d_model, plus position vectors, with dropout on the sum.

    Paper: Vaswani et al. 2017, §3.4 (scale), §3.5 (sum), §5.4 (dropout on the sum).
    Args: scale: factor applied to the token vectors; None means the paper's √d_model.
    """

    def __init__(
        self, vocabulary: int, d_model: int, dropout: float, *, scale: float | None = None
    ) -> None:
        super().__init__()
        self.scale = math.sqrt(d_model) if scale is None else scale
        self.weight = nn.Parameter(torch.randn(vocabulary, d_model) * d_model**-0.5)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        ids: Int[Tensor, "batch length"],
        positions: Positions,
        offset: Offset = 0,
        norm: nn.Module | None = None,
    ) -> Float[Tensor, "batch length d_model"]:
        """Embed tokens.

        Args:
            offset: position of the first token.
            norm: norm of the sum, which each stack has for itself; None does not normalize it.
        """
        x = F.embedding(ids, self.weight) * self.scale
        where = positions.embed(ids.shape[1], offset, x)
        x = x if where is None else x + where
        return self.dropout(x if norm is None else norm(x))
