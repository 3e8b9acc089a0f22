"""§3.2.2: heads side by side are single attentions on slices of the projections."""

import pytest
import torch
from torch.testing import assert_close

from whyformer.blocks.attention import attention
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention, use_path
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.scaling import SCALINGS
from whyformer.blocks.taps import observe


def test_many_heads_are_single_attentions_concatenated_and_projected():
    torch.manual_seed(0)
    layer = MultiHeadAttention(6, heads=3, d_k=4)
    x, memory = torch.randn(2, 5, 6), torch.randn(2, 7, 6)
    heads = []
    for i in range(3):
        rows = slice(4 * i, 4 * i + 4)  # W_i of head i
        Q = x @ layer.project_query.weight[rows].T
        K = memory @ layer.project_key.weight[rows].T
        V = memory @ layer.project_value.weight[rows].T
        heads.append(attention(Q[:, None], K[:, None], V[:, None])[0][:, 0])
    expected = torch.cat(heads, dim=-1) @ layer.project_output.weight.T
    assert_close(layer(x, layer.keys_values(memory)), expected, rtol=1e-5, atol=1e-6)


def root_mean_square_one(x):
    return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("scale", SCALINGS)
@pytest.mark.parametrize("path", AttentionPath)
def test_every_scale_multiplies_the_scores_as_it_says(scale, path):
    torch.manual_seed(0)
    layer = MultiHeadAttention(8, heads=2, d_k=4, scale=scale, path=path)
    x = torch.randn(1, 3, 8)
    with observe(layer, "scores") as seen:
        output = layer(x, layer.keys_values(x))
    assert output.isfinite().all()
    if path is AttentionPath.FUSED:
        assert seen["scores"] == []
        return
    Q = layer.project_query(x).view(1, 3, 2, 4).transpose(1, 2)
    K = layer.project_key(x).view(1, 3, 2, 4).transpose(1, 2)
    lengths = Q.norm(dim=-1)[..., :, None] * K.norm(dim=-1)[..., None, :]
    expected = {
        "inverse-sqrt": Q @ K.mT / 2,
        "none": Q @ K.mT,
        "inverse": Q @ K.mT / 4,
        "learned": Q @ K.mT / 2,
        "cosine": Q @ K.mT / lengths * 2,
        "qk-norm": root_mean_square_one(Q) @ root_mean_square_one(K).mT / 2,
    }[scale]
    assert_close(seen["scores"], [expected], rtol=1e-5, atol=1e-6)


def test_each_head_learns_its_own_gain():
    for scale in ("learned", "cosine"):
        scaling = SCALINGS[scale](4, 3)
        with torch.no_grad():
            dict(scaling.named_parameters())["gain"].copy_(torch.tensor([1.0, 2, 3]).view(3, 1, 1))
        ones = torch.ones(1, 3, 2, 4)
        Q, _, factor = scaling(ones, ones)
        assert_close(Q[0, :, 0, 0] / Q[0, 0, 0, 0], torch.tensor([1.0, 2, 3]))
        assert factor == 1.0


@pytest.mark.parametrize("positions", ["none", "rotary"])
def test_normalized_scores_stay_within_root_d_k_however_large_the_input(positions):
    torch.manual_seed(0)
    layer = MultiHeadAttention(8, heads=2, d_k=4, scale="qk-norm", path=AttentionPath.EXPLICIT)
    scheme = POSITIONS[positions](8, 4, 2, causal=True, max_length=8)
    x = 1e3 * torch.randn(2, 5, 8)
    with observe(layer, "scores") as seen:
        layer(x, layer.keys_values(x, scheme), causal=True, positions=scheme)
    assert 1 < seen["scores"][0].abs().max() <= 2 + 1e-5  # √d_k = 2, at the starting gain of 1
    K, _ = layer.keys_values(x, scheme)
    assert_close(K.square().mean(-1), torch.ones(2, 2, 5))  # what a search caches


def test_the_path_can_be_changed_for_every_attention_of_a_model():
    torch.manual_seed(0)
    model = torch.nn.Sequential(MultiHeadAttention(4, 2, 2), MultiHeadAttention(4, 2, 2))
    use_path(model, AttentionPath.EXPLICIT)
    assert [layer.path for layer in model] == [AttentionPath.EXPLICIT] * 2


def test_the_tapped_weights_make_the_output():
    torch.manual_seed(0)
    layer = MultiHeadAttention(4, heads=1, d_k=4, path=AttentionPath.EXPLICIT)
    x = torch.randn(1, 3, 4)
    with observe(layer, "weights") as seen:
        output = layer(x, layer.keys_values(x), causal=True)
    (weights,) = seen["weights"]
    assert_close(output, layer.project_output((weights @ layer.keys_values(x)[1])[:, 0]))
    assert_close(weights.sum(-1), torch.ones(1, 1, 3))
    assert (weights.triu(1) == 0).all()
