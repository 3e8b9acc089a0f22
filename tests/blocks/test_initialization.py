"""Starting weights: bounds and variances of every member, on matrices large enough to measure."""

import math

import pytest
import torch
from torch import nn

from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.blocks.initialization import INITIALIZATIONS, Initialization
from whyformer.blocks.multihead import MultiHeadAttention

D_MODEL, D_FF, WIDTH = 96, 64, 48  # inner widths below d_model, so none is mistaken for it


def stack(initialization, activation="relu", gain=0.5):
    torch.manual_seed(0)
    layers = nn.ModuleDict(
        {
            "attention": MultiHeadAttention(D_MODEL, 3, WIDTH // 3),
            "feedforward": FEEDFORWARDS[activation](D_MODEL, D_FF),
        }
    )
    for parameter in layers.parameters():
        nn.init.constant_(parameter, 77.0)
    INITIALIZATIONS[initialization](layers, gain)
    return {n: p for n, p in layers.named_parameters() if "scale" not in n}


@pytest.mark.parametrize("activation", FEEDFORWARDS)
@pytest.mark.parametrize("initialization", Initialization)
def test_every_matrix_and_bias_is_set(initialization, activation):
    for name, parameter in stack(initialization, activation).items():
        assert (parameter != 77).all()
        assert parameter.mean().abs().item() < 0.02
        assert (parameter == 0).all().item() == name.endswith("bias")


def test_xavier_is_uniform_within_its_bound():
    for name, matrix in stack(Initialization.XAVIER).items():
        if not name.endswith("bias"):
            bound = math.sqrt(6 / sum(matrix.shape))
            assert 0.98 * bound < matrix.abs().max().item() <= bound
            assert matrix.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_deepnorm_shrinks_all_but_queries_and_keys():
    for name, matrix in stack(Initialization.DEEPNORM, gain=0.5).items():
        if not name.endswith("bias"):
            gain = 1 if "query" in name or "key" in name else 0.5
            expected = gain * math.sqrt(2 / sum(matrix.shape))
            assert matrix.std().item() == pytest.approx(expected, rel=0.05)


def test_small_has_variance_two_over_five_d_model_whatever_the_inner_width():
    for name, matrix in stack(Initialization.SMALL).items():
        if not name.endswith("bias"):
            assert matrix.std().item() == pytest.approx(math.sqrt(2 / (5 * D_MODEL)), rel=0.05)
