"""Our GPT with GPT-2's weights computes what Hugging Face's GPT-2 computes."""

import pytest
import torch
from torch.testing import assert_close

from whyformer.models.gpt import GPT, GPTSettings

transformers = pytest.importorskip("transformers")


@torch.no_grad()
def test_logits_equal_those_of_hugging_face():
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=23,
        n_positions=16,
        n_embd=12,
        n_layer=3,
        n_head=2,
        n_inner=20,
        initializer_range=0.3,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    for parameter in theirs.parameters():  # biases of 0 and gains of 1 would hide mistakes
        parameter.add_(torch.randn_like(parameter) * 0.1)
    shape = GPTSettings(layers=3, d_model=12, heads=2, d_ff=20, max_length=16, dropout=0.0)
    ours = GPT(shape, (23, 23)).eval()
    body = theirs.transformer
    ours.embedding.weight.copy_(body.wte.weight)
    ours.positions.vectors.copy_(body.wpe.weight)
    ours.final_norm.load_state_dict(body.ln_f.state_dict())
    for mine, one in zip(ours.layers, body.h, strict=True):
        parts = (
            mine.self_attention.project_query,
            mine.self_attention.project_key,
            mine.self_attention.project_value,
        )
        weights, biases = one.attn.c_attn.weight.T.chunk(3), one.attn.c_attn.bias.chunk(3)
        for part, weight, bias in zip(parts, weights, biases, strict=True):
            part.weight.copy_(weight)
            part.bias.copy_(bias)
        for part, conv in (
            (mine.self_attention.project_output, one.attn.c_proj),
            (mine.feedforward.expand, one.mlp.c_fc),
            (mine.feedforward.contract, one.mlp.c_proj),
        ):
            part.weight.copy_(conv.weight.T)
            part.bias.copy_(conv.bias)
        mine.wire_self_attention.norm.load_state_dict(one.ln_1.state_dict())
        mine.wire_feedforward.norm.load_state_dict(one.ln_2.state_dict())
    ids = torch.randint(0, 23, (3, 9))
    assert_close(ours(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)
