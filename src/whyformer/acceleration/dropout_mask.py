"""Random masks for dropout that are cheap on a CPU.

torch draws one 32-bit number for each element, which on a CPU takes longer than the matrix products
of the layer. Here eight elements share one 64-bit number of `foundation.randomness`.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from whyformer.foundation.randomness import random_bytes


def drop(x: Tensor, rate: float) -> Tensor:
    """Return ``x`` with elements dropped with probability ``rate``, the rest times 1/(1-rate).

    Differs: see `keep_mask`.
    """
    return F.dropout(x, rate) if torch_draws_mask(x) else x * keep_mask(x, rate)


def keep_mask(like: Tensor, rate: float) -> Tensor:
    """Return 1/(1-p) where an element is kept and 0 where it is dropped, shaped as ``like``.

    Differs: on a CPU the rate p is ``rate`` rounded to the nearest 1/256, at most 255/256 (0.1
    becomes 26/256); the factor 1/(1-p) uses the rounded p, so the expectation is exact.
    """
    threshold = min(255, round(rate * 256))
    kept = (random_bytes(like.numel()) >= threshold).view(np.uint8)  # (elements,)
    mask = torch.from_numpy(kept).to(like.dtype)  # five times as fast from bytes as from booleans
    return mask.mul_(256 / (256 - threshold)).view(like.shape)


def torch_draws_mask(x: Tensor) -> bool:
    """Return whether torch draws the mask: on other devices, and if torch.compile fuses the
    draws."""
    return x.device.type != "cpu" or torch.compiler.is_compiling()
