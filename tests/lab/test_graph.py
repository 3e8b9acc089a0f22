"""Depth and reach: by hand, and against gradients through whole stacks."""

import itertools

import pytest
import torch
from torch import Tensor

from whyformer.blocks.convolution import CausalConvolution
from whyformer.blocks.linear_recurrence import LinearRecurrence, ScanPath
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.recurrence import Cell, Recurrence, RecurrencePath
from whyformer.blocks.windowed import WindowedAttention
from whyformer.lab.instruments.graph import depth, path_length, reached


def test_a_chain_by_hand():
    x = torch.ones(2, requires_grad=True)
    assert depth(x.detach()) == 0
    y = x
    for _ in range(5000):  # far beyond Python's stack
        y = y + 1
    assert depth(y) == 5001
    assert depth(torch.stack([x * 2, x.exp().exp().exp()])) == 5  # branches go side by side


def test_a_shared_node_is_visited_once():
    x = torch.ones(1, requires_grad=True)
    for _ in range(200):  # 2^200 chains
        x = x + x
    assert depth(x) == 201


def test_attention_is_as_deep_for_every_length_and_a_recurrence_is_not():
    attention = MultiHeadAttention(8, 2, 4, path=AttentionPath.EXPLICIT).double()
    loop = Recurrence(Cell.RNN, 8, 8, path=RecurrencePath.EXPLICIT)

    def of_attention(n: int) -> int:
        x = torch.randn(1, n, 8, dtype=torch.float64)
        return depth(attention(x, attention.keys_values(x)))

    assert of_attention(4) == of_attention(64)
    depths = [depth(loop(torch.randn(1, n, 8))[0]) for n in (8, 16, 32)]
    assert depths[2] - depths[1] == 2 * (depths[1] - depths[0]) > 0


def test_a_scan_is_deep_by_the_logarithm():
    layer = LinearRecurrence(4)
    depths = [depth(layer(torch.randn(1, n, 4))) for n in (8, 16, 32, 64)]
    steps = {b - a for a, b in itertools.pairwise(depths)}
    assert len(steps) == 1
    layer.path = ScanPath.LOOP
    assert depth(layer(torch.randn(1, 64, 4))) > 128


def windowed(width: int):
    layer = WindowedAttention(4, 1, 4, width=width).double()
    return lambda x: layer(x, layer.keys_values(x))


def convolution(dilation: int = 1):
    return CausalConvolution(4, 3, dilation=dilation).double()


@pytest.mark.parametrize("n", [2, 3, 9, 20])
def test_gradients_through_whole_stacks_say_the_same(n):
    torch.manual_seed(0)
    for layer, steps in ((windowed(4), 3), (convolution(), 2)):
        fewest = path_length([layer] * n, n, 4)
        assert fewest == -(-(n - 1) // steps)
        for layers, reaches in ((fewest - 1, False), (fewest, True)):
            x = torch.randn(1, n, 4, dtype=torch.float64, requires_grad=True)
            y: Tensor = x
            for _ in range(layers):
                y = layer(y)
            (gradient,) = torch.autograd.grad(y[0, -1].sum(), x)
            assert bool(gradient[0, 0].ne(0).any()) is reaches


def test_dilation_reaches_far_in_few_layers():
    torch.manual_seed(0)
    layers = [convolution(3**level) for level in range(5)]
    assert [path_length(layers, n, 4) for n in (3, 9, 10, 27, 243)] == [1, 2, 3, 3, 5]
    assert path_length(layers, 244, 4) is None


def test_what_is_reached_after_each_layer():
    torch.manual_seed(0)
    seen = [one.int().tolist() for one in reached([convolution()] * 2, 6, 4)]
    assert seen == [[0, 0, 0, 1, 1, 1], [0, 1, 1, 1, 1, 1]]


@pytest.mark.parametrize("cell", Cell)
def test_a_recurrence_reaches_all_in_one_layer(cell):
    torch.manual_seed(0)
    layer = Recurrence(cell, 4, 4).double()
    assert path_length([lambda x: layer(x)[0]], 100, 4) == 1
