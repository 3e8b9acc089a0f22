"""The history of keys and values: nothing is lost by reordering rows or by growing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.blocks.history import (
    History,
    Layout,
    Past,
    concatenate_masks,
    concatenate_padded,
    flat_rows,
)


@settings(max_examples=40)
@given(
    capacity=st.integers(1, 4),
    pieces=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    seed=st.integers(0, 2**31),
)
def test_a_history_equals_concatenation_through_any_reordering(capacity, pieces, seed):
    g = torch.Generator().manual_seed(seed)
    history, rows = History(capacity), 3
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
        past, _ = past.at(layout)
        new = torch.randn(int(live.sum()), generator=g)
        K, V = (
            past.cohorts[0].histories[0].append(new[:, None, None, None], -new[:, None, None, None])
        )
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


@settings(max_examples=60)
@given(steps=st.integers(1, 7), seed=st.integers(0, 2**31))
def test_those_who_join_later_have_pasts_of_their_own(steps, seed):
    g = torch.Generator().manual_seed(seed)

    def up_to(most):
        return int(torch.randint(1, most + 1, (), generator=g))

    past = Past.of(1, torch.empty(2, 3))
    carried = [[()], [()]]  # of each sentence what each beam saw
    for _ in range(steps):
        if torch.rand((), generator=g) < 0.5:
            new = up_to(3)
            past = past.join(Past.of(1, torch.empty(new, 4)))
            carried += [[()] * past.rows.shape[1]] * new
        live = torch.rand(past.rows.shape, generator=g) < 0.7
        live[:, 0] = True
        layout = Layout.of(live)
        past, step_rows = past.at(layout)
        behind = [len(beams[beam]) for beams, row in zip(carried, live, strict=True)
                  for beam in row.nonzero()[:, 0].tolist()]  # fmt: skip
        assert sum(step_rows.counts) == len(behind)
        if isinstance(step_rows.offset, int):
            assert set(behind) == {step_rows.offset}
        else:
            assert step_rows.offset.tolist() == behind
        new = torch.randn(len(behind), generator=g)
        seen = []
        for cohort, part in zip(past.cohorts, new.split(step_rows.counts), strict=True):
            K, V = cohort.histories[0].append(part[:, None, None, None], -part[:, None, None, None])
            assert torch.equal(V, -K)
            seen += [tuple(row) for row in K[:, 0, :, 0].tolist()]
        values = layout.spread(new).tolist()
        carried = [
            [(*beam, value) for beam, value in zip(beams, row, strict=True)]
            for beams, row in zip(carried, values, strict=True)
        ]
        flat = [beam for beams in carried for beam in beams]
        wanted = [one for one, there in zip(flat, live.flatten().tolist(), strict=True) if there]
        assert seen == wanted
        kept = torch.randperm(len(carried), generator=g)[: up_to(len(carried))].sort()[0]
        beams = torch.zeros(len(kept), up_to(3), dtype=torch.long)
        for row, sentence in enumerate(kept.tolist()):  # only a hypothesis is continued
            there = live[sentence].nonzero()[:, 0]
            beams[row] = there[torch.randint(0, len(there), beams.shape[1:], generator=g)]
        past = past.select(kept, beams)
        chosen = zip(kept.tolist(), beams.tolist(), strict=True)
        carried = [[carried[sentence][beam] for beam in row] for sentence, row in chosen]


def test_those_who_began_at_different_times_keep_their_order():
    past, both = Past.of(1, torch.empty(2, 1)), torch.zeros(2, 1, dtype=torch.long)
    past.select(torch.tensor([1, 0]), both)
    past = past.join(Past.of(1, torch.empty(1, 1)))
    past.select(torch.tensor([1, 0]), both)  # these two began together
    with pytest.raises(ValueError, match="must keep their order"):
        past.select(torch.tensor([2, 0]), both)


def test_rows_of_different_widths_lie_together():
    first, second = torch.ones(1, 2, 3), 2 * torch.ones(2, 2, 5)
    both = concatenate_padded(first, second, 2, 4)
    assert both.shape == (3, 2, 4)
    assert both[0].tolist() == [[1.0, 1.0, 1.0, 0.0]] * 2
    assert (both[1:] == 2.0).all()


def test_columns_that_no_row_needs_are_left_out():
    first = torch.tensor([[True, False, False]])
    second = torch.tensor([[True, True, False, False]])
    assert concatenate_masks(first, second).tolist() == [[True, False], [True, True]]
    assert concatenate_masks(second, first[:, :1]).tolist() == [[True, True], [True, False]]


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
    past.at(everything)[0].cohorts[0].histories[0].append(row, row)
    memory = past.cohorts[0].histories[0]._K
    past.at(everything)
    assert past.cohorts[0].histories[0]._K is memory
    past.select(None, torch.tensor([[0, 0], [0, 0]])).at(Layout.of(torch.ones(2, 2) > 0))
    assert past.cohorts[0].histories[0].rows == 4


def test_a_layout_takes_rows_and_puts_them_back():
    live = torch.tensor([[True, False], [True, True]])
    layout, rows = Layout.of(live), torch.tensor([[1.0], [2.0], [3.0]])
    assert layout.spread(rows).tolist() == [[[1.0], [0.0]], [[2.0], [3.0]]]
    assert torch.equal(layout.rows(layout.spread(rows)), rows)
