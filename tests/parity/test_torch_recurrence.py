"""Our recurrent layers are torch's: the same numbers and gradients from the same weights."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from whyformer.blocks.recurrence import Cell, Recurrence, RecurrencePath

THEIRS = {Cell.RNN: nn.RNN, Cell.GRU: nn.GRU, Cell.LSTM: nn.LSTM}


@pytest.mark.parametrize("path", RecurrencePath)
@pytest.mark.parametrize("cell", Cell)
def test_a_layer_equals_torch_nn(cell, path):
    torch.manual_seed(0)
    ours = Recurrence(cell, 6, 5, path=path).double()
    theirs = THEIRS[cell](6, 5, batch_first=True).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.from_input.weight)
        theirs.weight_hh_l0.copy_(ours.from_state.weight)
        theirs.bias_ih_l0.copy_(ours.from_input.bias)
        theirs.bias_hh_l0.copy_(ours.from_state.bias)
    x = torch.randn(3, 7, 6, dtype=torch.double)
    state = tuple(torch.randn(3, 5, dtype=torch.double) for _ in ours.zero_state(x))
    given = tuple(part[None] for part in state)
    outputs, last = ours(x, state)
    wanted, wanted_last = theirs(x, given if cell is Cell.LSTM else given[0])
    assert_close(outputs, wanted)
    for mine, one in zip(last, wanted_last if cell is Cell.LSTM else [wanted_last], strict=True):
        assert_close(mine, one[0])
    outputs.square().sum().backward()
    wanted.square().sum().backward()
    assert_close(ours.from_input.weight.grad, theirs.weight_ih_l0.grad)
    assert_close(ours.from_state.weight.grad, theirs.weight_hh_l0.grad)
    assert_close(ours.from_state.bias.grad, theirs.bias_hh_l0.grad)
