"""Dropout: the rate, the expectation, the stream it draws from, and the fused addition."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from whyformer.acceleration.dropout_mask import keep_mask
from whyformer.blocks.dropout import Dropout
from whyformer.foundation.randomness import random_state, restore_random_state, seed_everything


def binomial_interval(n: int, p: float, outside: float) -> tuple[int, int]:
    """Return the exact central interval of a binomial count that leaves ``outside`` out."""
    k = np.arange(n + 1)
    log_factorial = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    log_pmf = log_factorial[n] - log_factorial[k] - log_factorial[n - k]
    cumulative = np.exp(log_pmf + k * math.log(p) + (n - k) * math.log1p(-p)).cumsum()
    low, high = np.searchsorted(cumulative, [outside / 2, 1 - outside / 2])
    return int(low), int(high)


@pytest.mark.parametrize(("rate", "drawn"), [(0.1, 26), (0.3, 77), (0.5, 128), (0.9, 230)])
def test_the_share_dropped_lies_in_the_exact_binomial_interval(rate, drawn):
    seed_everything(1)
    n = 40_000
    dropped = int((keep_mask(torch.empty(200, 200), rate) == 0).sum())
    low, high = binomial_interval(n, drawn / 256, outside=1e-6)
    assert low <= dropped <= high


@settings(max_examples=40)
@given(rate=st.floats(0, 1, exclude_max=True))
def test_every_rate_keeps_the_expectation(rate):
    mask = keep_mask(torch.empty(64, 64), rate)
    values = mask.unique().tolist()
    p = min(255, round(rate * 256)) / 256
    assert all(v == 0 or v == pytest.approx(1 / (1 - p), rel=1e-6) for v in values)
    error = 5 * math.sqrt(max(p, 1e-9) / (1 - p) / mask.numel())  # five standard errors
    assert mask.mean().item() == pytest.approx(1, abs=error + 1e-6)


def test_elements_are_dropped_independently_of_their_neighbours():
    seed_everything(2)
    kept = (keep_mask(torch.empty(1 << 17), 0.3) != 0).double()
    kept = (kept - kept.mean()) / kept.std()
    limit = 5 / math.sqrt(len(kept))
    for lag in (*range(1, 17), 64, 512):  # eight elements share one random number
        assert abs((kept[lag:] * kept[:-lag]).mean().item()) < limit
    rows = kept.view(-1, 8)
    for a in range(8):
        assert abs(rows[:, a].mean().item()) < 5 / math.sqrt(len(rows))


def test_two_draws_differ_and_a_restored_state_repeats_them():
    seed_everything(3)
    state = random_state()
    x = torch.empty(10, 10)
    first, second = keep_mask(x, 0.5), keep_mask(x, 0.5)
    assert not torch.equal(first, second)
    restore_random_state(state)
    assert torch.equal(first, keep_mask(x, 0.5))
    assert torch.equal(second, keep_mask(x, 0.5))


def test_evaluation_and_rate_0_change_nothing_and_draw_nothing():
    x = torch.randn(4, 4)
    state = random_state()["bytes"]
    evaluating = Dropout(0.5).eval()
    for layer in (evaluating, Dropout(0.0)):
        assert layer(x) is x
        assert torch.equal(layer.add(x, 2 * x, scale=3.0), 5 * x)
    assert random_state()["bytes"] == state


@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_adding_in_one_pass_equals_adding_after_dropping(scale):
    layer = Dropout(0.3)
    x, y = torch.randn(2, 50, 30, requires_grad=True).unbind()
    state = random_state()
    together = layer.add(x, y, scale=scale)
    gradients = torch.autograd.grad(together.sum(), [x, y])
    restore_random_state(state)
    apart = scale * x + layer(y)
    assert_close(together, apart, rtol=1e-6, atol=1e-6)
    assert_close(gradients, torch.autograd.grad(apart.sum(), [x, y]), rtol=1e-6, atol=0)


def test_gradients_pass_where_elements_were_kept():
    layer = Dropout(0.5)
    x = torch.ones(100, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert set(y.tolist()) == {0.0, 2.0}
