"""The order of the dimensions of a head with rotary positions.

whyformer rotates the pairs (2i, 2i+1) of a head (Su et al. 2021), and Hugging Face the pairs
(i, i + d_k/2). A permutation of the rows of W^Q and W^K turns one order into the other.
"""

import torch
from torch import Tensor

ROTATED = ("project_query", "project_key")
"""The projections whose rows are permuted."""


def halves(d_k: int) -> Tensor:
    """Return, for each dimension of a head in Hugging Face, the dimension in whyformer.

    >>> halves(6).tolist()
    [0, 2, 4, 1, 3, 5]
    """
    return torch.cat([torch.arange(0, d_k, 2), torch.arange(1, d_k, 2)])


def in_halves(tensor: Tensor, d_k: int) -> Tensor:
    """Return a weight or bias of W^Q or W^K in the order of Hugging Face."""
    return tensor.unflatten(0, (-1, d_k))[:, halves(d_k)].flatten(0, 1)


def in_pairs(tensor: Tensor, d_k: int) -> Tensor:
    """Return a weight or bias of W^Q or W^K in the order of whyformer: the inverse of
    `in_halves`."""
    return tensor.unflatten(0, (-1, d_k))[:, halves(d_k).argsort()].flatten(0, 1)


def frequencies(d_k: int) -> Tensor:
    """Return the angle between two positions, for each pair of dimensions."""
    return 10000.0 ** (-torch.arange(0, d_k, 2).float() / d_k)
