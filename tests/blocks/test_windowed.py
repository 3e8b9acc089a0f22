"""Restricted attention: its window by hand, and its twins agree."""

import pytest
import torch
from torch.testing import assert_close

from whyformer.blocks.attention import attention
from whyformer.blocks.history import History
from whyformer.blocks.masks import causal_mask, window_mask
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.windowed import WindowedAttention, windowed_attention


def test_a_window_by_hand():
    rows = ["1000", "1100", "0110", "0011"]
    assert window_mask(4, 4, 2)[0, 0].int().tolist() == [[int(c) for c in row] for row in rows]
    assert window_mask(1, 4, 2)[0, 0].tolist() == [[False, False, True, True]]
    assert torch.equal(window_mask(3, 5, 9), causal_mask(3, 5))


@pytest.mark.parametrize("width", [1, 3, 8, 20])
def test_both_twins_agree(width):
    torch.manual_seed(0)
    Q, K, V = torch.randn(3, 2, 2, 8, 5, dtype=torch.float64)
    whole, _, _ = attention(Q, K, V, window_mask(8, 8, width))
    assert_close(windowed_attention(Q, K, V, width), whole)


def module() -> WindowedAttention:
    torch.manual_seed(0)
    return WindowedAttention(8, 2, 4, width=3)


def test_both_paths_agree_and_nothing_outside_the_window_is_seen():
    layer, x = module(), torch.randn(2, 7, 8)
    fused = layer(x, layer.keys_values(x))
    changed = x.clone()
    changed[:, :4] += 1.0
    assert_close(layer(changed, layer.keys_values(changed))[:, 6], fused[:, 6])
    assert (layer(changed, layer.keys_values(changed))[:, 5] - fused[:, 5]).abs().min() > 1e-6
    use_path(layer, AttentionPath.EXPLICIT)
    assert_close(layer(x, layer.keys_values(x)), fused)


def test_step_by_step_is_all_at_once():
    layer, x = module(), torch.randn(2, 7, 8)
    history = History()
    steps = [layer(now, history.append(*layer.keys_values(now))) for now in x.split(1, 1)]
    assert_close(torch.cat(steps, 1), layer(x, layer.keys_values(x)))


def test_positions_are_heeded():
    layer, x = module(), torch.randn(1, 5, 8)
    rotary = POSITIONS["rotary"](8, 4, 2, causal=True, max_length=16)
    turned = layer(x, layer.keys_values(x, rotary), positions=rotary)
    use_path(layer, AttentionPath.EXPLICIT)
    assert_close(layer(x, layer.keys_values(x, rotary), positions=rotary), turned)
    assert (turned - layer(x, layer.keys_values(x))).abs().max() > 1e-4
