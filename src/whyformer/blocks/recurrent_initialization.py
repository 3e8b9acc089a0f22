"""Weight initialization of recurrent layers."""

from enum import StrEnum

import torch
from torch import Tensor, nn

from whyformer.blocks.recurrence import GATES, Cell, Recurrence


class RecurrentInitialization(StrEnum):
    """Initialization scheme of a recurrent layer."""

    UNIFORM = "uniform"
    XAVIER = "xavier"
    ORTHOGONAL = "orthogonal"
    CHRONO = "chrono"


def uniform(layer: Recurrence, forget_bias: float, span: int) -> None:
    """Draw weights and biases uniformly from ±1/√width, as torch does; then set the forget bias."""
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -(layer.width**-0.5), layer.width**-0.5)
    _open_forget_gate(layer, forget_bias)


def xavier(layer: Recurrence, forget_bias: float, span: int) -> None:
    """Draw the weights of every gate uniformly from ±√(6 / (fan_in + fan_out)), set biases to 0;
    then set the forget bias.

    Source: Glorot and Bengio 2010, Eq. 16. The elements of the matrices from state to state have
        variance 1/width, so a random vector keeps its length on average. With `uniform`, the
        variance is only 1/(3·width).
    """
    for linear_map in (layer.from_input, layer.from_state):
        for gate in _gates(layer, linear_map.weight):
            nn.init.xavier_uniform_(gate)
        nn.init.zeros_(linear_map.bias)
    _open_forget_gate(layer, forget_bias)


def orthogonal(layer: Recurrence, forget_bias: float, span: int) -> None:
    """Use orthogonal matrices from state to gates, Xavier from input to gates, and biases of 0;
    then set the forget bias.

    Source: Saxe et al. 2013 (arXiv:1312.6120), §3: an orthogonal matrix keeps the length of every
        vector. So multiplication by an orthogonal matrix does not change the length of a gradient.
    """
    for gate in _gates(layer, layer.from_state.weight):
        nn.init.orthogonal_(gate)
    for gate in _gates(layer, layer.from_input.weight):
        nn.init.xavier_uniform_(gate)
    nn.init.zeros_(layer.from_input.bias)
    nn.init.zeros_(layer.from_state.bias)
    _open_forget_gate(layer, forget_bias)


def chrono(layer: Recurrence, forget_bias: float, span: int) -> None:
    """Use `orthogonal`, then set biases for a memory of 1 to ``span`` positions: b_f = ln u, b_i =
    -b_f.

    Source: Tallec and Ollivier 2018 (arXiv:1804.11188), §2.2, u ~ U[1, span - 1]. In a GRU, b_f is
        the bias of the update gate z, which keeps the previous state. An RNN has no gates, so its
        initialization is `orthogonal`.
    """
    orthogonal(layer, 0.0, span)
    if layer.cell is Cell.RNN:
        return
    forget = torch.empty(layer.width).uniform_(1, max(1.0, span - 1)).log()
    biases = _gates(layer, layer.from_input.bias)
    with torch.no_grad():
        biases[1].copy_(forget)
        if layer.cell is Cell.LSTM:
            biases[0].copy_(-forget)


def _open_forget_gate(layer: Recurrence, bias: float) -> None:
    """Set the bias of the forget gate of an LSTM, so that the gate is open when training starts.

    Source: Gers et al. 2000; Jozefowicz et al. 2015, §5: a bias of 1.
    """
    if layer.cell is Cell.LSTM:
        with torch.no_grad():
            _gates(layer, layer.from_input.bias)[1].fill_(bias)
            _gates(layer, layer.from_state.bias)[1].zero_()


def _gates(layer: Recurrence, parameter: Tensor) -> tuple[Tensor, ...]:
    return parameter.data.chunk(GATES[layer.cell])


def linear(module: nn.Module) -> None:
    """Xavier initialization of an `nn.Linear`. Source: Glorot and Bengio 2010, Eq. 16."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


RECURRENT_INITIALIZATIONS = {
    RecurrentInitialization.UNIFORM: uniform,
    RecurrentInitialization.XAVIER: xavier,
    RecurrentInitialization.ORTHOGONAL: orthogonal,
    RecurrentInitialization.CHRONO: chrono,
}
