"""Vectors of n-grams of tokens, which are added to the vectors of single tokens."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.acceleration.dropout_mask import drop

MULTIPLIER = 1_000_003
"""Multiplier of the hash function. The product with a row number is below 2^53, so that JavaScript,
too, computes it exactly."""


def ngram_rows(
    ids: Int[Tensor, "batch length"], size: int, rows: int
) -> Int[Tensor, "batch length"]:
    """Return, for each token, the row of the n-gram that ends at this token.

    An n-gram that starts before the sequence contains the id 0 at these places. Different n-grams
    can have the same row.

    Args:
        size: number of tokens of an n-gram.
        rows: number of rows of the table; a prime number gives the fewest equal rows.

    >>> ngram_rows(torch.tensor([[5, 6, 5, 6]]), 2, 97).tolist()
    [[90, 47, 76, 47]]
    """
    hashed = torch.full_like(ids, size)
    for back in range(size - 1, -1, -1):
        earlier = torch.zeros_like(ids)
        earlier[:, back:] = ids[:, : ids.shape[1] - back]
        hashed = (hashed * MULTIPLIER + earlier + 1) % rows
    return hashed


class NgramEmbedding(nn.Module):
    """For each token, the sum of the vectors of all n-grams of 2 to ``longest`` tokens that end at
    this token, projected to the width of the token vectors.

    The vectors are in one table. A hash function chooses the row of an n-gram, so that no list of
    n-grams is needed. In training, whole n-grams are dropped. All others keep their size, because
    the norm after the sum determines the size of the result.

    Source: Joulin et al. 2016 (arXiv:1607.01759), §2.1 (n-grams in a table with hashing); Pagnoni
        et al. 2024 (arXiv:2412.09871), §3.2.1 (hash n-gram embeddings before a Transformer).
    Args: rate: the probability that an n-gram is dropped.
    """

    def __init__(self, longest: int, rows: int, width: int, d_model: int, rate: float) -> None:
        super().__init__()
        self.longest, self.rate = longest, rate
        self.table = nn.Embedding(rows, width)
        self.project = nn.Linear(width, d_model, bias=False)

    def initialize(self, deviation: float) -> None:
        """Initialize the weights, so that the vector of each n-gram has the same standard deviation
        as the vector of a token."""
        nn.init.normal_(self.table.weight, std=deviation)
        nn.init.normal_(self.project.weight, std=self.table.embedding_dim**-0.5)

    def forward(self, ids: Int[Tensor, "batch length"]) -> Float[Tensor, "batch length d_model"]:
        """Return the sum of the projected vectors of the n-grams that end at each token."""
        sizes = range(2, self.longest + 1)
        rows = torch.stack([ngram_rows(ids, n, self.table.num_embeddings) for n in sizes], -1)
        vectors = self.table(rows)
        if self.training and self.rate:
            vectors = vectors * (drop(vectors.new_ones(*rows.shape, 1), self.rate) > 0)
        return self.project(vectors.sum(-2))
