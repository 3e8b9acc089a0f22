from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from whyformer.acceleration import thresholds
from whyformer.acceleration.int8_linear import Int8Linear
from whyformer.acceleration.packed_linear import PackedLinear, can_pack
from whyformer.decoding.packing import pack
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.decoding.weights import Weights
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.tokenizer import train_tokenizer

packs = pytest.mark.skipif(not can_pack(), reason="oneDNN packs on x86-64 alone")
all_pay_here = pytest.mark.usefixtures("all_pay")
WIDE = 64
PACKED = ("packed_one_row", "packed_few_rows", "packed_many_rows")
LARGE = thresholds.PACKED_ONE_ROW.default()
SHAPE = TransformerSettings(
    encoder_layers=1, decoder_layers=1, d_model=WIDE, heads=2, d_ff=LARGE // WIDE, dropout=0.5
)


@pytest.fixture
def all_pay() -> Iterator[None]:
    """Pack weights of every size, for any number of rows."""
    with thresholds.using(dict.fromkeys(PACKED, 1)):
        yield


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
