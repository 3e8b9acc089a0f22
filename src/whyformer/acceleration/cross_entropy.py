"""Cross-entropy that never stores the logits of a whole batch.

The logits, (tokens, vocab), would be the largest tensor in training. Here, the rows are processed
in chunks: the gradient of a chunk is computed while the logits of the chunk are still in the cache
of the processor.
"""

from typing import Any

import torch
from torch import Tensor

from whyformer.acceleration.products import (
    onednn_product,
    product,
    sum_over_rows,
    sums_by_onednn,
    uses_onednn,
)
from whyformer.foundation.devices import exact, exact_dtype

CHUNK_ELEMENTS = 1 << 22
"""Number of logits in a chunk: about 512 rows for a vocabulary of 8,000."""


class FusedCrossEntropy(torch.autograd.Function):
    """The smoothed loss and the negative log-likelihood, summed over tokens.

    Reference implementation: `training.loss.cross_entropy`.
    """

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, features: Tensor, weight: Tensor, labels: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        """Return the smoothed loss and the negative log-likelihood; store the gradients of the
        smoothed loss."""
        rows, vocabulary = len(features), len(weight)
        learn = any(ctx.needs_input_grad[:2])
        grad_features = torch.empty_like(features) if learn else None
        grad_weight = torch.zeros_like(weight) if learn else None
        wide = exact_dtype(features.device)
        log_z = features.new_zeros((), dtype=wide)  # sum over tokens of ln Σ exp(logit)
        chosen = features.new_zeros((), dtype=wide)  # sum over tokens of the label's logit
        size = max(1, CHUNK_ELEMENTS // vocabulary)
        for start in range(0, rows, size):
            x, label = features[start : start + size], labels[start : start + size, None]
            logits = product(x, weight).float()
            chosen += logits.gather(1, label).sum(dtype=wide)
            top = logits.amax(-1, keepdim=True)
            odds = logits.sub_(top).exp_()  # z · softmax, computed in place
            z = odds.sum(-1, keepdim=True)
            log_z += (z.log() + top).sum(dtype=wide)
            if grad_features is not None and grad_weight is not None:
                # d/dlogits = softmax - (1-ε)·onehot - ε/V. In each product, the narrower matrix is
                # multiplied by 1/z. The constant ε/V is subtracted after the loop.
                odds.scatter_add_(1, label, (smoothing - 1) * z)
                slope = odds.to(x.dtype)
                here = grad_features[start : start + size]
                if uses_onednn(slope, weight):
                    torch.div(onednn_product(slope, weight.T), z, out=here)
                else:
                    torch.mm(slope, weight.to(x.dtype), out=here).div_(z)
                scaled = (x / z).to(x.dtype)
                if x.dtype != weight.dtype or sums_by_onednn(slope, scaled):
                    grad_weight += sum_over_rows(slope, scaled)
                else:
                    grad_weight.addmm_(slope.T, scaled)
        nll = log_z - chosen
        smoothed = nll
        if smoothing:
            read, shown = features.sum(0), weight.sum(0)
            mean_logits = (exact(read) @ exact(shown)) / vocabulary  # summed over tokens
            smoothed = (1 - smoothing) * nll + smoothing * (log_z - mean_logits)
            if grad_features is not None and grad_weight is not None:
                grad_features.sub_(smoothing / vocabulary * shown)
                grad_weight.sub_(smoothing / vocabulary * read)
        smoothed, nll = smoothed.float(), nll.float()
        ctx.gradients = grad_features, grad_weight
        ctx.mark_non_differentiable(nll)
        return smoothed, nll

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad_smoothed: Tensor, _grad_nll: Tensor
    ) -> tuple[Tensor, Tensor, None, None]:
        """Return the stored gradients of features and weight, multiplied by ``grad_smoothed``."""
        features, weight = ctx.gradients
        ctx.gradients = None  # no other code uses these buffers: scale them in place
        return features.mul_(grad_smoothed), weight.mul_(grad_smoothed), None, None
