"""Pad rows of token ids to a matrix."""

from collections.abc import Sequence

import torch
from torch import Tensor

from whyformer.text.symbols import PAD


def pad(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Pad rows on the right to a matrix; also return the mask of real tokens."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])
    lengths = torch.tensor([[len(row)] for row in rows])
    return ids.to(device), (torch.arange(longest) < lengths).to(device)
