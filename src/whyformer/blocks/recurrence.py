"""Recurrent layers: the state after position t is computed from input t and the state after t-1.

Every layer has two implementations with the same weights: torch's fused kernel, and `unroll`, a
loop over the positions. The depth of the computation graph of the loop is proportional to the
sequence length.
"""

from collections.abc import Callable
from enum import StrEnum

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from whyformer.acceleration.cpu_lstm import lstm_precision

State = tuple[Tensor, ...]
"""The state of a layer: the tensor h and, for the LSTM, also the cell c; each is (rows, width)."""


class Cell(StrEnum):
    """Type of a recurrent layer."""

    RNN = "rnn"
    GRU = "gru"
    LSTM = "lstm"


class RecurrencePath(StrEnum):
    """Implementation that computes a whole sequence."""

    FUSED = "fused"
    EXPLICIT = "explicit"


def rnn_cell(x: Float[Tensor, "rows width"], h: Float[Tensor, "rows width"], state: State) -> State:
    """h_t = tanh(W x_t + U h_{t-1} + b).

    Paper: Elman 1990, "Finding structure in time", Figure 2; as written by Goodfellow et al. 2016,
        "Deep Learning", §10.2, Eq. 10.8-10.9.
    Args: x: W x_t + b. h: U h_{t-1} + b.
    """
    return (torch.tanh(x + h),)


def gru_cell(x: Float[Tensor, "rows gates"], h: Float[Tensor, "rows gates"], state: State) -> State:
    """r, z = σ(W x + U h); n = tanh(W x + r ⊙ U h); h_t = (1-z) ⊙ n + z ⊙ h_{t-1}.

    Paper: Cho et al. 2014 (arXiv:1406.1078), §2.3, Eq. 5-8.
    Differs: the reset gate multiplies U h; in the paper, it multiplies h before U. torch and cuDNN
        also multiply U h, because one product then computes all gates.
    Args: x: W x_t + b of the gates r, z, n, concatenated. h: U h_{t-1} + b of the same gates.
    """
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = h.chunk(3, -1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (n + z * (state[0] - n),)


def lstm_cell(
    x: Float[Tensor, "rows gates"], h: Float[Tensor, "rows gates"], state: State
) -> State:
    """i, f, o = σ(W x + U h); g = tanh(W x + U h); c_t = f ⊙ c_{t-1} + i ⊙ g; h_t = o ⊙ tanh(c_t).

    Paper: Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000, §3, Eq. 3.1-3.2.
    Args: x: W x_t + b of the gates i, f, g, o, concatenated. h: U h_{t-1} + b of the same gates.
    """
    i, f, g, o = (x + h).chunk(4, -1)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


Equations = Callable[[Tensor, Tensor, State], State]
EQUATIONS: dict[Cell, Equations] = {
    Cell.RNN: rnn_cell,
    Cell.GRU: gru_cell,
    Cell.LSTM: lstm_cell,
}
GATES: dict[Cell, int] = {Cell.RNN: 1, Cell.GRU: 3, Cell.LSTM: 4}
MEMORIES: dict[Cell, int] = {Cell.RNN: 1, Cell.GRU: 1, Cell.LSTM: 2}
"""Number of tensors in a state."""


class Recurrence(nn.Module):
    """One recurrent layer, computed from the first position to the last.

    Args:
        width_in: width of the input.
        width: width of the state.
        path: `fused` is fast; `explicit` is the loop over the positions.
    """

    def __init__(
        self,
        cell: Cell,
        width_in: int,
        width: int,
        *,
        path: RecurrencePath = RecurrencePath.FUSED,
    ) -> None:
        super().__init__()
        self.cell, self.width, self.path = cell, width, path
        self.from_input = nn.Linear(width_in, GATES[cell] * width)
        self.from_state = nn.Linear(width, GATES[cell] * width)

    def zero_state(self, like: Float[Tensor, "rows *rest"]) -> State:
        """Return the state before the first position."""
        return tuple(like.new_zeros(len(like), self.width) for _ in range(MEMORIES[self.cell]))

    def forward(
        self,
        x: Float[Tensor, "rows length width_in"],
        state: State | None = None,
        state_mask: Float[Tensor, "rows width"] | None = None,
    ) -> tuple[Float[Tensor, "rows length width"], State]:
        """Return h after every position, and the state after the last position.

        Args:
            state: the state before the first position; None means zeros.
            state_mask: factors that h is multiplied by at every position (variational dropout of
                the state). With a mask, the explicit loop is used, because the fused kernel does
                not support masks.
        """
        state = self.zero_state(x) if state is None else state
        if self.path is RecurrencePath.FUSED and state_mask is None:
            return self._fused(x, state)
        return unroll(self, self.from_input(x), state, state_mask)

    def step(
        self,
        x: Float[Tensor, "rows gates"],
        state: State,
        state_mask: Float[Tensor, "rows width"] | None = None,
    ) -> State:
        """Return the state after one position. Args: x: W x_t + b, the output of `from_input`."""
        h = state[0] if state_mask is None else state[0] * state_mask
        return EQUATIONS[self.cell](x, self.from_state(h), state)

    def _fused(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        weights = [
            self.from_input.weight,
            self.from_state.weight,
            self.from_input.bias,
            self.from_state.bias,
        ]
        memory = [part.unsqueeze(0) for part in state]
        # The arguments in `rest` mean: biases, one layer, no dropout between layers, the training
        # mode, one direction, batch first.
        rest = (True, 1, 0.0, self.training, False, True)
        if self.cell is Cell.LSTM:
            with lstm_precision(x):
                outputs, *last = torch.lstm(x, memory, weights, *rest)
        else:
            kernel = torch.gru if self.cell is Cell.GRU else torch.rnn_tanh
            outputs, *last = kernel(x, memory[0], weights, *rest)
        return outputs, tuple(part.squeeze(0) for part in last)


def unroll(
    layer: Recurrence,
    x: Float[Tensor, "rows length gates"],
    state: State,
    state_mask: Float[Tensor, "rows width"] | None = None,
) -> tuple[Float[Tensor, "rows length width"], State]:
    """Compute one position after another, in n sequential steps: the reference implementation."""
    outputs = []
    for now in x.unbind(1):
        state = layer.step(now, state, state_mask)
        outputs.append(state[0])
    return torch.stack(outputs, 1), state


def reverse(
    x: Float[Tensor, "batch length width"], real: Bool[Tensor, "batch length"] | None
) -> Float[Tensor, "batch length width"]:
    """Reverse the order of the real positions in every row; the padding stays at the end."""
    if real is None:
        return x.flip(1)
    lengths = real.sum(1, keepdim=True)
    place = torch.arange(x.shape[1], device=x.device)
    reversed_place = torch.where(place < lengths, lengths - 1 - place, place)
    return x.gather(1, reversed_place[:, :, None].expand_as(x))


def last_real(
    x: Float[Tensor, "batch length width"], real: Bool[Tensor, "batch length"] | None
) -> Float[Tensor, "batch width"]:
    """Return the vector at the last real position of each row; 0 for a row of padding only."""
    if real is None:
        return x[:, -1]
    lengths = real.sum(1)
    rows = torch.arange(len(x), device=x.device)
    return x[rows, (lengths - 1).clamp_min(0)] * (lengths > 0)[:, None]


def use_recurrence(model: nn.Module, path: RecurrencePath) -> None:
    """Set the implementation of every recurrent layer of ``model``; its outputs stay the same
    within floating-point tolerance."""
    for module in model.modules():
        if isinstance(module, Recurrence):
            module.path = path
