"""The meters by hand, on every family, and without a trace."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tiny import VOCABULARY, build, gpt, ids, recurrent
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.recurrence import Recurrence, RecurrencePath
from whyformer.blocks.windowed import WindowedAttention
from whyformer.lab.instruments.probes import (
    diversity,
    entropies,
    gradient_norms,
    layer_of,
    score_deviation,
    update_ratios,
    watch,
)
from whyformer.models.bert import BERT, BERTSettings


def test_diversity_by_hand():
    x = torch.tensor([[[3.0, 0.0], [1.0, 0.0]]])  # mean (2, 0); apart √2, whole √10
    assert diversity(x) == pytest.approx(math.sqrt(2 / 10))
    assert diversity(torch.tensor([[[1.0], [-1.0]]])) == 1
    assert diversity(torch.zeros(1, 2, 2)) == 0


def test_entropy_and_deviation_by_hand():
    weights = torch.tensor([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    assert_close(entropies(weights), torch.tensor([0, math.log(4), math.log(2)]))
    scores = torch.tensor([[1.0, 3.0], [9.0, 100.0]])
    assert score_deviation(scores[:1]) == 1
    assert score_deviation(scores, torch.tensor([[True, True], [False, False]])) == 1


def test_a_head_that_looks_at_all_alike_and_one_that_looks_at_one():
    layer, x = MultiHeadAttention(4, 2, 2), torch.eye(4)[None]
    with torch.no_grad():
        layer.project_query.weight.zero_()
        layer.project_key.weight.copy_(torch.randn(4, 4))
        layer.project_query.weight[2, :] = 1e4  # its scores are far beyond what exp can tell apart
    with watch(layer) as seen:
        layer(x, layer.keys_values(x))
    flat, sharp = seen.heads()
    assert (flat.module, flat.number, sharp.number) == ("", 1, 2)
    assert flat.spread == pytest.approx(1)
    assert flat.entropy == pytest.approx(math.log(4))
    assert flat.score_deviation == 0
    assert sharp.spread < 0.01
    assert sharp.score_deviation > 1


def test_masked_pairs_and_rows_without_a_choice_do_not_count():
    layer, x = MultiHeadAttention(4, 1, 4), torch.randn(1, 3, 4)
    with torch.no_grad():
        layer.project_query.weight.zero_()
    with watch(layer) as seen:
        layer(x, layer.keys_values(x), causal=True)
    (head,) = seen.heads()
    assert head.spread == pytest.approx(1)
    assert head.entropy == pytest.approx((math.log(2) + math.log(3)) / 2)
    assert head.weights.tolist()[0] == [1, 0, 0]


def test_a_window_is_what_is_allowed():
    layer, x = WindowedAttention(4, 1, 4, width=2), torch.randn(1, 3, 4)
    with watch(layer) as seen:
        layer(x, layer.keys_values(x))
    assert seen.allowed[""][0][0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert layer.path is AttentionPath.FUSED


def bert(sharing: str = "none") -> BERT:
    settings = BERTSettings(layers=2, d_model=16, heads=2, d_ff=24, sharing=sharing)
    return BERT(settings, (VOCABULARY, VOCABULARY))


def families():
    x = ids(torch.Generator().manual_seed(0), 1, 5)
    transformer, fed, plain, language = build(), recurrent(), recurrent(input_feeding=False), gpt()
    return {
        "transformer": (transformer, lambda: transformer(x, None, x), 3 * 2 * 2, 4),
        "rnn": (fed, lambda: fed(x, None, x), 1, 6),
        "rnn at once": (plain, lambda: plain(x, None, x), 1, 6),
        "gpt": (language, lambda: language(x), 2 * 2, 2),
        **{f"bert {s}": ((m := bert(s)), lambda m=m: m(x), 2 * 2, 2) for s in ("none", "all")},
    }


@pytest.mark.parametrize("family", families())
def test_every_family_is_read_and_left_as_it_was(family):
    model, run, heads, layers = families()[family]
    model.eval()
    before = run()
    with watch(model) as seen:
        assert_close(run(), before)
    assert len(seen.heads()) == heads
    assert len({(h.module, h.number) for h in seen.heads()}) == heads
    diversities = seen.diversities()
    assert len(diversities) == layers
    assert all(0 < value <= 1 for value in diversities.values())
    for head in seen.heads():
        assert_close(head.weights.sum(-1), torch.ones(5).double(), atol=1e-5, rtol=0)
        assert 0 <= head.spread <= 1 + 1e-6
        assert head.score_deviation > 0
    assert all(not module._forward_hooks for module in model.modules())
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            assert module.path is AttentionPath.FUSED
        if isinstance(module, Recurrence):
            assert module.path is RecurrencePath.FUSED


def test_nothing_is_left_behind_after_an_error():
    model = gpt()
    with pytest.raises(ZeroDivisionError), watch(model):
        raise ZeroDivisionError
    assert all(not module._forward_hooks for module in model.modules())
    assert model.layers[0].self_attention.path is AttentionPath.FUSED


def test_gradients_by_layer():
    model = gpt()
    model(ids(torch.Generator().manual_seed(0), 1, 5)).square().sum().backward()
    norms = gradient_norms(model)
    assert set(norms) == {"embedding", "layers.0", "layers.1", "positions", "final_norm"} | (
        {"projection"} if "projection.weight" in dict(model.named_parameters()) else set()
    )
    total = sum(p.grad.double().square().sum() for p in model.parameters() if p.grad is not None)
    assert sum(norm**2 for norm in norms.values()) == pytest.approx(total.item())
    assert layer_of("layers.10.feedforward.expand.weight") == "layers.10"


def test_update_ratio_by_hand():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0]]))
        layer.bias.zero_()
    with update_ratios(layer) as ratios, torch.no_grad():
        layer.weight += torch.tensor([[0.3, 0.4]])
    assert ratios == {"weight": pytest.approx(0.1)}
