"""The counter says what torch's own counter says, wherever that one counts; and by hand."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tiny import RECURRENT_VARIANTS, VOCABULARY, fresh, ids, logits, take_path
from whyformer.blocks.additive_attention import RecurrentAttention, SourceAttention
from whyformer.blocks.convolution import CausalConvolution
from whyformer.blocks.linear_recurrence import LinearRecurrence, ScanPath
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.recurrence import Cell, Recurrence, RecurrencePath
from whyformer.blocks.windowed import WindowedAttention
from whyformer.lab.instruments.counter import Equation, count_operations
from whyformer.models.bert import BERT, BERTSettings

MODELS = (
    "positions=sinusoidal", "positions=rotary", "activation=swiglu", "score_scale=cosine",
    "gpt positions=learned", "gpt positions=alibi",
    *RECURRENT_VARIANTS,
)  # fmt: skip


def both(model: nn.Module, run) -> tuple[int, int]:
    """Return our multiply-adds and half of torch's operations."""
    with (
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as torchs,
        count_operations(model) as ours,
    ):
        run()
    total = torchs.get_total_flops()
    assert total % 2 == 0
    return ours.total, total // 2


@pytest.mark.parametrize("variant", MODELS)
def test_every_family_counts_as_torch_does(variant):
    model = fresh(variant).eval()
    take_path(model, AttentionPath.EXPLICIT)
    generator = torch.Generator().manual_seed(0)
    x, y = ids(generator, 2, 5), ids(generator, 2, 7)
    ours, torchs = both(model, lambda: logits(model, x, None, y))
    assert ours == torchs > 0


@pytest.mark.parametrize("sharing", ["none", "all"])
def test_bert_counts_as_torch_does(sharing):
    settings = BERTSettings(
        layers=2, d_model=16, heads=2, d_ff=24, sharing=sharing, embedding_width=8
    )
    model = BERT(settings, (VOCABULARY, VOCABULARY)).eval()
    take_path(model, AttentionPath.EXPLICIT)
    x = ids(torch.Generator().manual_seed(0), 2, 5)
    ours, torchs = both(model, lambda: model.masked(model(x)))
    assert ours == torchs > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: CausalConvolution(8, 3, dilation=2),
        lambda: Recurrence(Cell.LSTM, 8, 6, path=RecurrencePath.EXPLICIT),
    ],
)
def test_layers_count_as_torch_does(make):
    layer, x = make(), torch.randn(2, 9, 8)
    ours, torchs = both(layer, lambda: layer(x))
    assert ours == torchs > 0


@pytest.mark.parametrize("path", AttentionPath)
@pytest.mark.parametrize("kind", [MultiHeadAttention, WindowedAttention])
def test_attention_counts_as_torch_does(kind, path):
    layer = kind(8, 2, 4, **({"width": 3} if kind is WindowedAttention else {}))
    layer.path = path
    x = torch.randn(2, 9, 8)
    ours, torchs = both(layer, lambda: layer(x, layer.keys_values(x)))
    assert ours == torchs > 0


def counted(layer: nn.Module, run) -> dict[Equation, int]:
    with count_operations(layer) as found:
        run()
    return found.by_equation()


def test_attention_by_hand():
    n, d = 10, 8
    layer, x = MultiHeadAttention(d, 2, 4), torch.randn(3, n, d)
    assert counted(layer, lambda: layer(x, layer.keys_values(x))) == {
        Equation.PROJECTIONS: 3 * 4 * n * d * d,
        Equation.SCORES: 3 * n * n * d,
        Equation.WEIGHTED_SUM: 3 * n * n * d,
    }


@pytest.mark.parametrize("cell", Cell)
def test_both_paths_of_a_recurrence_count_the_same(cell):
    layer, x = Recurrence(cell, 5, 4), torch.randn(2, 6, 5)
    fused = counted(layer, lambda: layer(x))
    layer.path = RecurrencePath.EXPLICIT
    assert counted(layer, lambda: layer(x)) == fused
    gates = {Cell.RNN: 1, Cell.GRU: 3, Cell.LSTM: 4}[cell]
    assert fused == {Equation.RECURRENCE: 2 * 6 * gates * 4 * (5 + 4)}


def test_a_scan_does_more_work_than_the_loop():
    layer, x = LinearRecurrence(4), torch.randn(2, 9, 4)
    read = 2 * 9 * 4 * 4
    assert counted(layer, lambda: layer(x)) == {Equation.RECURRENCE: read + 2 * 4 * 2 * 9 * 4}
    layer.path = ScanPath.LOOP
    assert counted(layer, lambda: layer(x)) == {Equation.RECURRENCE: read + 2 * 9 * 4}


def test_equations_of_attention_over_a_source():
    layer = SourceAttention(RecurrentAttention.GENERAL, 4, 16)
    h, memory = torch.randn(1, 3, 4), torch.randn(1, 5, 4)
    assert counted(layer, lambda: layer(h, layer.score.keys(memory), memory, None)) == {
        Equation.PROJECTIONS: 3 * 8 * 4,
        Equation.SCORES: 5 * 16 + 3 * 5 * 4,
        Equation.WEIGHTED_SUM: 3 * 5 * 4,
    }


def test_modules_are_named_and_nothing_is_left_behind():
    model = fresh("positions=none").eval()
    x = ids(torch.Generator().manual_seed(0), 1, 4)
    with count_operations(model) as found:
        model(x, None, x)
    assert set(found.by_module(1)) == {"encoder", "decoder", "projection"}
    assert sum(found.by_module().values()) == found.total
    assert found.by_module()["projection"] == 4 * 16 * VOCABULARY
    before = found.total
    model(x, None, x)
    assert found.total == before
    assert all(not module._forward_hooks for module in model.modules())


def test_shapes_are_enough():
    with torch.device("meta"):
        layer, x = MultiHeadAttention(512, 8, 64), torch.empty(1, 4096, 512)
    found = counted(layer, lambda: layer(x, layer.keys_values(x)))
    assert found[Equation.SCORES] == 4096 * 4096 * 512
