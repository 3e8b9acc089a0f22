"""Find the tokens that would repeat an n-gram of a hypothesis."""

import torch
from jaxtyping import Int
from torch import Tensor


def repeated_ngrams(tokens: Int[Tensor, "hypotheses length"], n: int) -> tuple[Tensor, Tensor]:
    """Find the next tokens that would repeat an n-gram of the same hypothesis.

    Paper: Paulus et al. 2017 (arXiv:1705.04304), §2.5, where n is 3.
    Returns: two tensors of equal length: indices of hypotheses, and for each index, a token that
        would repeat an n-gram.
    """
    length = tokens.shape[-1]
    if length < n:
        none = torch.empty(0, dtype=torch.long)
        return none, none
    if n == 1:
        again = torch.ones_like(tokens, dtype=torch.bool)
    else:
        starts = tokens[:, :-1].unfold(-1, n - 1, 1)  # (hypotheses, length − n + 1, n − 1)
        again = (starts == tokens[:, None, length - n + 1 :]).all(-1)
    hypotheses, places = again.nonzero(as_tuple=True)
    return hypotheses, tokens[hypotheses, places + n - 1]
