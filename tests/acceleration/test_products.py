"""Products by oneDNN equal those of BLAS; here oneDNN computes on every processor."""

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyformer.acceleration import processor, products, thresholds
from whyformer.acceleration.joint_projection import project_jointly
from whyformer.acceleration.products import (
    FEW_ROWS,
    FEW_ROWS_TO_SUM,
    NARROW,
    onednn_product,
    sum_over_rows,
    uses_onednn,
)
from whyformer.blocks.linear import Linear
from whyformer.training.loss import cross_entropy, fused_cross_entropy

pytestmark = pytest.mark.skipif(not processor.has_onednn(), reason="this torch has no oneDNN")
SHAPES = [(FEW_ROWS, 8), (5, FEW_ROWS, 8), (2, 3, 40, 8)]


@pytest.fixture(autouse=True)
def faster() -> Iterator[None]:
    with thresholds.using({"product": 0, "row_sum": 0}):
        yield


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_products_and_gradients_are_those_of_the_plain_twin(
    shape: tuple[int, ...], *, bias: bool
) -> None:
    torch.manual_seed(0)
    layer = Linear(8, 12, bias=bias)
    x, slope = torch.randn(*shape, requires_grad=True), torch.randn(*shape[:-1], 12)
    assert uses_onednn(x, layer.weight)
    inputs = [x, *layer.parameters()]
    found = layer(x)
    plain = F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(found, plain)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, slope), torch.autograd.grad(plain, inputs, slope)
    )
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), plain)


@pytest.mark.parametrize(
    ("rows", "d_in", "d_out"),
    [
        (FEW_ROWS_TO_SUM, NARROW + 1, NARROW + 1),
        (FEW_ROWS_TO_SUM, NARROW + 1, 3 * NARROW),
        (FEW_ROWS_TO_SUM + 7, 3 * NARROW, NARROW + 1),
    ],
)
def test_sums_over_rows_are_those_of_the_plain_twin(
    monkeypatch: pytest.MonkeyPatch, rows: int, d_in: int, d_out: int
) -> None:
    torch.manual_seed(3)
    asked = []
    monkeypatch.setattr(
        products, "onednn_product", lambda *two: (asked.append(two), onednn_product(*two))[1]
    )
    layer, x = Linear(d_in, d_out), torch.randn(rows, d_in, requires_grad=True)
    with torch.no_grad():
        found = sum_over_rows(torch.ones(rows, d_out), x)
    assert len(asked) == 1
    torch.testing.assert_close(found, torch.ones(d_out, rows) @ x)
    slope = torch.randn(rows, d_out)
    for _ in range(2):  # the second gradient is added to the first
        layer(x).backward(slope)
    assert len(asked) == 1 + 2 * 3
    torch.testing.assert_close(layer.weight.grad, 2 * slope.T @ x, rtol=1e-4, atol=1e-4)


def test_few_rows_and_narrow_sums_go_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("oneDNN was asked")

    monkeypatch.setattr(products, "onednn_product", refuse)
    rows, wide = FEW_ROWS_TO_SUM, NARROW + 1
    with torch.no_grad():
        for few, d_in, d_out in (
            (rows - 1, wide, wide),
            (rows, NARROW, wide),
            (rows, wide, NARROW),
        ):
            sum_over_rows(torch.ones(few, d_out), torch.ones(few, d_in))
        with pytest.raises(AssertionError):
            sum_over_rows(torch.ones(rows, wide), torch.ones(rows, wide))


def test_a_product_uses_onednn_from_its_number_of_multiplications() -> None:
    rows, d_in, d_out = FEW_ROWS_TO_SUM, NARROW + 1, NARROW + 2
    x, slope, weight = torch.ones(rows, d_in), torch.ones(rows, d_out), torch.ones(d_out, d_in)
    size = rows * d_in * d_out
    for least in (size, size + 1):
        with torch.no_grad(), thresholds.using({"product": least, "row_sum": 0}):
            assert uses_onednn(x, weight) is (size >= least)
            assert uses_onednn(x.view(2, -1, d_in), weight) is (size >= least)
            assert products.sums_by_onednn(slope, x)
        with torch.no_grad(), thresholds.using({"product": 0, "row_sum": least}):
            assert uses_onednn(x, weight)
            assert products.sums_by_onednn(slope, x) is (size >= least)


def test_what_follows_may_change_the_product_in_place() -> None:
    layer, x = Linear(8, 12), torch.randn(4, FEW_ROWS, 8)
    found = F.relu(layer(x), inplace=True)
    assert found.grad_fn is not None
    assert found.grad_fn.name() == "ReluBackward0"  # of a view it would be CopySlices, and slow
    found.sum().backward()
    plain = nn.Linear(8, 12)
    plain.load_state_dict(layer.state_dict())
    F.relu(plain(x)).sum().backward()
    torch.testing.assert_close(layer.weight.grad, plain.weight.grad)


