"""Linear recurrence: its steps have no non-linearity, so they can be computed in parallel."""

from enum import StrEnum

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class ScanPath(StrEnum):
    """Implementation of the recurrence."""

    LOOP = "loop"
    """n sequential steps with n·d operations in total."""
    DOUBLING = "doubling"
    """⌈log₂ n⌉ sequential rounds with n·d operations each."""


def by_loop(
    a: Float[Tensor, "batch length width"], x: Float[Tensor, "batch length width"]
) -> Float[Tensor, "batch length width"]:
    """h_t = a_t ⊙ h_{t-1} + x_t, one position after another, starting from h = 0.

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
    """Compute the states of `by_loop` in ⌈log₂ n⌉ rounds.

    After round r, each state includes the last 2^r inputs.
    Two steps can be combined into one: a'(a h + x) + x' = (a'a) h + (a'x + x'). Combining steps is
    associative, so all steps can be combined in any order. Steps with a tanh between them could not
    be combined.

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
    """h_t = a ⊙ h_{t-1} + W x_t + b, with a learned decay a in (0, 1) for each dimension.

    Source: Martin and Cundy 2018 (arXiv:1709.04057).
    Differs: the decays are parameters and do not depend on the input.
    Args: path: `loop` follows the equation; `doubling` needs fewer sequential steps. The results of
        the two paths are equal within floating-point tolerance.
    """

    def __init__(self, d_model: int, *, path: ScanPath = ScanPath.DOUBLING) -> None:
        super().__init__()
        self.path = path
        self.from_input = nn.Linear(d_model, d_model)
        self.decay = nn.Parameter(torch.linspace(0.0, 4.0, d_model))  # a from 0.5 to 0.98

    def forward(
        self, x: Float[Tensor, "batch length d_model"]
    ) -> Float[Tensor, "batch length d_model"]:
        """Return h after every position."""
        inputs = self.from_input(x)
        return SCANS[self.path](torch.sigmoid(self.decay).expand_as(inputs), inputs)
