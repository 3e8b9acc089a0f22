"""What the parts of a recurrent model promise beyond what the laws of every model say."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from whyformer.blocks.additive_attention import SCORES, RecurrentAttention, SourceAttention
from whyformer.blocks.dropout import VariationalDropout
from whyformer.blocks.recurrence import (
    Cell,
    Recurrence,
    RecurrencePath,
    last_real,
    reverse,
    use_recurrence,
)
from whyformer.blocks.recurrent_initialization import chrono, orthogonal, uniform, xavier
from whyformer.foundation.randomness import seed_everything


def test_reversing_turns_only_what_is_real_and_twice_is_nothing():
    x = torch.arange(8.0).view(2, 4, 1)
    real = torch.tensor([[True, True, True, False], [True] * 4])
    assert reverse(x, real).flatten().tolist() == [2, 1, 0, 3, 7, 6, 5, 4]
    assert torch.equal(reverse(reverse(x, real), real), x)
    assert torch.equal(reverse(x, None), x.flip(1))


def test_the_last_real_vector_is_found_and_nothing_real_is_zero():
    x = torch.arange(1.0, 7.0).view(3, 2, 1)
    real = torch.tensor([[True, False], [True, True], [False, False]])
    assert last_real(x, real).flatten().tolist() == [1, 4, 0]


@pytest.mark.parametrize("cell", Cell)
def test_the_explicit_graph_is_as_deep_as_the_sequence_is_long(cell):
    layer = Recurrence(cell, 2, 2, path=RecurrencePath.EXPLICIT)

    def depth(length: int) -> int:
        outputs, _ = layer(torch.randn(1, length, 2))
        found, level = 0, {outputs[:, -1].sum().grad_fn}
        while level:
            found += 1
            level = {n for node in level for n, _ in node.next_functions if n is not None}
        return found

    assert depth(24) - depth(12) == pytest.approx(depth(36) - depth(24))
    assert depth(24) - depth(12) >= 12


def test_the_path_of_every_layer_can_be_chosen():
    holder = nn.ModuleList([Recurrence(Cell.GRU, 2, 2)])
    use_recurrence(holder, RecurrencePath.EXPLICIT)
    assert holder[0].path is RecurrencePath.EXPLICIT


@pytest.mark.parametrize("cell", [Cell.GRU, Cell.LSTM])
def test_masking_the_state_is_masking_what_the_cell_reads(cell):
    torch.manual_seed(0)
    layer, x = Recurrence(cell, 3, 4), torch.randn(2, 5, 3)
    everything, nothing = torch.ones(2, 4), torch.zeros(2, 4)
    assert_close(layer(x, None, everything)[0], layer(x)[0])
    with torch.no_grad():
        layer.from_state.weight.zero_()  # a state that is always masked might as well be unread
    assert_close(layer(x, None, nothing)[0], layer(x)[0])


def test_variational_dropout_drops_the_same_elements_at_every_position():
    seed_everything(0)
    dropout = VariationalDropout(0.5)
    dropped = dropout(torch.ones(64, 9, 32)) == 0
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert 0.4 < dropped[:, 0].float().mean() < 0.6
    assert not torch.equal(dropped[0], dropped[1])
    assert dropout.eval().mask(torch.ones(2, 2)) is None


def test_orthogonal_states_keep_their_length():
    torch.manual_seed(0)
    layer = Recurrence(Cell.LSTM, 8, 8)
    orthogonal(layer, 1.0, 100)
    for gate in layer.from_state.weight.chunk(4):
        assert_close(gate @ gate.T, torch.eye(8), atol=1e-5, rtol=0)
    assert layer.from_input.bias.chunk(4)[1].tolist() == [1.0] * 8
    assert layer.from_state.bias.abs().sum() == 0


def test_uniform_is_torchs_own_start_but_for_the_forget_gate():
    torch.manual_seed(0)
    layer = Recurrence(Cell.LSTM, 16, 16)
    uniform(layer, 1.0, 100)
    assert layer.from_state.weight.abs().max() <= 0.25
    assert layer.from_state.weight.std().item() == pytest.approx(0.25 / 3**0.5, rel=0.1)
    assert layer.from_input.bias.chunk(4)[1].tolist() == [1.0] * 16


def test_xavier_keeps_the_length_of_a_random_vector_through_every_gate():
    torch.manual_seed(0)
    layer, x = Recurrence(Cell.LSTM, 96, 192), torch.randn(200, 192)
    xavier(layer, 1.0, 100)
    for gate in layer.from_state.weight.chunk(4):
        assert ((x @ gate.T).norm() / x.norm()).item() == pytest.approx(1, rel=0.05)
    assert layer.from_input.weight.abs().max() <= (6 / (96 + 192)) ** 0.5
    assert layer.from_input.bias.chunk(4)[1].tolist() == [1.0] * 192
    assert layer.from_state.bias.abs().sum() == 0


@pytest.mark.parametrize("cell", [Cell.GRU, Cell.LSTM])
def test_chrono_gates_last_from_one_to_the_whole_span(cell):
    torch.manual_seed(0)
    layer = Recurrence(cell, 4, 400)
    chrono(layer, 1.0, 50)
    gates = layer.from_input.bias.chunk(3 if cell is Cell.GRU else 4)
    lasting = gates[1].exp()
    assert 1 <= lasting.min() < 5
    assert 45 < lasting.max() <= 49
    if cell is Cell.LSTM:
        assert torch.equal(gates[0], -gates[1])


@pytest.mark.parametrize("kind", SCORES)
def test_scores_are_their_equations(kind):
    torch.manual_seed(0)
    block = SCORES[kind](4, 9)
    h, m = torch.randn(1, 2, 4), torch.randn(1, 3, 4)
    found = block(h, block.keys(m))[0]
    for q in range(2):
        for s in range(3):
            if kind is RecurrentAttention.DOT:
                wanted = h[0, q] @ m[0, s]
            elif kind is RecurrentAttention.GENERAL:
                wanted = h[0, q] @ block.project_key.weight @ m[0, s]
            elif kind is RecurrentAttention.ADDITIVE:
                inner = block.project_query.weight @ h[0, q] + block.project_key.weight @ m[0, s]
                wanted = block.project_score.weight[0] @ inner.tanh()
            else:
                wanted = block.project_place.weight[s] @ h[0, q]
            assert found[q, s].item() == pytest.approx(wanted.item(), abs=1e-5)


def test_the_attentional_vector_mixes_state_and_context():
    torch.manual_seed(0)
    look = SourceAttention(RecurrentAttention.DOT, 4, 9)
    h, memory = torch.randn(1, 1, 4), torch.randn(1, 3, 4)
    weights = (h @ memory.mT).softmax(-1)
    wanted = torch.tanh(torch.cat([weights @ memory, h], -1) @ look.combine.weight.T)
    assert_close(look(h, memory, memory, None), wanted)
