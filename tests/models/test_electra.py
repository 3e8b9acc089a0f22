"""ELECTRA's own promises: what is shared, what is not, and how tokens are drawn."""

import pytest
import torch
from torch.testing import assert_close

import tiny
from whyformer.models.build import build_model
from whyformer.models.electra import Electra, ElectraSettings, draw
from whyformer.models.transformer import count_parameters

SWITCHES = {name: kind for name, kind in tiny.SWITCHES.items() if name != "tying"}
VARIANTS = {f"{name}={m}": tiny.alone(name, m) for name, kind in SWITCHES.items() for m in kind} | {
    "sharing=all": {"sharing": "all"},
    "embedding_width=6": {"embedding_width": 6},
    "generator_share=1": {"generator_share": 1.0},
    "ngrams=3": {"ngrams": 3, "ngram_rows": 97, "ngram_width": 5},
}


def build(**changes) -> Electra:
    torch.manual_seed(0)
    small = {
        "layers": 2, "d_model": 16, "heads": 4, "d_ff": 24, "dropout": 0.0, "max_length": 32,
        "generator_share": 0.5,
    }  # fmt: skip
    settings = ElectraSettings(**{**small, **changes})
    return Electra(settings, (tiny.VOCABULARY, tiny.VOCABULARY))


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x = tiny.ids(torch.Generator().manual_seed(seed), 2, 6)
    chosen = torch.tensor([[0, 1, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0]]).bool()
    return x, torch.zeros_like(x), chosen


@pytest.mark.parametrize("changes", [{}, VARIANTS["ngrams=3"]], ids=["tokens", "n-grams"])
def test_the_generator_is_narrow_and_the_embeddings_are_one(changes):
    model = build(**changes)
    generator, discriminator = model.generator, model.discriminator
    assert generator.settings.d_model == 8
    assert generator.settings.d_ff == 12
    assert generator.settings.heads == 2
    assert generator.settings.head_width == discriminator.settings.head_width == 4
    assert generator.settings.layers == discriminator.settings.layers
    assert generator.embedding.tokens.weight is discriminator.embedding.tokens.weight
    assert generator.masked.weight is discriminator.embedding.tokens.weight
    assert generator.positions is discriminator.positions
    own = [name for name, _ in model.named_parameters() if name.startswith("generator.embedding")]
    assert own == ["generator.embedding.widen.weight", "generator.embedding.widen.bias"]
    assert model.settings.summary == "2 layers, d_model 16, 4 heads; generator of 8"


def test_the_generator_shares_keys_and_values_like_the_discriminator():
    shared = {"attention": "grouped-query", "heads": 8, "kv_heads": 4, "d_k": 4}
    for share, heads, kv_heads in ((0.5, 4, 2), (0.75, 6, 3), (0.125, 1, 1)):
        model = build(**shared, generator_share=share)
        generator = model.generator.layers[0].self_attention
        assert (generator.heads, generator.kv_heads) == (heads, kv_heads)
    assert build(attention="multi-query").generator.layers[0].self_attention.kv_heads == 1


def test_a_share_of_a_quarter_is_small():
    model = build(d_model=64, d_ff=256, generator_share=0.25, layers=4)
    assert count_parameters(model.generator.layers) < count_parameters(model.discriminator) / 10


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_learns_from_its_own_half(variant):
    model = build(**VARIANTS[variant])
    x, segments, chosen = batch()
    segments[:, 3:] = 1
    shared = dict(model.discriminator.embedding.named_parameters())
    shared |= dict(model.discriminator.positions.named_parameters(prefix="positions"))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.restore(x, None, segments, chosen).square().sum().backward()
    mine = {id(p) for p in model.generator.parameters()}
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == (
            id(parameter) in mine
        ), name
    model.zero_grad()
    odds = model.detect(draw(torch.zeros(12, tiny.VOCABULARY)).view(2, 6), None, segments)
    assert odds.shape == (2, 6)
    odds.square().sum().backward()
    theirs = {id(p) for p in model.discriminator.parameters()}
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == (
            id(parameter) in theirs
        ), name


def test_padding_changes_nothing():
    model = build().eval()
    x, segments, chosen = batch()
    longer = torch.cat([x, torch.zeros(2, 3, dtype=torch.long)], 1)
    real = torch.arange(9) < torch.tensor([[6], [6]])
    wide = torch.nn.functional.pad(segments, (0, 3))
    with torch.no_grad():
        assert_close(model.detect(longer, real, wide)[:, :6], model.detect(x, None, segments))
        alone = model.restore(x, None, segments, chosen)
        padded = torch.nn.functional.pad(chosen, (0, 3))
        assert_close(model.restore(longer, real, wide, padded), alone)


def test_draws_follow_the_softmax_and_their_generator():
    logits = torch.tensor([0.5, 0.3, 0.2]).log().expand(20_000, 3)
    found = draw(logits, torch.Generator().manual_seed(0))
    shares = found.bincount(minlength=3) / len(found)
    assert_close(shares, torch.tensor([0.5, 0.3, 0.2]), rtol=0, atol=0.015)
    assert torch.equal(found, draw(logits, torch.Generator().manual_seed(0)))
    assert draw(torch.zeros(0, 3)).shape == (0,)


def test_settings_build_it():
    model = build_model(ElectraSettings(layers=1, d_model=8, heads=2), (9, 9), shared=True)
    assert isinstance(model, Electra)
