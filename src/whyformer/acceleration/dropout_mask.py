"""Random masks for dropout that are fast on a CPU.

torch draws one 32-bit number for each element. On a CPU, drawing takes longer than the matrix
products of the layer. Here, eight elements share one 64-bit number from `foundation.randomness`.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from whyformer.foundation.randomness import random_bytes


def drop(x: Tensor, rate: float) -> Tensor:
    """Drop elements of ``x`` with probability ``rate``; multiply all other elements by 1/(1-rate).

    Differs: see `keep_mask`.
    """
    return F.dropout(x, rate) if torch_draws_mask(x) else x * keep_mask(x, rate)


def keep_mask(like: Tensor, rate: float) -> Tensor:
    """Return a mask of the shape of ``like``: 0 for a dropped element, 1/(1-p) for any other.

    Differs: on a CPU, the rate p is ``rate`` rounded to the nearest 1/256, at most 255/256 (0.1
        becomes 26/256). The factor 1/(1-p) uses the rounded p, so the expectation is exact.
    """
    threshold = min(255, round(rate * 256))
    kept = (random_bytes(like.numel()) >= threshold).view(np.uint8)  # (elements,)
    mask = torch.from_numpy(kept).to(like.dtype)  # converting booleans takes five times as long
    return mask.mul_(256 / (256 - threshold)).view(like.shape)


def torch_draws_mask(x: Tensor) -> bool:
    """Return whether torch draws the mask: true on devices other than the CPU, and under
    torch.compile, which fuses the drawing with other operations."""
    return x.device.type != "cpu" or torch.compiler.is_compiling()
