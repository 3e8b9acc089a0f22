"""Feed-forward, norms, wirings and embeddings: their one line each, by hand."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.feedforward import (
    FEEDFORWARDS,
    FeedForward,
    GatedFeedForward,
    drop_biases,
)
from whyformer.blocks.normalization import NORMS, set_epsilon
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.residual import WIRINGS, Residual


def test_equation_2_by_hand():
    layer = FeedForward(1, 2)
    with torch.no_grad():
        layer.expand.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.expand.bias.copy_(torch.tensor([1.0, 1.0]))
        layer.contract.weight.copy_(torch.tensor([[2.0, 3.0]]))
        layer.contract.bias.fill_(10.0)
    x = torch.tensor([[[4.0], [-4.0], [0.5]]])
    # max(0, x+1)·2 + max(0, 1-x)·3 + 10
    assert_close(layer(x), torch.tensor([[[20.0], [25.0], [14.5]]]))


ACTIVATIONS = {
    "relu": lambda inner: inner.clamp(min=0),
    "gelu": lambda inner: inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2))),
    "gelu-tanh": lambda inner: (
        inner * 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (inner + 0.044715 * inner**3)))
    ),
    "silu": lambda inner: inner / (1 + (-inner).exp()),
}
"""What stands for max(0, ·) in Eq. 2."""
GATES = {"swiglu": "silu", "geglu": "gelu-tanh"}
"""The activation of the gate of each network of another form."""


@pytest.mark.parametrize("activation", FEEDFORWARDS)
def test_every_feed_forward_is_its_formula(activation):
    torch.manual_seed(0)
    layer = FEEDFORWARDS[activation](4, 6)
    x = torch.randn(2, 3, 4)
    inner = x @ layer.expand.weight.T
    if activation in GATES:
        assert layer.expand.bias is None
        assert layer.contract.bias is None
        gate = x @ layer.gate.weight.T
        expected = (ACTIVATIONS[GATES[activation]](gate) * inner) @ layer.contract.weight.T
    else:
        inner = ACTIVATIONS[activation](inner + layer.expand.bias)
        expected = inner @ layer.contract.weight.T + layer.contract.bias
    assert_close(layer(x), expected, rtol=1e-5, atol=1e-6)


def test_the_norms_by_hand():
    x = torch.tensor([[[1.0, 3.0, 5.0, 7.0]]])  # mean 4, variance 5, mean of squares 21
    assert_close(NORMS["layer"](4)(x), (x - 4) / math.sqrt(5 + 1e-5))
    assert_close(NORMS["rms"](4)(x), x / math.sqrt(21 + 1e-5))


@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_epsilon_can_be_set_in_every_norm_of_a_model(norm):
    model = nn.Sequential(NORMS[norm](4), nn.Linear(4, 4), NORMS[norm](4))
    set_epsilon(model, 0.5)
    x = torch.tensor([[[1.0, 3.0, 5.0, 7.0]]])
    centered, square = (x - 4, 5) if norm == "layer" else (x, 21)
    for one in (model[0], model[2]):
        assert_close(one(x), centered / math.sqrt(square + 0.5))


@pytest.mark.parametrize("activation", FEEDFORWARDS)
def test_a_network_without_biases_has_matrices_only(activation):
    network = FEEDFORWARDS[activation](4, 6)
    drop_biases(network)
    assert all(parameter.ndim == 2 for parameter in network.parameters())
    assert not network(torch.zeros(1, 1, 4)).any()


def test_a_gated_network_must_say_its_activation():
    with pytest.raises(TypeError, match="GatedFeedForward must override `activation`"):
        GatedFeedForward(4, 6)(torch.zeros(1, 1, 4))


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("norm", NORMS)
def test_every_wiring_says_its_rule(wiring, norm):
    torch.manual_seed(0)
    layer = WIRINGS[wiring](4, norm, 0.0, 1.5)
    x = torch.randn(2, 3, 4)
    plain = NORMS[norm](4)

    def sublayer(x):
        return 2 * x + 1

    expected = {
        "post-norm": lambda: plain(x + sublayer(x)),
        "pre-norm": lambda: x + sublayer(plain(x)),
        "deepnorm": lambda: plain(1.5 * x + sublayer(x)),
        "no-skip": lambda: plain(sublayer(x)),
        "no-norm": lambda: x + sublayer(x),
    }[wiring]()
    assert_close(layer(x, sublayer), expected)
    assert layer.final_norm == (wiring == "pre-norm")
    assert bool(list(layer.parameters())) == (wiring != "no-norm")


@pytest.mark.parametrize("wiring", WIRINGS)
def test_every_wiring_drops_only_what_the_sublayer_says(wiring):
    layer = WIRINGS[wiring](4, "rms", 0.5, 1.5)
    layer.norm = nn.Identity()
    x = torch.full((1, 200, 4), 3.0)
    out = layer(x, torch.ones_like)
    skip = {"no-skip": 0.0, "deepnorm": 4.5}.get(wiring, 3.0)
    assert set(out.flatten().tolist()) == {skip, skip + 2.0}


def test_the_base_of_the_wirings_names_no_rule():
    with pytest.raises(TypeError, match="Residual must override `forward`"):
        Residual(4, "layer", 0.0, 1.0)(torch.zeros(1, 1, 4), lambda x: x)


def test_embeddings_are_scaled_by_root_d_model_before_positions_are_added():
    torch.manual_seed(0)
    embedding = TokenEmbedding(5, 16, 0.0)
    positions = POSITIONS["sinusoidal"](16, 8, 2, causal=False, max_length=8)
    nowhere = POSITIONS["none"](16, 8, 2, causal=False, max_length=8)
    ids = torch.tensor([[3, 1]])
    assert_close(embedding(ids, nowhere), embedding.weight[ids] * 4)
    table = positions.embed(8, 0, torch.zeros(1))
    assert_close(embedding(ids, positions, 5), embedding.weight[ids] * 4 + table[5:7])


def test_a_norm_of_the_embeddings_follows_the_sum_and_precedes_dropout():
    torch.manual_seed(0)
    embedding = TokenEmbedding(5, 16, 0.5, scale=1.0)
    positions = POSITIONS["sinusoidal"](16, 8, 2, causal=False, max_length=8)
    ids, norm = torch.tensor([[3, 1]]), NORMS["layer"](16)
    expected = norm(embedding.weight[ids] + positions.embed(2, 0, torch.zeros(1)))
    assert_close(embedding.eval()(ids, positions, norm=norm), expected)
    found = embedding.train()(ids, positions, norm=norm)
    assert_close(found[found != 0], 2 * expected[found != 0])


def test_embeddings_start_with_unit_variance_after_scaling():
    torch.manual_seed(0)
    weight = TokenEmbedding(500, 64, 0.0).weight
    assert (weight * 8).std().item() == pytest.approx(1, abs=0.02)


def test_dropout_falls_on_the_sum_of_embedding_and_position():
    embedding = TokenEmbedding(5, 64, 0.5)
    positions = POSITIONS["sinusoidal"](64, 8, 2, causal=False, max_length=8)
    x = embedding(torch.ones(1, 50, dtype=torch.long), positions)
    assert 0.4 < (x == 0).float().mean().item() < 0.6
