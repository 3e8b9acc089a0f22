"""Layers in eight bits are nearly their plain twins, row by row."""

import pytest
import torch
from torch import nn

from whyformer.acceleration.int8_linear import Int8Linear

WIDE = 64


def layer(*, bias: bool = True) -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(WIDE, 100, bias=bias)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1,), (5,), (64,), (3, 7), (2, 3, 1)])
def test_eight_bits_are_nearly_the_plain_twin(shape: tuple[int, ...], *, bias: bool) -> None:
    plain = layer(bias=bias)
    rounded = Int8Linear(plain)
    x = torch.randn(*shape, WIDE)
    with torch.inference_mode():
        expected, found = plain(x), rounded(x)
    assert found.shape == expected.shape
    # Rounding to 127 or 63 steps of the largest of 64 normal numbers, about 2.5 deviations away.
    assert (found - expected).norm() < 0.03 * expected.norm()


def test_a_row_in_eight_bits_does_not_depend_on_its_neighbours() -> None:
    rounded = Int8Linear(layer())
    rows = torch.randn(50, WIDE) * torch.logspace(-6, 6, 50)[:, None]
    rows[7] = 0.0
    with torch.inference_mode():
        together = rounded(rows)
        assert torch.equal(together, torch.cat([rounded(row[None]) for row in rows]))
    assert torch.equal(together[7], rounded.bias)


@pytest.mark.parametrize("vnni", [None, False])
def test_the_largest_sums_do_not_overflow(
    monkeypatch: pytest.MonkeyPatch, vnni: bool | None
) -> None:
    """With the bits that this processor takes, and with those of one without VNNI."""
    if vnni is not None:
        monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: vnni)
    plain = layer(bias=False)
    nn.init.ones_(plain.weight)
    with torch.inference_mode():
        for sign in (1.0, -1.0):
            rows = torch.full((40, WIDE), sign)
            torch.testing.assert_close(Int8Linear(plain)(rows), plain(rows))
