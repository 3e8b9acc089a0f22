"""Linear recurrence: without a non-linearity between its steps it need not go step by step."""

from enum import StrEnum

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class ScanPath(StrEnum):
    """Which twin computes h."""

    LOOP = "loop"
    """n dependent steps of n·d operations in all."""
    DOUBLING = "doubling"
    """⌈log₂ n⌉ dependent rounds of n·d operations each."""


def by_loop(
    a: Float[Tensor, "batch length width"], x: Float[Tensor, "batch length width"]
) -> Float[Tensor, "batch length width"]:
    """h_t = a_t ⊙ h_{t-1} + x_t, one position after another, from h = 0.

    Source: Martin and Cundy 2018 (arXiv:1709.04057).
    """
    h, states = torch.zeros_like(x[:, 0]), []
    for decay, now in zip(a.unbind(1), x.unbind(1), strict=True):
        h = decay * h + now
        states.append(h)
    return torch.stack(states, 1)


def by_doubling(
    a: Float[Tensor, "batch length width"], x: Float[Tensor, "batch length width"]
) -> Float[Tensor, "batch length width"]:
    """`by_loop` in ⌈log₂ n⌉ rounds: after round r every position has taken in 2^r positions.

    Two steps are one step, for a'(a h + x) + x' = (a'a) h + (a'x + x'): composing them is
    associative, which a tanh between them would destroy.

    Source: Hillis and Steele 1986, "Data parallel algorithms" (the rounds); Martin and Cundy 2018
        (arXiv:1709.04057) (scans of recurrences).
    """
    shift = 1
    while shift < x.shape[1]:
        behind = (0, 0, shift, 0)
        x = a * F.pad(x[:, :-shift], behind) + x
        a = a * F.pad(a[:, :-shift], behind, value=1.0)
        shift *= 2
    return x


SCANS = {ScanPath.LOOP: by_loop, ScanPath.DOUBLING: by_doubling}


class LinearRecurrence(nn.Module):
    """h_t = a ⊙ h_{t-1} + W x_t + b, with learned decays a in (0, 1), one a dimension.

    Source: Martin and Cundy 2018 (arXiv:1709.04057).
    Differs: the decays are learned once and do not depend on the input.
    Args: path: doubling is shallow, loop is what the equation says; the numbers stay equal.
    """

    def __init__(self, d_model: int, *, path: ScanPath = ScanPath.DOUBLING) -> None:
        super().__init__()
        self.path = path
        self.from_input = nn.Linear(d_model, d_model)
        self.decay = nn.Parameter(torch.linspace(0.0, 4.0, d_model))  # a from 0.5 to 0.98

    def forward(
        self, x: Float[Tensor, "batch length d_model"]
    ) -> Float[Tensor, "batch length d_model"]:
        """Read a sequence; return h after every position."""
        read = self.from_input(x)
        return SCANS[self.path](torch.sigmoid(self.decay).expand_as(read), read)
