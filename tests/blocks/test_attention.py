"""Eq. 1 by hand, and the laws that both twins obey."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from whyformer.acceleration import thresholds
from whyformer.blocks.attention import attention, fused_attention
from whyformer.blocks.masks import as_bias, causal_mask, combine, padding_mask

sizes = st.integers(1, 5)
widths = st.integers(1, 9)
seeds = st.integers(0, 2**31)


def explicit_output(Q: Tensor, K: Tensor, V: Tensor, allowed=None, **rest) -> Tensor:
    return attention(Q, K, V, allowed, **rest)[0]


def by_kernel(*given: Tensor, **rest) -> Tensor:
    with thresholds.using({"attention_keys": 0}):
        return fused_attention(*given, **rest)


def by_products(*given: Tensor, **rest) -> Tensor:
    with thresholds.using({"attention_rows": 0}):  # one query too
        return fused_attention(*given, **rest)


TWINS = pytest.mark.parametrize("twin", [explicit_output, by_kernel, by_products])


def test_a_score_of_ln_3_beside_0_gives_weights_three_quarters_and_one_quarter():
    Q = torch.tensor([[[[2 * math.log(3), 0.0, 0.0, 0.0]]]])  # d_k = 4, so the scale is 1/2
    K = torch.tensor([[[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]]])
    V = torch.tensor([[[[4.0], [8.0]]]])
    output, weights, scores = attention(Q, K, V)
    assert_close(scores, torch.tensor([[[[math.log(3), 0.0]]]]))
    assert_close(weights, torch.tensor([[[[0.75, 0.25]]]]))
    assert_close(output, torch.tensor([[[[5.0]]]]))
    assert_close(fused_attention(Q, K, V), torch.tensor([[[[5.0]]]]))


@TWINS
def test_a_bias_of_ln_3_counts_as_much_as_a_score(twin):
    zero = torch.zeros(1, 1, 1, 2)
    bias = torch.tensor([[[[math.log(3), 0.0]]]])
    V = torch.tensor([[[[4.0, 0.0], [8.0, 4.0]]]])
    output = twin(zero, torch.zeros(1, 1, 2, 2), V, bias=bias)
    assert_close(output, torch.tensor([[[[5.0, 1.0]]]]))


@TWINS
def test_a_given_scale_replaces_one_over_root_d_k(twin):
    Q = torch.tensor([[[[1.0, 0.0]]]])
    K = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    V = torch.tensor([[[[4.0], [8.0]]]])
    assert_close(twin(Q, K, V, scale=math.log(3)), torch.tensor([[[[5.0]]]]))


@TWINS
def test_with_a_history_the_last_query_stands_at_the_last_key(twin):
    Q, K = torch.zeros(1, 1, 2, 1), torch.zeros(1, 1, 4, 1)
    V = torch.tensor([1.0, 2.0, 3.0, 8.0]).view(1, 1, 4, 1)
    output = twin(Q, K, V, causal=True)  # positions 2 and 3 of 4
    assert_close(output.flatten(), torch.tensor([2.0, 3.5]))


@settings(max_examples=40)
@given(batch=sizes, heads=sizes, queries=sizes, more=st.integers(0, 3), d_k=widths, seed=seeds)
def test_weights_sum_to_one_and_are_zero_where_not_allowed(batch, heads, queries, more, d_k, seed):
    g = torch.Generator().manual_seed(seed)
    keys = queries + more
    Q = torch.randn(batch, heads, queries, d_k, generator=g) * 3
    K = torch.randn(batch, heads, keys, d_k, generator=g) * 3
    V = torch.randn(batch, heads, keys, d_k, generator=g)
    allowed = torch.rand(batch, 1, queries, keys, generator=g) < 0.6
    _, weights, _ = attention(Q, K, V, allowed)
    total = weights.sum(-1)
    expected = allowed.any(-1).expand_as(total).float()
    assert_close(total, expected, rtol=0, atol=1e-6)
    assert (weights.masked_select(~allowed) == 0).all()
    assert (weights >= 0).all()


@pytest.mark.parametrize("fused", [by_kernel, by_products])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", ["none", "padding", "free"])
@settings(max_examples=15)
@given(
    batch=sizes,
    kv_heads=st.integers(1, 3),
    sharing=st.integers(1, 3),
    queries=sizes,
    more=st.integers(0, 3),
    d_k=widths,
    d_v=widths,
    seed=seeds,
)
def test_the_fused_twin_equals_the_plain_one_in_values_and_gradients(
    mask, causal, with_bias, fused, batch, kv_heads, sharing, queries, more, d_k, d_v, seed
):
    g = torch.Generator().manual_seed(seed)
    keys, heads = queries + more, kv_heads * sharing
    leaves = {
        "Q": torch.randn(batch, heads, queries, d_k, generator=g, dtype=torch.float64),
        "K": torch.randn(batch, kv_heads, keys, d_k, generator=g, dtype=torch.float64),
        "V": torch.randn(batch, kv_heads, keys, d_v, generator=g, dtype=torch.float64),
    }
    if with_bias:
        leaves["bias"] = torch.randn(1, heads, queries, keys, generator=g, dtype=torch.float64)
    allowed = {
        "none": None,
        "padding": torch.rand(batch, 1, 1, keys, generator=g) < 0.7,
        "free": torch.rand(batch, heads, queries, keys, generator=g) < 0.5,
    }[mask]
    outward = torch.randn(batch, heads, queries, d_v, generator=g, dtype=torch.float64)
    results = []
    for twin in (explicit_output, fused):
        own = {name: leaf.clone().requires_grad_() for name, leaf in leaves.items()}
        output = twin(**own, allowed=allowed, causal=causal)
        gradients = torch.autograd.grad((output * outward).sum(), list(own.values()))
        results.append((output, *gradients))
    assert_close(results[0], results[1], rtol=1e-9, atol=1e-10)


@TWINS
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_query_that_may_attend_nowhere_gets_zero_and_finite_gradients(twin, with_bias):
    torch.manual_seed(0)
    Q, K, V = (torch.randn(2, 2, 3, 4, requires_grad=True) for _ in range(3))
    bias = torch.randn(1, 2, 3, 3, requires_grad=True) if with_bias else None
    allowed = torch.ones(2, 1, 3, 3, dtype=torch.bool)
    allowed[0, 0, 1] = False  # one query
    allowed[1] = False  # a whole sentence
    output = twin(Q, K, V, allowed, bias=bias)
    assert (output[0, :, 1] == 0).all()
    assert (output[1] == 0).all()
    assert (output[0, :, 0] != 0).all()
    output.square().sum().backward()
    for leaf in (Q, K, V, bias):
        if leaf is not None:
            assert leaf.grad is not None
            assert leaf.grad.isfinite().all()
    assert (V.grad[1] == 0).all()
    assert (Q.grad[0, :, 1] == 0).all()


@TWINS
@settings(max_examples=20)
@given(length=st.integers(2, 40), d_k=widths, seed=seeds)
def test_future_keys_and_values_never_change_past_outputs(twin, length, d_k, seed):
    g = torch.Generator().manual_seed(seed)
    Q, K, V = (torch.randn(2, 2, length, d_k, generator=g) for _ in range(3))
    t = int(torch.randint(1, length, (), generator=g))
    before = twin(Q, K, V, causal=True)
    K, V = K.clone(), V.clone()
    K[:, :, t:] = torch.randn(2, 2, length - t, d_k, generator=g) * 100
    V[:, :, t:] = torch.randn(2, 2, length - t, d_k, generator=g) * 100
    assert torch.equal(before[:, :, :t], twin(Q, K, V, causal=True)[:, :, :t])


def test_a_causal_mask_with_more_keys_than_queries_lets_the_last_see_all():
    assert causal_mask(2, 4)[0, 0].tolist() == [[True, True, True, False], [True] * 4]
    assert causal_mask(3, 3)[0, 0].tolist() == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


@TWINS
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_mask_made_a_bias_hides_the_same(twin, causal, with_bias):
    g = torch.Generator().manual_seed(7)
    Q, K, V = (torch.randn(3, 2, length, 4, generator=g) for length in (2, 5, 5))
    allowed = padding_mask(torch.arange(5) < torch.tensor([[5], [1], [3]]))
    bias = torch.randn(1, 2, 2, 5, generator=g) if with_bias else None
    found = twin(Q, K, V, as_bias(allowed), causal=causal, bias=bias)
    assert_close(found, twin(Q, K, V, allowed, causal=causal, bias=bias))


def test_masks_combine_by_and_and_none_allows_all():
    real = torch.tensor([[True, True, False]])
    mask = padding_mask(real)
    assert mask is not None
    assert mask.shape == (1, 1, 1, 3)
    assert padding_mask(None) is None
    assert combine(None, None) is None
    assert combine(mask, None) is mask
    assert combine(None, mask) is mask
    both = combine(causal_mask(3, 3), mask)
    assert both is not None
    assert both[0, 0].tolist() == [[True, False, False], [True, True, False], [True, True, False]]
