"""BERT's own promises: counts, laws of padding, and what the heads see."""

import pytest
import torch
from torch.testing import assert_close

import tiny
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.presets import PRESETS
from whyformer.models.transformer import count_parameters
from whyformer.training.loss import fused_cross_entropy

SWITCHES = {name: kind for name, kind in tiny.SWITCHES.items() if name != "tying"}
VARIANTS = {f"{name}={m}": tiny.alone(name, m) for name, kind in SWITCHES.items() for m in kind} | {
    "sharing=all": {"sharing": "all"},
    "embedding_width=6": {"embedding_width": 6},
    "ngrams=3": {"ngrams": 3, "ngram_rows": 97, "ngram_width": 5},
}
EVERY_VARIANT = pytest.mark.parametrize("variant", VARIANTS)


def build(**changes) -> BERT:
    torch.manual_seed(0)
    small = {"layers": 2, "d_model": 16, "heads": 2, "d_ff": 24, "dropout": 0.0, "max_length": 32}
    model = BERT(BERTSettings(**{**small, **changes}), (tiny.VOCABULARY, tiny.VOCABULARY))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def test_the_preset_has_berts_parameters():
    settings = PRESETS["bert-base"]
    assert isinstance(settings, BERTSettings)
    with torch.device("meta"):
        model = BERT(settings, (30522, 30522))
    # As BertForPreTraining of Hugging Face counts; the paper prints 110M.
    assert count_parameters(model) == 110_106_428


def test_sharing_and_narrow_embeddings_save_what_albert_says():
    whole, shared = build(layers=4), build(layers=4, sharing="all")
    one = count_parameters(whole.layers[0])
    assert count_parameters(whole) - count_parameters(shared) == 3 * one
    narrow = build(embedding_width=6)
    assert narrow.embedding.tokens.weight.shape[1] == 6
    x = tiny.ids(torch.Generator().manual_seed(0), 2, 5)
    assert narrow(x).shape == (2, 5, 16)
    assert narrow.masked(narrow(x)).shape == (2, 5, tiny.VOCABULARY)


@EVERY_VARIANT
@torch.no_grad()
def test_padding_changes_nothing_and_every_token_sees_every_other(variant):
    model = build(**VARIANTS[variant])
    g = torch.Generator().manual_seed(1)
    x, real = tiny.padded(g, 3, 7)
    x[0], real[0] = tiny.ids(g, 1, 7), True
    other = torch.where(real, x, tiny.ids(g, 3, 7))
    for path in AttentionPath:
        use_path(model, path)
        found = model(x, real)
        assert torch.equal(found[real], model(other, real)[real])
        for row in range(3):
            n = int(real[row].sum())
            alone = model(x[row : row + 1, :n])
            assert_close(found[row, :n], alone[0], rtol=1e-4, atol=2e-5)
    changed = x.clone()
    changed[0, -1] = (x[0, -1] - 4) % 8 + 5
    assert (model(changed, real)[0, 0] != model(x, real)[0, 0]).any()


@EVERY_VARIANT
def test_every_parameter_learns(variant):
    model = build(**VARIANTS[variant]).train()
    g = torch.Generator().manual_seed(1)
    x, segments = tiny.ids(g, 2, 6), torch.tensor([[0, 0, 0, 1, 1, 1]] * 2)
    out = model(x, None, segments)
    (model.masked(out).square().sum() + model.next_sentence(model.pooled(out)).sum()).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_only_masked_positions_give_a_gradient():
    model = build()
    g = torch.Generator().manual_seed(1)
    out = model(tiny.ids(g, 2, 6)).detach().requires_grad_()
    chosen = torch.tensor([[False, True, False, False, True, False], [False] * 6])
    features = model.masked.features(out[chosen])
    fused_cross_entropy(
        features, model.masked.table(), torch.tensor([5, 6]), 0.0
    ).smoothed.backward()
    assert out.grad is not None
    assert not out.grad[~chosen].any()
    assert out.grad[chosen].any(-1).all()


def test_the_fused_loss_sees_the_bias():
    model = build()
    out = model(tiny.ids(torch.Generator().manual_seed(1), 2, 3)).flatten(0, 1)
    labels = torch.tensor([5, 6, 7, 8, 9, 10])
    fused = fused_cross_entropy(model.masked.features(out), model.masked.table(), labels, 0.0)
    wanted = torch.nn.functional.cross_entropy(model.masked(out), labels, reduction="sum")
    assert_close(fused.smoothed, wanted)


@pytest.mark.parametrize("layer", [None, "none", "tanh", "gelu"])
@pytest.mark.parametrize("answer_of", ["text", "tokens"])
def test_the_head_has_the_chosen_layer(layer, answer_of):
    model = build(outputs=3, answer_of=answer_of, head_layer=layer)
    x = tiny.ids(torch.Generator().manual_seed(1), 2, 4)
    vectors = model(x)
    hidden = vectors if answer_of == "tokens" else vectors[:, 0]
    used = layer or ("tanh" if answer_of == "text" else "none")
    assert hasattr(model, "pooler") is (used != "none")
    if used != "none":
        hidden = model.pooler(hidden)
        hidden = hidden.tanh() if used == "tanh" else torch.nn.functional.gelu(hidden)
    found = model.token_answers(x, None) if answer_of == "tokens" else model.answers(x, None, None)
    assert_close(found, model.answer(hidden))


@torch.no_grad()
def test_the_head_reads_the_first_vector_or_the_mean_of_the_real_vectors():
    g = torch.Generator().manual_seed(1)
    x, real = tiny.padded(g, 3, 7)
    for pooling in ("first", "mean"):
        model = build(outputs=3, pooling=pooling)
        vectors = model(x, real)
        for row, vector in enumerate(vectors):
            read = vector[0] if pooling == "first" else vector[real[row]].mean(0)
            wanted = model.answer(model.pooler(read).tanh())
            assert_close(model.answers(x, real, None)[row], wanted, rtol=1e-4, atol=1e-5)
        alone = model.answers(x[:1, : int(real[0].sum())], None, None)
        assert_close(alone[0], model.answers(x, real, None)[0], rtol=1e-4, atol=1e-5)
