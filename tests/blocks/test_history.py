"""Keys and values so far: what goes in comes out, in any order of rows, past any room."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.blocks.history import History, Layout, Past, flat_rows


@settings(max_examples=40)
@given(
    room=st.integers(1, 4),
    pieces=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    seed=st.integers(0, 2**31),
)
def test_a_history_equals_concatenation_through_any_reordering(room, pieces, seed):
    g = torch.Generator().manual_seed(seed)
    history, rows = History(room), 3
    keys, values = torch.empty(rows, 2, 0, 4), torch.empty(rows, 2, 0, 5)
    for length in pieces:
        assert history.length == keys.shape[2]
        new_keys = torch.randn(rows, 2, length, 4, generator=g)
        new_values = torch.randn(rows, 2, length, 5, generator=g)
        keys, values = torch.cat([keys, new_keys], 2), torch.cat([values, new_values], 2)
        K, V = history.append(new_keys, new_values)
        assert torch.equal(K, keys)
        assert torch.equal(V, values)
        chosen = torch.randint(0, rows, (int(torch.randint(1, 5, (), generator=g)),), generator=g)
        history.select(chosen)
        keys, values, rows = keys[chosen], values[chosen], len(chosen)


def test_selecting_from_an_empty_history_is_nothing():
    history = History()
    history.select(torch.tensor([0, 0, 1]))
    assert history.length == 0


def test_flat_rows_count_beams_inside_sentences():
    beams = torch.tensor([[2, 0], [1, 1]])
    assert flat_rows(beams, None, 3).tolist() == [2, 0, 4, 4]
    assert flat_rows(beams, torch.tensor([4, 1]), 3).tolist() == [14, 12, 4, 4]


@settings(max_examples=40)
@given(steps=st.integers(1, 6), seed=st.integers(0, 2**31))
def test_a_past_equals_rows_that_each_hypothesis_carries_along(steps, seed):
    g = torch.Generator().manual_seed(seed)
    past, keys = Past.of(1, torch.empty(3, 2)), torch.empty(3, 1, 0)
    for _ in range(steps):
        live = torch.rand(keys.shape[:2], generator=g) < 0.7
        live[:, 0] = True
        layout = Layout.of(live)
        past = past.at(layout)
        new = torch.randn(int(live.sum()), generator=g)
        K, V = past.histories[0].append(new[:, None, None, None], -new[:, None, None, None])
        keys = torch.cat([keys, layout.spread(new)[..., None]], -1)
        assert torch.equal(K[:, 0, :, 0], keys[live])
        assert torch.equal(V, -K)
        count = int(torch.randint(1, len(keys) + 1, (), generator=g))
        sentences = torch.randperm(len(keys), generator=g)[:count]
        beams = torch.zeros(count, int(torch.randint(1, 4, (), generator=g)), dtype=torch.long)
        for row, sentence in enumerate(sentences.tolist()):  # only a hypothesis is continued
            there = live[sentence].nonzero()[:, 0]
            beams[row] = there[torch.randint(0, len(there), beams.shape[1:], generator=g)]
        past = past.select(sentences, beams)
        keys = keys[sentences[:, None], beams]


def test_gradients_pass_through_a_reordered_history():
    history, K = History(), torch.ones(2, 1, 1, 1, requires_grad=True)
    history.append(K, K)
    history.select(torch.tensor([1, 1, 0]))
    new = torch.zeros(3, 1, 1, 1)
    keys, _ = history.append(new, new)
    (gradient,) = torch.autograd.grad(keys.sum(), K)
    assert gradient.flatten().tolist() == [1.0, 2.0]
    with torch.no_grad():
        history.select(torch.tensor([2]))
    assert history.append(new[:1], new[:1])[0].flatten().tolist() == [1.0, 0.0, 0.0]


def test_a_past_in_order_is_not_copied():
    past = Past.of(1, torch.empty(2, 1))
    everything = Layout.of(torch.ones(2, 1, dtype=torch.bool))
    row = torch.ones(2, 1, 1, 1)
    past.at(everything).histories[0].append(row, row)
    memory = past.histories[0]._K
    past.at(everything)
    assert past.histories[0]._K is memory
    past.select(None, torch.tensor([[0, 0], [0, 0]])).at(Layout.of(torch.ones(2, 2) > 0))
    assert past.histories[0].rows == 4


def test_a_layout_takes_rows_and_puts_them_back():
    live = torch.tensor([[True, False], [True, True]])
    layout, rows = Layout.of(live), torch.tensor([[1.0], [2.0], [3.0]])
    assert layout.spread(rows).tolist() == [[[1.0], [0.0]], [[2.0], [3.0]]]
    assert torch.equal(layout.rows(layout.spread(rows)), rows)
