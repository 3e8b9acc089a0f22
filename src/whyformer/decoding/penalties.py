"""Rules that a search adds to the model's probabilities: length penalty and repeated n-grams."""

import torch
from jaxtyping import Int
from torch import Tensor


def length_penalty(length: int, alpha: float) -> float:
    """Return lp(Y) = ((5 + |Y|) / 6)^α. The ranking divides the log-probability by lp(Y).

    Paper: Wu et al. 2016 (arXiv:1609.08144), §7, Eq. 14; α = 0.6 in Vaswani et al. 2017, §6.1.
    Args:
        length: |Y|, the number of predicted tokens, including eos.
        alpha: 0 ranks by log-probability; larger values favour longer hypotheses.

    >>> length_penalty(1, 0.6), length_penalty(7, 1.0)
    (1.0, 2.0)
    """
    return ((5 + length) / 6) ** alpha


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
