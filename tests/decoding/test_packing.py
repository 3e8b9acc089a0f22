import pytest
import torch
from torch import Tensor, nn

from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.decoding import packing
from whyformer.decoding.packing import (
    LARGE,
    SMALL,
    Arranged,
    Int8Linear,
    PackedLinear,
    Weights,
    can_pack,
    pack,
)
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.tokenizer import train_tokenizer

packs = pytest.mark.skipif(not can_pack(), reason="oneDNN packs on x86-64 alone")
all_pay_here = pytest.mark.usefixtures("all_pay")
WIDE = 64
SHAPE = TransformerSettings(
    encoder_layers=1, decoder_layers=1, d_model=WIDE, heads=2, d_ff=LARGE // WIDE, dropout=0.5
)


@pytest.fixture
def all_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every weight be multiplied as it was arranged, however small, by any number of rows."""
    for least in ("SMALL", "MEDIUM", "LARGE"):
        monkeypatch.setattr(packing, least, 1)


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
def test_changed_weights_are_arranged_anew(*, fused: bool) -> None:
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
def test_three_projections_by_one_product_are_three_products(*, bias: bool) -> None:
    torch.manual_seed(2)
    attention = MultiHeadAttention(WIDE, 4, 8, bias=bias)
    x = torch.randn(3, 5, WIDE)
    with torch.inference_mode():
        expected = attention.queries_keys_values(x)
        attention.joint = joint = Arranged(
            attention.project_query, attention.project_key, attention.project_value
        )
        assert joint(x) is not None
        for found, one in zip(attention.queries_keys_values(x), expected, strict=True):
            torch.testing.assert_close(found, one)
        kept = joint._kept
        joint(x)
        assert joint._kept is kept
        attention.project_key.weight.zero_()
        assert joint(x)[..., 32:64].sub(attention.project_key(x)).abs().max() < 1e-6


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
    arranged = Arranged(nn.Linear(WIDE, numbers // WIDE))
    with torch.inference_mode():
        assert (arranged(torch.randn(rows, 1, WIDE)) is not None) == paying


@packs
def test_only_large_layers_are_packed_and_no_parameter_changes() -> None:
    model = Transformer(SHAPE, (LARGE // WIDE, LARGE // WIDE))
    before = {name: id(parameter) for name, parameter in model.named_parameters()}
    pack(model)
    assert {name: id(parameter) for name, parameter in model.named_parameters()} == before
    assert model.projection.weight is model.decoder.embedding.weight
    packed = {name for name, part in model.named_modules() if isinstance(part, PackedLinear)}
    linears = {name for name, part in model.named_modules() if isinstance(part, nn.Linear)}
    assert "projection" in packed
    assert "decoder.layers.0.feedforward.expand" in packed
    assert not any("attention" in name for name in packed)
    assert packed < linears


@packs
@all_pay_here
def test_a_packed_model_says_the_same() -> None:
    tokenizer = train_tokenizer("words", ["a b c d e f g"], vocabulary=300)
    torch.manual_seed(3)
    model = Transformer(SHAPE, (len(tokenizer), len(tokenizer)))
    lines = ["a b c", "d", "g f e d c b a", "a a"]
    settings = SearchSettings(beam=3, nbest=2, max_length=8)

    def answers() -> tuple[list[list[str]], Tensor]:
        found = Translator([model], tokenizer, tokenizer).translate(lines, settings)
        scores = [one.log_probability for line in found for _, one in line.hypotheses]
        return [[text for text, _ in line.hypotheses] for line in found], torch.tensor(scores)

    texts, scores = answers()
    model.projection = PackedLinear(model.projection)
    pack(model)
    assert any(isinstance(part, PackedLinear) for part in model.decoder.modules())
    again, scored = answers()
    assert again == texts
    torch.testing.assert_close(scored, scores)


@packs
@all_pay_here
def test_a_packed_language_model_steps_the_same() -> None:
    torch.manual_seed(4)
    model = GPT(GPTSettings(layers=1, d_model=WIDE, heads=2, d_ff=LARGE // WIDE), (50, 50)).eval()
    rows = torch.randint(5, 50, (3, 4))
    with torch.inference_mode():
        expected = model(rows)
        pack(model)
        torch.testing.assert_close(model(rows), expected)


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


def test_a_model_in_eight_bits_says_nearly_the_same() -> None:
    torch.manual_seed(5)
    model = Transformer(SHAPE, (LARGE // WIDE, LARGE // WIDE)).eval()
    source, target = torch.randint(5, 50, (3, 6)), torch.randint(5, 50, (3, 4))
    with torch.inference_mode():
        expected = model(source, None, target)
        pack(model, Weights.INT8)
        found = model(source, None, target)
    assert isinstance(model.projection, Int8Linear)
    assert not isinstance(model.encoder.layers[0].self_attention.project_query, Int8Linear)
    assert 0 < (found - expected).norm() < 0.05 * expected.norm()
    parts = [part for part in model.modules() if isinstance(part, Int8Linear)]
    pack(model)
    assert parts == [part for part in model.modules() if isinstance(part, Int8Linear)]
