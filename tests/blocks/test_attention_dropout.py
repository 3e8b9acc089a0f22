"""Dropout of the attention weights: the share, the mean, and the stream that it draws from."""

from unittest import mock

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

import tiny
from binomial import within
from whyformer.acceleration import cpu_attention
from whyformer.blocks.attention import attention, fused_attention
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention, use_path
from whyformer.blocks.taps import observe
from whyformer.foundation.randomness import random_state, restore_random_state, seed_everything

RATE, DRAWN = 0.25, 64 / 256


def explicit_output(*given: Tensor, **rest) -> Tensor:
    return attention(*given, **rest)[0]


def by_kernel(*given: Tensor, **rest) -> Tensor:
    """Compute by torch's function, as on a GPU and in compiled layers."""
    with mock.patch.object(cpu_attention.torch.compiler, "is_compiling", return_value=True):
        return fused_attention(*given, **rest)


TWINS = pytest.mark.parametrize("twin", [explicit_output, fused_attention, by_kernel])


def inputs(length: int = 6, rows: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    Q = torch.randn(rows, 4, length, 8, generator=g)
    K, V = torch.randn(2, rows, 2, length, 8, generator=g).unbind()
    return Q, K, V


@TWINS
@pytest.mark.parametrize("causal", [False, True])
def test_the_share_that_is_dropped_lies_in_the_binomial_interval(twin, causal):
    seed_everything(1)
    n = 64
    zero = torch.zeros(4, 2, n, 8)
    values = torch.eye(n).expand(4, 2, n, n)  # so that the outputs are the weights
    weights = twin(zero, zero, values, causal=causal, dropout=RATE)
    there = torch.ones(n, n).tril().bool() if causal else torch.ones(n, n).bool()
    seen = weights[:, :, there]
    assert within(int((seen == 0).sum()), seen.numel(), DRAWN)
    whole = (1 / there.sum(-1, keepdim=True)).expand(n, n)[there] / (1 - DRAWN)
    assert_close(seen, torch.where(seen == 0, 0.0, whole), rtol=1e-5, atol=1e-7)


@TWINS
@pytest.mark.parametrize("allowed", [None, (torch.arange(6) < 4)[None, None, None]])
def test_the_mean_over_many_draws_is_the_output_without_dropout(twin, allowed):
    seed_everything(2)
    Q, K, V = inputs(rows=1)
    draws = 4000
    many = [one.expand(draws, -1, -1, -1).contiguous() for one in (Q, K, V)]
    found = twin(*many, allowed, dropout=RATE)
    expected = explicit_output(Q, K, V, allowed)[0]
    error = found.std(0) / draws**0.5
    assert (error > 0).all()
    assert ((found.mean(0) - expected).abs() < 5 * error).all()  # five standard errors


@pytest.mark.parametrize("length", [6, 100])
def test_on_a_cpu_both_paths_drop_the_same_weights(length):
    Q, K, V = inputs(length)
    seed_everything(3)
    state = random_state()
    found = fused_attention(Q, K, V, causal=True, dropout=RATE)
    after = random_state()["bytes"]
    restore_random_state(state)
    assert_close(found, explicit_output(Q, K, V, causal=True, dropout=RATE), rtol=1e-4, atol=1e-5)
    assert random_state()["bytes"] == after != state["bytes"]


def test_the_observed_weights_are_those_before_dropout():
    torch.manual_seed(0)
    layer = MultiHeadAttention(8, 2, 4, dropout=0.5, path=AttentionPath.EXPLICIT)
    x = torch.randn(2, 5, 8)
    with observe(layer, "weights") as seen:
        layer(x, layer.keys_values(x))
        layer.eval()(x, layer.keys_values(x))
    dropped, whole = seen["weights"]
    assert torch.equal(dropped, whole)
    assert_close(whole.sum(-1), torch.ones(2, 2, 5))


@pytest.mark.parametrize("path", AttentionPath)
@pytest.mark.parametrize("make", [tiny.build, tiny.gpt])
def test_a_model_drops_weights_while_it_trains_and_never_else(make, path):
    model = make(attention_dropout=0.5)
    plain = make().eval()
    use_path(model, path)
    g = torch.Generator().manual_seed(0)
    x, y = tiny.ids(g, 2, 6), tiny.ids(g, 2, 5)
    state = random_state()["bytes"]
    with torch.no_grad():
        assert_close(tiny.logits(model.eval(), x, None, y), tiny.logits(plain, x, None, y))
        assert random_state()["bytes"] == state
        first, second = (tiny.logits(model.train(), x, None, y) for _ in range(2))
    assert (first - second).abs().max() > 1e-4
    assert not any("dropout" in name for name in model.state_dict())
