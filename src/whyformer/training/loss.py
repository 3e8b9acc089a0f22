"""Label-smoothed cross-entropy (§5.4), fused with the projection onto the vocabulary.

The logits of a whole batch, (tokens, vocab), are the largest tensor of training and are never held:
rows are taken in chunks, and each chunk's gradient is formed while its logits are still in cache.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

CHUNK_ELEMENTS = 1 << 22
"""Logits held at once: 512 rows for a vocabulary of 8,000."""


class Loss(NamedTuple):
    """Sums over real target tokens, in nats: what is minimised, and the plain likelihood's part."""

    smoothed: Tensor
    nll: Tensor


def cross_entropy(
    features: Float[Tensor, "tokens d_model"],
    weight: Float[Tensor, "vocab d_model"],
    labels: Int[Tensor, "tokens"],
    smoothing: float,
) -> Loss:
    """Sum of (1-ε)·(-log p(label)) + ε·mean over the vocabulary of (-log p); the plain twin.

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
    """The same as `cross_entropy` in chunks, the gradient formed in the forward pass."""
    smoothed, nll = _FusedCrossEntropy.apply(features, weight, labels, smoothing)
    return Loss(smoothed, nll)


class _FusedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, features: Tensor, weight: Tensor, labels: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        rows, vocabulary = len(features), len(weight)
        learn = any(ctx.needs_input_grad[:2])
        grad_features = torch.empty_like(features) if learn else None
        grad_weight = torch.zeros_like(weight) if learn else None
        smoothed = features.new_zeros((), dtype=torch.float32)
        nll = features.new_zeros((), dtype=torch.float32)
        size = max(1, CHUNK_ELEMENTS // vocabulary)
        for start in range(0, rows, size):
            x, label = features[start : start + size], labels[start : start + size, None]
            logits = F.linear(x, weight).float()
            log_z = logits.logsumexp(-1, keepdim=True)
            chosen = log_z - logits.gather(1, label)
            nll += chosen.sum()
            smoothed += (1 - smoothing) * chosen.sum()
            if smoothing:
                smoothed += smoothing * (log_z.squeeze(1) - logits.mean(-1)).sum()
            if grad_features is not None and grad_weight is not None:
                # d/dlogits = softmax - (1-ε)·onehot - ε/V, built where the logits stood
                slope = logits.sub_(log_z).exp_()
                slope.scatter_add_(1, label, slope.new_full(label.shape, smoothing - 1))
                if smoothing:
                    slope.sub_(smoothing / vocabulary)
                slope = slope.to(x.dtype)
                torch.mm(slope, weight.to(x.dtype), out=grad_features[start : start + size])
                if grad_weight.dtype == x.dtype:
                    grad_weight.addmm_(slope.T, x)
                else:
                    grad_weight += slope.T @ x
        ctx.gradients = grad_features, grad_weight
        ctx.mark_non_differentiable(nll)
        return smoothed, nll

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad_smoothed: Tensor, _grad_nll: Tensor
    ) -> tuple[Tensor, Tensor, None, None]:
        features, weight = ctx.gradients
        ctx.gradients = None  # the buffers are this function's own: scale them in place
        return features.mul_(grad_smoothed), weight.mul_(grad_smoothed), None, None
