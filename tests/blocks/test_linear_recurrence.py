"""Linear recurrence: by hand, by loop and by doubling."""

import pytest
import torch
from torch.testing import assert_close

from whyformer.blocks.linear_recurrence import LinearRecurrence, ScanPath, by_doubling, by_loop


@pytest.mark.parametrize("scan", [by_loop, by_doubling])
def test_a_recurrence_by_hand(scan):
    x = torch.tensor([1.0, 0, 0, 1, 5]).view(1, 5, 1)
    a = torch.tensor([9.0, 0.5, 0.5, 0.5, 0]).view(1, 5, 1)  # the first decays nothing, for h_0 = 0
    assert scan(a, x).flatten().tolist() == [1, 0.5, 0.25, 1.125, 5]


@pytest.mark.parametrize("length", [1, 2, 3, 8, 13, 64])
def test_both_twins_agree_and_so_do_their_gradients(length):
    torch.manual_seed(0)
    a = torch.rand(2, length, 3, dtype=torch.float64, requires_grad=True)
    x = torch.randn(2, length, 3, dtype=torch.float64, requires_grad=True)
    g = torch.randn(2, length, 3, dtype=torch.float64)
    one, other = by_loop(a, x), by_doubling(a, x)
    assert_close(one, other)
    if length > 1:  # the first decay decays nothing
        assert_close(torch.autograd.grad(one, (a, x), g), torch.autograd.grad(other, (a, x), g))


def test_both_paths_of_the_layer_agree():
    torch.manual_seed(0)
    layer, x = LinearRecurrence(4), torch.randn(2, 11, 4)
    shallow = layer(x)
    layer.path = ScanPath.LOOP
    assert_close(layer(x), shallow)
    assert (shallow[:, -1] - layer.from_input(x[:, -1])).abs().min() > 1e-4
