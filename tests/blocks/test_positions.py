"""Every position scheme by its formula, by hand, and past the first table."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from whyformer.blocks.positions import (
    POSITIONS,
    ALiBi,
    LearnedPositions,
    RelativeBuckets,
    Rotary,
    SineOnly,
    Sinusoidal,
    rotate_complex,
    rotate_pairs,
    sinusoids,
)
from whyformer.foundation.errors import UsageError


def make(kind, d_model=8, d_k=4, heads=2, *, causal=False, max_length=128):
    torch.manual_seed(0)
    return kind(d_model, d_k, heads, causal=causal, max_length=max_length)


@pytest.mark.parametrize("d_model", [2, 7, 8, 512])
def test_the_sinusoidal_table_is_the_formula_of_section_3_5(d_model):
    table = sinusoids(torch.arange(200), d_model)
    assert table.dtype == torch.float64
    expected = np.empty((200, d_model))
    for position in range(200):
        for column in range(d_model):
            angle = position / 10000 ** (2 * (column // 2) / d_model)
            expected[position, column] = math.cos(angle) if column % 2 else math.sin(angle)
    assert_close(table, torch.from_numpy(expected), rtol=0, atol=1e-12)


def test_sinusoids_stand_between_the_integers_too():
    half = sinusoids(torch.tensor([0.5]), 2)
    assert_close(half, torch.tensor([[math.sin(0.5), math.cos(0.5)]], dtype=torch.float64))


@pytest.mark.parametrize("kind", POSITIONS.values())
@pytest.mark.parametrize("length", [1, 3])
def test_a_position_for_each_row_is_each_row_at_its_position(kind, length):
    positions, offsets = make(kind), [5, 0, 90, 5]
    rows, x = torch.tensor(offsets), torch.randn(4, 2, length, 4)
    turned = positions.rotate(x, rows)
    for row, offset in enumerate(offsets):
        assert_close(turned[row], positions.rotate(x[row : row + 1], offset)[0])
    added = positions.embed(length, rows, x)
    for row, offset in enumerate(offsets):
        alone = positions.embed(length, offset, x)
        assert (added is None) == (alone is None)
        if added is not None:
            assert_close(added[row], alone)


def test_learned_positions_end_for_every_row():
    with pytest.raises(UsageError, match="position 129"):
        make(LearnedPositions).embed(1, torch.tensor([3, 128]), torch.empty(0))


def test_a_fixed_offset_is_a_rotation_of_the_sinusoids():
    table = sinusoids(torch.arange(50), 16).unflatten(-1, (-1, 2))
    angle = 3 / 10000 ** (torch.arange(0, 16, 2, dtype=torch.float64) / 16)
    sine, cosine = table[:47].unbind(-1)
    assert_close(table[3:, :, 0], sine * angle.cos() + cosine * angle.sin(), rtol=0, atol=1e-12)


def test_the_sine_only_table_is_its_formula():
    row = make(SineOnly).embed(1, 3, torch.zeros(1))
    expected = torch.tensor([[math.sin(3 / 10000 ** (i / 8)) for i in range(8)]])
    assert_close(row, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [Sinusoidal, SineOnly])
def test_a_table_grows_past_64_and_keeps_what_it_had(kind):
    positions = make(kind)
    like = torch.zeros(1)
    first = positions.embed(64, 0, like)
    longer = positions.embed(100, 0, like)
    far = positions.embed(5, 1000, like)
    assert torch.equal(first, longer[:64])
    assert torch.equal(far, positions.make(1005)[1000:].float())
    assert positions.state_dict() == {}


def test_a_scheme_touches_only_its_place():
    x = torch.randn(1, 2, 3, 4)
    places = {
        "sinusoidal": "embed",
        "sine": "embed",
        "learned": "embed",
        "rotary": "rotate",
        "alibi": "bias",
        "relative": "bias",
        "none": None,
    }
    assert set(POSITIONS) == set(places)
    for position, place in places.items():
        scheme = make(POSITIONS[position])
        touched = [
            name
            for name, used in (
                ("embed", scheme.embed(3, 0, x) is not None),
                ("rotate", not torch.equal(scheme.rotate(x, 1), x)),
                ("bias", scheme.bias(3, 3) is not None),
            )
            if used
        ]
        assert touched == ([] if place is None else [place])


def test_learned_positions_are_rows_and_end_at_max_length():
    positions = make(LearnedPositions, max_length=10)
    assert torch.equal(positions.embed(3, 7, torch.zeros(1)), positions.vectors[7:10])
    message = (
        r"Learned positions are limited to `max_length` 10, but the input needs position 11\. Use"
    )
    with pytest.raises(UsageError, match=message):
        positions.embed(4, 7, torch.zeros(1))


@settings(max_examples=30)
@given(i=st.integers(0, 200), j=st.integers(0, 200), shift=st.integers(0, 200))
def test_rotary_dot_products_depend_on_the_relative_position_only(i, j, shift):
    rotary = make(Rotary, d_k=8)
    g = torch.Generator().manual_seed(i * 201 + j)
    q, k = torch.randn(2, 1, 1, 1, 8, generator=g)

    def product(at: int, and_at: int) -> torch.Tensor:
        return (rotary.rotate(q, at) * rotary.rotate(k, and_at)).sum()

    assert_close(product(i, j), product(i + shift, j + shift), rtol=0, atol=2e-4)


def test_rotary_turns_the_first_pair_by_one_radian_a_position():
    rotary = make(Rotary)
    x = torch.tensor([1.0, 0.0, 1.0, 0.0]).expand(1, 1, 3, 4)
    turned = rotary.rotate(x, 0)[0, 0]
    assert_close(turned[0], x[0, 0, 0])
    assert_close(turned[1, :2], torch.tensor([math.cos(1), math.sin(1)]))
    assert_close(turned[2, 2:], torch.tensor([math.cos(0.02), math.sin(0.02)]))


def test_rotary_keeps_lengths_and_goes_on_past_64():
    rotary = make(Rotary)
    x = torch.randn(2, 2, 100, 4)
    turned = rotary.rotate(x, 0)
    assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    late = rotary.rotate(x[:, :, 90:], 90)
    # Not bit for bit: a processor's vectors multiply and add in one rounding, the rest in two.
    assert_close(late, turned[:, :, 90:])


def test_alibi_slopes_halve_from_a_half_for_eight_heads():
    alibi = make(ALiBi, heads=8)
    assert_close(alibi.slopes.flatten(), torch.tensor([2.0**-k for k in range(1, 9)]))
    assert_close(
        make(ALiBi, heads=4).slopes.flatten(), torch.tensor([4.0**-k for k in range(1, 5)])
    )


def test_alibi_subtracts_slope_times_distance_and_aligns_the_last_query_with_the_last_key():
    bias = make(ALiBi, heads=1).bias(2, 3)  # queries at positions 1 and 2; slope 2^-8
    expected = torch.tensor([[1.0, 0.0, 1.0], [2.0, 1.0, 0.0]]) * -(2.0**-8)
    assert_close(bias, expected[None, None])
    whole = make(ALiBi, heads=4).bias(6, 6)
    assert torch.equal(make(ALiBi, heads=4).bias(2, 6), whole[:, :, 4:])


def test_t5_buckets_of_an_encoder_by_hand():
    relative = make(RelativeBuckets)
    near = {0: 0, 1: 1, 7: 7, 8: 8, 11: 8, 12: 9}
    behind = near | {16: 10, 32: 12, 64: 14, 127: 15, 128: 15, 999: 15}
    for distance, bucket in behind.items():
        assert relative.bucket(torch.tensor(-distance)).item() == bucket
        if distance:
            assert relative.bucket(torch.tensor(distance)).item() == bucket + 16


def test_t5_buckets_of_a_decoder_by_hand():
    relative = make(RelativeBuckets, causal=True)
    behind = {0: 0, 1: 1, 15: 15, 16: 16, 32: 21, 64: 26, 127: 31, 128: 31, 999: 31}
    for distance, bucket in behind.items():
        assert relative.bucket(torch.tensor(-distance)).item() == bucket
    assert relative.bucket(torch.tensor(5)).item() == 0


def test_t5_numbers_land_on_their_pairs():
    relative = make(RelativeBuckets, causal=True)
    with torch.no_grad():
        relative.numbers.copy_(torch.arange(32.0) + torch.tensor([[0.0], [100.0]]))
    bias = relative.bias(2, 3)  # queries at 1 and 2
    assert bias.shape == (1, 2, 2, 3)
    assert bias[0, 0].tolist() == [[1, 0, 0], [2, 1, 0]]
    assert bias[0, 1].tolist() == [[101, 100, 100], [102, 101, 100]]


@pytest.mark.parametrize("position", POSITIONS)
def test_what_a_search_has_grown_serves_training(position):
    scheme = POSITIONS[position](8, 4, 2, causal=True, max_length=200)
    with torch.inference_mode():  # past the table's first length
        scheme.embed(150, 0, torch.zeros(1))
        scheme.rotate(torch.zeros(1, 2, 150, 4), 0)
        scheme.bias(150, 150)
    x = torch.randn(1, 2, 3, 4, requires_grad=True)
    where = scheme.embed(3, 0, x)
    bias = scheme.bias(3, 3)
    total = scheme.rotate(x, 0).square().sum()
    total = total if where is None else total + (where * x[..., :1].mean()).sum()
    (total if bias is None else total + (bias * x[0, 0, 0, 0]).sum()).backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("layout", ["plain", "split", "strided"])
def test_turning_as_complex_numbers_is_turning_pairs(layout):
    torch.manual_seed(0)
    x = (
        {
            "plain": torch.randn(2, 3, 5, 8),
            "split": torch.randn(2, 5, 3 * 8).unflatten(-1, (3, 8)).transpose(1, 2),
            "strided": torch.randn(2, 3, 5, 16)[..., ::2],
        }[layout]
        .detach()
        .requires_grad_()
    )
    turns = torch.randn(5, 4, 2)
    g = torch.randn(2, 3, 5, 8)
    found, wanted = rotate_complex(x, turns), rotate_pairs(x, turns)
    assert_close(found, wanted)
    (mine,) = torch.autograd.grad(found, x, g)
    (theirs,) = torch.autograd.grad(wanted, x, g)
    assert_close(mine, theirs)
