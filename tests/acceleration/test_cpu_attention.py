"""Attention for short sequences equals its plain twins, and computes only where it is faster."""

import math
from collections.abc import Iterator
from unittest import mock

import pytest
import torch
from torch.testing import assert_close

from whyformer.acceleration import cpu_attention, thresholds
from whyformer.blocks.attention import attention, fused_attention


@pytest.fixture
def short_rows() -> Iterator[None]:
    """Compute rows of up to 15 scores with our softmax."""
    with thresholds.using({"softmax_keys": 15}):
        yield


@pytest.mark.usefixtures("short_rows")
@pytest.mark.parametrize("keys", [1, 2, 15])
def test_the_softmax_of_short_rows_is_its_plain_twin(keys: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cpu_attention, "MANY_SCORES", 0)
    g = torch.Generator().manual_seed(keys)
    scores = torch.randn(2, 3, keys, generator=g, dtype=torch.float64) * 50
    scores[0, 0, 1:] = -math.inf
    slope = torch.randn(2, 3, keys, generator=g, dtype=torch.float64)
    twins = []
    for softmax in (cpu_attention.softmax, lambda x: x.softmax(-1)):
        x = scores.clone().requires_grad_()
        output = softmax(x)
        (once,) = torch.autograd.grad(output, x, slope, create_graph=True)
        twins.append([output, once, *torch.autograd.grad(once.square().sum(), x)])
    assert twins[0][0].grad_fn.name() == "_ShortSoftmaxBackward"
    assert_close(*twins)
    with torch.no_grad():
        assert_close(cpu_attention.softmax(scores), scores.softmax(-1))


@pytest.mark.usefixtures("short_rows")
def test_rows_long_enough_or_few_are_left_to_torch():
    rows = cpu_attention.MANY_SCORES // 8
    ours = {
        (rows, keys): cpu_attention.softmax(torch.ones(rows, keys, requires_grad=True))
        for rows, keys in ((rows, 8), (rows - 1, 8), (rows, 16))
    }
    assert [output.grad_fn.name() == "_ShortSoftmaxBackward" for output in ours.values()] == [
        True,
        False,
        False,
    ]


def test_short_sequences_are_computed_by_products_where_that_is_faster():
    def kernel_runs(rows: int, queries: int, keys: int, dtype: torch.dtype = torch.float32) -> int:
        Q, K = (torch.randn(rows, 2, n, 4, dtype=dtype) for n in (queries, keys))
        kernel = torch.nn.functional.scaled_dot_product_attention
        with mock.patch.object(
            cpu_attention.F, "scaled_dot_product_attention", side_effect=kernel
        ) as called:
            assert_close(fused_attention(Q, K, K), attention(Q, K, K)[0], rtol=0.02, atol=0.02)
        return called.call_count

    assert kernel_runs(1, 2, 64) == 0
    assert kernel_runs(1, 2, 65) == 1
    assert kernel_runs(63, 1, 9) == 1
    assert kernel_runs(64, 1, 9) == 0
    assert kernel_runs(1, 2, 9, torch.bfloat16) == 1
