"""A linear classifier on the n-grams of the characters of a text."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.acceleration.dropout_mask import drop
from whyformer.blocks.ngrams import ngram_rows

LETTERS = 16
"""Maximum number of characters of a token that are read."""
BYTE = 0x110000
"""Number of the byte 0 as a character. The numbers of all other characters are those of Unicode."""
MOST_DIRECT = 16
"""With more outputs, n-grams have vectors of this width, which are projected to the outputs."""
RATE_FACTOR = 10.0
"""The weights are multiplied by this factor, so that Adam changes them ten times as fast."""


def characters_of(spelling: bytes) -> list[int]:
    """Return the numbers of the characters of a token. If its bytes are not UTF-8, return one
    number for each byte; these numbers differ from those of all characters.

    >>> characters_of("나".encode()), characters_of(bytes([0xEB])) == [BYTE + 0xEB]
    ([45208], True)
    """
    try:
        return [ord(one) for one in spelling.decode()][:LETTERS]
    except UnicodeDecodeError:
        return [BYTE + one for one in spelling][:LETTERS]


class CharacterNgrams(nn.Module):
    """A linear classifier on all n-grams of 1 to ``longest`` characters of a text.

    Its outputs are added to those of a task head. A hash function chooses the row of an n-gram in
    the table of weights. The sum of the rows is divided by the square root of the
    number of n-grams. In training, n-grams are dropped.

    The model reads ids, so `learn_spellings` must tell this module the characters of each id.

    Source: Cheng et al. 2016 (arXiv:1606.07792), §3 (a linear model and a deep model, trained
        jointly); Joulin et al. 2016 (arXiv:1607.01759), §2.1 (n-grams in a table with hashing).
    Args: rate: the probability that an n-gram is dropped.
    """

    def __init__(self, longest: int, rows: int, outputs: int, rate: float) -> None:
        super().__init__()
        self.longest, self.rate = longest, rate
        width = min(outputs, MOST_DIRECT)
        self.table = nn.Embedding(rows, width)
        self.project = nn.Linear(width, outputs, bias=False) if outputs > width else nn.Identity()
        self.spellings: Tensor
        self.register_buffer(
            "spellings", torch.zeros(0, LETTERS, dtype=torch.long), persistent=False
        )

    def initialize(self) -> None:
        """Set the weights of all n-grams to 0, so that training begins with the other outputs."""
        nn.init.zeros_(self.table.weight)
        if isinstance(self.project, nn.Linear):
            nn.init.normal_(self.project.weight, std=self.project.in_features**-0.5)

    def learn_spellings(self, spellings: Sequence[bytes]) -> None:
        """Store the characters of each id. Args: spellings: the bytes of each id, as UTF-8."""
        found = torch.zeros(len(spellings), LETTERS, dtype=torch.long)
        for place, spelling in enumerate(spellings):
            numbers = characters_of(spelling)
            found[place, : len(numbers)] = torch.tensor(numbers, dtype=torch.long)
        self.spellings = found.to(self.table.weight.device)

    def characters(self, ids: Int[Tensor, "batch length"]) -> Int[Tensor, "batch characters"]:
        """Return the characters of each text without gaps, followed by zeros."""
        spread = self.spellings[ids].flatten(1)  # zeros after the last character of each token
        there = spread != 0
        counts = there.sum(1)
        longest = max(1, int(counts.max()))
        places = torch.where(there, there.cumsum(1) - 1, longest)
        return spread.new_zeros(len(ids), longest + 1).scatter_(1, places, spread)[:, :longest]

    def forward(self, ids: Int[Tensor, "batch length"]) -> Float[Tensor, "batch outputs"]:
        """Return the outputs for each text.

        Raises: ValueError before `learn_spellings`.
        """
        if not len(self.spellings):
            raise ValueError("`learn_spellings` must be called before a model reads characters.")
        characters = self.characters(ids)
        sizes, rows = range(1, self.longest + 1), self.table.num_embeddings
        found = torch.stack([ngram_rows(characters, n, rows) for n in sizes], -1).flatten(1)
        there = (characters != 0).repeat_interleave(self.longest, 1).to(self.table.weight)
        shares = there * (RATE_FACTOR * there.sum(1, keepdim=True).clamp_min(1).rsqrt())
        if self.training and self.rate:
            shares = drop(shares, self.rate)
        summed = F.embedding_bag(found, self.table.weight, per_sample_weights=shares, mode="sum")
        return self.project(summed)
