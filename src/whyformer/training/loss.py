"""Label-smoothed cross-entropy (§5.4), with the projection onto the vocabulary."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.acceleration.cross_entropy import FusedCrossEntropy
from whyformer.text.symbols import PAD


class Loss(NamedTuple):
    """Two sums over the real target tokens, in nats: the smoothed loss, which is minimized, and the
    negative log-likelihood (``nll``)."""

    smoothed: Tensor
    nll: Tensor


def cross_entropy(
    features: Float[Tensor, "tokens d_model"],
    weight: Float[Tensor, "vocab d_model"],
    labels: Int[Tensor, "tokens"],
    smoothing: float,
) -> Loss:
    """Return the sum over tokens of (1-ε)·(-log p(label)) + ε·mean over the vocabulary of (-log p).

    This is the reference implementation, which stores all logits.

    Paper: Vaswani et al. 2017, §5.4, after Szegedy et al. 2015 (arXiv:1512.00567), §7.
    """
    log_p = F.linear(features, weight).log_softmax(-1)
    nll = -log_p.gather(1, labels[:, None]).sum()
    return Loss((1 - smoothing) * nll - smoothing * log_p.mean(-1).sum(), nll.detach())


def fused_cross_entropy(
    features: Float[Tensor, "tokens d_model"],
    weight: Float[Tensor, "vocab d_model"],
    labels: Int[Tensor, "tokens"],
    smoothing: float,
) -> Loss:
    """Compute `cross_entropy` in chunks. The forward pass also computes the gradients."""
    smoothed, nll = FusedCrossEntropy.apply(features, weight, labels, smoothing)
    return Loss(smoothed, nll)


def as_product(
    projection: nn.Linear, features: Float[Tensor, "*rows width"]
) -> tuple[Float[Tensor, "*rows inner"], Float[Tensor, "vocab inner"]]:
    """Return vectors and a matrix whose product F.linear(vectors, matrix) is the logits.

    With a bias, each vector has an additional element 1, and the matrix has the bias as an
    additional column. The loss needs this form, because it never stores all logits.
    """
    if projection.bias is None:
        return features, projection.weight
    ones = features.new_ones(*features.shape[:-1], 1)
    column = projection.bias[:, None].to(projection.weight)
    return torch.cat([features, ones], -1), torch.cat([projection.weight, column], 1)


def real_places(labels: Int[Tensor, "tokens"], count: int) -> Int[Tensor, "count"] | None:
    """Return the positions of the ``count`` labels that are not padding; None without padding.

    Call this function before the forward pass: on a GPU, it waits until all earlier work is
    finished.
    """
    return (labels != PAD).nonzero().squeeze(1) if count < len(labels) else None
