"""Causal convolution: its sum by hand, its twins, and what it sees."""

import pytest
import torch
from torch.testing import assert_close

from whyformer.blocks.convolution import CausalConvolution, convolve


def test_a_convolution_by_hand():
    x = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
    W = torch.tensor([[[10.0, 1.0]]])  # 10 x_{t-1} + x_t
    assert convolve(x, W).flatten().tolist() == [1, 12, 23, 34]
    assert convolve(x, W, 2).flatten().tolist() == [1, 2, 13, 24]


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (3, 3), (2, 9)])
def test_both_twins_agree(kernel, dilation):
    torch.manual_seed(0)
    layer, x = CausalConvolution(4, kernel, dilation=dilation), torch.randn(2, 7, 4)
    plain = convolve(x, layer.convolution.weight, dilation)
    assert_close(layer(x), plain + layer.convolution.bias)


def test_an_output_sees_k_inputs_and_none_ahead():
    torch.manual_seed(0)
    layer = CausalConvolution(2, 3, dilation=2)
    x = torch.randn(1, 9, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x)[0, 6].sum(), x)
    assert gradient[0].abs().sum(-1).nonzero().flatten().tolist() == [2, 4, 6]