@pytest.mark.parametrize(
    ("rows", "d_in", "d_out"), [(FEW_ROWS, 4, 3), (FEW_ROWS_TO_SUM, NARROW + 1, NARROW + 2)]
)
def test_gradients_have_gradients(rows: int, d_in: int, d_out: int) -> None:
    torch.manual_seed(1)
    x = torch.randn(rows, d_in, requires_grad=True)
    layer = Linear(d_in, d_out)

    def bent(output: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = torch.autograd.grad(output.tanh().sum(), [x, layer.weight], create_graph=True)
        return torch.autograd.grad(sum(one.square().sum() for one in first), [x, layer.weight])

    torch.testing.assert_close(
        bent(layer(x)), bent(F.linear(x, layer.weight, layer.bias)), rtol=1e-3, atol=1e-3
    )


def test_only_what_learns_gets_a_gradient() -> None:
    layer = Linear(8, 12)
    layer.weight.requires_grad_(False)
    x = torch.randn(FEW_ROWS, 8, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None
    layer(x.detach()).sum().backward()  # of the bias alone
    torch.testing.assert_close(layer.bias.grad, torch.full((12,), 2.0 * FEW_ROWS))


def test_few_rows_and_other_precisions_go_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("oneDNN was asked")

    monkeypatch.setattr(products, "onednn_product", refuse)
    layer = Linear(8, 12)
    with torch.inference_mode():
        layer(torch.randn(FEW_ROWS - 1, 8))
        layer.double()(torch.randn(FEW_ROWS, 8, dtype=torch.float64))
        with torch.autocast("cpu", torch.bfloat16):
            assert layer.float()(torch.randn(FEW_ROWS, 8)).dtype == torch.bfloat16
        with pytest.raises(AssertionError):
            layer(torch.randn(FEW_ROWS, 8))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(
    ("rows", "vocabulary", "width"), [(70, 50, 8), (FEW_ROWS_TO_SUM, 2 * NARROW, NARROW + 1)]
)
def test_the_fused_loss_is_its_plain_twin_by_onednn_too(
    rows: int, vocabulary: int, width: int, smoothing: float
) -> None:
    torch.manual_seed(2)
    features, weight = torch.randn(rows, width), torch.randn(vocabulary, width)
    labels = torch.randint(vocabulary, (rows,))
    found = []
    for loss in (cross_entropy, fused_cross_entropy):
        inputs = [features.clone().requires_grad_(), weight.clone().requires_grad_()]
        total = loss(*inputs, labels, smoothing).smoothed
        found.append([total, *torch.autograd.grad(total, inputs)])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("capability", "about", "answer", "sums"),
    [
        ("AVX512", "vendor_id\t: AuthenticAMD\ncpu family\t: 26", True, True),
        ("AVX512", "vendor_id\t: AuthenticAMD\ncpu family\t: 25", True, False),
        ("AVX512", "vendor_id\t: GenuineIntel\ncpu family\t: 26", False, False),
        ("AVX2", "vendor_id\t: AuthenticAMD\ncpu family\t: 26", False, False),
    ],
)
def test_the_processor_alone_decides(
    monkeypatch: pytest.MonkeyPatch, capability: str, about: str, *, answer: bool, sums: bool
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(processor, "about_processor", lambda: about)
    monkeypatch.setattr(processor, "has_onednn", lambda: True)
    monkeypatch.setattr(
        processor, "onednn_multiplies_faster", processor.onednn_multiplies_faster.__wrapped__
    )
    assert processor.onednn_multiplies_faster() is answer
    assert processor.onednn_sums_rows_faster.__wrapped__() is sums


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("count", [2, 3])
def test_heads_projected_jointly_are_those_of_each_layer_alone(count: int, *, bias: bool) -> None:
    torch.manual_seed(4)
    layers = [Linear(8, 12, bias=bias) for _ in range(count)]
    x = torch.randn(5, FEW_ROWS, 8, requires_grad=True)
    inputs = [x, *(p for layer in layers for p in layer.parameters())]
    slopes = [torch.randn(5, 3, FEW_ROWS, 4) for _ in layers]
    found = project_jointly(x, layers, 3, Linear)
    assert found is not None
    assert all(one.is_contiguous() for one in found)
    plain = [layer(x).unflatten(-1, (3, 4)).transpose(1, 2) for layer in layers]
    for one, other in zip(found, plain, strict=True):
        torch.testing.assert_close(one, other)
    twins = [
        torch.autograd.grad(outputs, inputs, slopes, create_graph=True)
        for outputs in (found, plain)
    ]
    torch.testing.assert_close(*twins)
    bent = [  # the second gradient, of something that is not linear in x
        torch.autograd.grad(sum(one.tanh().sum() for one in outputs), x, create_graph=True)[0]
        for outputs in (found, plain)
    ]
    torch.testing.assert_close(
        *(torch.autograd.grad(one.square().sum(), inputs) for one in bent), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(
        torch.autograd.grad(project_jointly(x.detach(), layers, 3, Linear), inputs[1:], slopes),
        torch.autograd.grad(
            [layer(x) for layer in layers],
            inputs[1:],
            [one.transpose(1, 2).flatten(2) for one in slopes],
        ),
    )


def test_layers_that_one_product_cannot_replace_are_asked_alone() -> None:
    x, layers = torch.randn(2, FEW_ROWS, 8), [Linear(8, 12) for _ in range(2)]
    with torch.no_grad():
        assert project_jointly(x, layers, 3, Linear) is None
    assert project_jointly(x[:1, 1:], layers, 3, Linear) is None  # too few rows
    assert project_jointly(x, [layers[0], nn.Linear(8, 12)], 3, Linear) is None
    assert project_jointly(x, [layers[0], Linear(8, 12, bias=False)], 3, Linear) is None
    assert project_jointly(x, layers, 3, Linear) is not None
    with layers[1].register_forward_hook(lambda *_: None):
        assert project_jointly(x, layers, 3, Linear) is None
    layers[0].weight.requires_grad_(False)
    assert project_jointly(x, layers, 3, Linear) is None
