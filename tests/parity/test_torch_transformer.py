"""Our weights in torch.nn's Transformer layers give the same numbers and gradients."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

import tiny
from whyformer.blocks.feedforward import FeedForward
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.models.transformer import Transformer

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")


def copy_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    parts = (ours.project_query, ours.project_key, ours.project_value)
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
    theirs.in_proj_bias.zero_()
    theirs.out_proj.weight.copy_(ours.project_output.weight)
    theirs.out_proj.bias.zero_()


def copy_feedforward(ours: FeedForward, theirs: nn.Module) -> None:
    theirs.linear1.load_state_dict(ours.expand.state_dict())
    theirs.linear2.load_state_dict(ours.contract.state_dict())


@torch.no_grad()
def torch_twins(ours: Transformer) -> tuple[nn.TransformerEncoder, nn.TransformerDecoder]:
    s = ours.settings
    pre = s.wiring == "pre-norm"
    shape = {
        "d_model": s.d_model,
        "nhead": s.heads,
        "dim_feedforward": s.d_ff,
        "dropout": 0.0,
        "activation": str(s.activation),
        "batch_first": True,
        "norm_first": pre,
    }

    def norm() -> nn.Module | None:
        return nn.LayerNorm(s.d_model) if pre else None

    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(**shape), s.encoder_layers, norm(), enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**shape), s.decoder_layers, norm())
    for a, b in zip(ours.encoder.layers, encoder.layers, strict=True):
        copy_attention(a.self_attention, b.self_attn)
        copy_feedforward(a.feedforward, b)
        b.norm1.load_state_dict(a.wire_self_attention.norm.state_dict())
        b.norm2.load_state_dict(a.wire_feedforward.norm.state_dict())
    for a, b in zip(ours.decoder.layers, decoder.layers, strict=True):
        copy_attention(a.self_attention, b.self_attn)
        copy_attention(a.cross_attention, b.multihead_attn)
        copy_feedforward(a.feedforward, b)
        b.norm1.load_state_dict(a.wire_self_attention.norm.state_dict())
        b.norm2.load_state_dict(a.wire_cross_attention.norm.state_dict())
        b.norm3.load_state_dict(a.wire_feedforward.norm.state_dict())
    if pre:
        encoder.norm.load_state_dict(ours.encoder.final_norm.state_dict())
        decoder.norm.load_state_dict(ours.decoder.final_norm.state_dict())
    return encoder.eval(), decoder.eval()


def shaken(**changes) -> Transformer:
    model = tiny.build(**changes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("wiring", ["post-norm", "pre-norm"])
def test_values_and_gradients_equal_those_of_torch(wiring, activation):
    ours = shaken(wiring=wiring, activation=activation, heads=4, encoder_layers=3)
    encoder, decoder = torch_twins(ours)
    g = torch.Generator().manual_seed(0)
    source, real = tiny.padded(g, 5, 9)
    target = tiny.ids(g, 5, 7)
    outward = torch.randn(5, 7, 16, generator=g)

    def theirs() -> Tensor:
        x = ours.encoder.embedding(source, ours.encoder.positions)
        memory = encoder(x, src_key_padding_mask=~real)
        assert_close(memory[real], ours.encoder(source, real)[real], rtol=1e-5, atol=1e-5)
        y = ours.decoder.embedding(target, ours.decoder.positions)
        ahead = torch.ones(7, 7, dtype=torch.bool).triu(1)
        return decoder(y, memory, tgt_mask=ahead, memory_key_padding_mask=~real)

    results = []
    for features in (ours.features(source, real, target), theirs()):
        weight = ours.encoder.embedding.weight
        (gradient,) = torch.autograd.grad((features * outward).sum(), weight)
        results.append((features, gradient))
    assert_close(results[0][0], results[1][0], rtol=1e-5, atol=1e-5)
    assert_close(results[0][1], results[1][1], rtol=1e-4, atol=1e-4)


def test_attention_weights_equal_those_of_torch():
    torch.manual_seed(0)
    ours = MultiHeadAttention(12, heads=3, d_k=4)
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        copy_attention(ours, theirs)
    x, memory = torch.randn(2, 5, 12), torch.randn(2, 6, 12)
    expected, _ = theirs(x, memory, memory)
    assert_close(ours(x, ours.keys_values(memory)), expected, rtol=1e-5, atol=1e-6)
