"""Keys and values so far: what goes in comes out, in any order of rows, past any room."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.blocks.history import History, flat_rows


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
