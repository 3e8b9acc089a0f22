"""Packed layers equal their plain twins."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from whyformer.acceleration import thresholds
from whyformer.acceleration.packed_linear import PackedLinear, PackedWeights, can_pack
from whyformer.blocks.grouped_query import GroupedQueryAttention

packs = pytest.mark.skipif(not can_pack(), reason="oneDNN packs on x86-64 alone")
all_pay_here = pytest.mark.usefixtures("all_pay")
WIDE = 64
PACKED = ("packed_one_row", "packed_few_rows", "packed_many_rows")
SMALL, LARGE = (thresholds.THRESHOLDS[name].default() for name in (PACKED[2], PACKED[0]))


@pytest.fixture
def all_pay() -> Iterator[None]:
    """Pack weights of every size, for any number of rows."""
    with thresholds.using(dict.fromkeys(PACKED, 1)):
        yield


def layer(*, bias: bool = True) -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(WIDE, 100, bias=bias)


@packs
@all_pay_here
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1,), (5,), (64,), (3, 7), (2, 3, 1)])
def test_a_packed_layer_is_its_plain_twin(shape: tuple[int, ...], *, bias: bool) -> None:
    plain = layer(bias=bias)
    packed = PackedLinear(plain)
    x = torch.randn(*shape, WIDE)
    with torch.inference_mode():
        torch.testing.assert_close(packed(x), plain(x))


@packs
@all_pay_here
@pytest.mark.parametrize("fused", [True, False])
def test_changed_weights_are_packed_again(*, fused: bool) -> None:
    plain = layer()
    packed, x = PackedLinear(plain), torch.randn(4, WIDE)
    with torch.no_grad():
        before = packed(x)
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.1, fused=fused)
    packed(x).square().sum().backward()
    optimizer.step()
    with torch.no_grad():
        assert (packed(x) - before).abs().max() > 0.1
        torch.testing.assert_close(packed(x), plain(x))
    packed.weight = nn.Parameter(torch.zeros(100, WIDE))
    with torch.no_grad():
        torch.testing.assert_close(packed(x), packed.bias.expand(4, -1))


@packs
@all_pay_here
def test_rows_need_not_lie_side_by_side() -> None:
    plain = layer()
    packed, x = PackedLinear(plain), torch.randn(6, 5, WIDE)
    with torch.inference_mode():
        for rows in (x[:, 2], x.transpose(0, 1), x[::2]):
            torch.testing.assert_close(packed(rows), plain(rows))


@packs
@all_pay_here
def test_a_model_made_in_inference_mode_goes_the_plain_way() -> None:
    with torch.inference_mode():
        plain, x = layer(), torch.randn(4, WIDE)
        torch.testing.assert_close(PackedLinear(plain)(x), plain(x))


@packs
@all_pay_here
def test_gradients_and_other_precisions_go_the_plain_way() -> None:
    plain = layer()
    packed, x = PackedLinear(plain), torch.randn(4, WIDE, requires_grad=True)
    found = torch.autograd.grad(packed(x).square().sum(), [x, plain.weight])
    expected = torch.autograd.grad(plain(x).square().sum(), [x, plain.weight])
    torch.testing.assert_close(found, expected)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert packed(x).dtype == torch.bfloat16
    double = PackedLinear(plain.double())
    with torch.inference_mode():
        torch.testing.assert_close(double(x.double()), plain(x.double()))


@packs
@all_pay_here
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_three_projections_by_one_product_are_three_products(kv_heads: int, *, bias: bool) -> None:
    torch.manual_seed(2)
    attention = GroupedQueryAttention(WIDE, 4, 8, bias=bias, kv_heads=kv_heads)
    x = torch.randn(3, 5, WIDE)
    with torch.inference_mode():
        expected = attention.queries_keys_values(x)
        attention.joint = joint = PackedWeights(
            attention.project_query, attention.project_key, attention.project_value
        )
        assert joint(x) is not None
        for found, one in zip(attention.queries_keys_values(x), expected, strict=True):
            torch.testing.assert_close(found, one)
        kept = joint._kept
        joint(x)
        assert joint._kept is kept
        attention.project_key.weight.zero_()
        assert (
            joint(x)[..., 32 : 32 + 8 * kv_heads].sub(attention.project_key(x)).abs().max() < 1e-6
        )


@packs
@pytest.mark.parametrize(
    ("numbers", "rows", "paying"),
    [
        (SMALL, 32, True),
        (SMALL - WIDE, 1000, False),
        (SMALL, 31, False),
        (LARGE // 2, 2, True),
        (LARGE // 2, 1, False),
        (LARGE, 1, True),
    ],
)
def test_small_weights_and_few_rows_are_left_to_blas(numbers: int, rows: int, paying: bool) -> None:
    packed = PackedWeights(nn.Linear(WIDE, numbers // WIDE))
    with torch.inference_mode():
        assert (packed(torch.randn(rows, 1, WIDE)) is not None) == paying
