"""GPT's own promises; the laws of every model are in test_laws."""

import pytest
import torch

import tiny
from whyformer.data.rows import text_batch
from whyformer.models.gpt import GPT, GPTSettings, deepnorm_decoder_constants, same_document
from whyformer.models.presets import PRESETS
from whyformer.models.transformer import count_parameters
from whyformer.tasks.language import language_loss


def test_the_preset_has_gpt2s_parameters():
    settings = PRESETS["gpt2"]
    assert isinstance(settings, GPTSettings)
    with torch.device("meta"):
        model = GPT(settings, (50257, 50257))
    assert count_parameters(model) == 124_439_808  # Radford et al. 2019 print 117M, and erred


def test_tying_shares_the_matrix_or_does_not():
    model = tiny.gpt()
    assert model.projection.weight is model.embedding.weight
    model = tiny.gpt(tying="none")
    assert model.projection.weight is not model.embedding.weight


def test_what_feeds_the_residual_stream_starts_smaller():
    model = tiny.gpt(layers=8, d_model=64, heads=4, d_ff=256)
    layer = model.layers[0]
    assert layer.feedforward.expand.weight.std().item() == pytest.approx(0.02, rel=0.05)
    wanted = 0.02 / 16**0.5
    assert layer.feedforward.contract.weight.std().item() == pytest.approx(wanted, rel=0.05)
    assert layer.self_attention.project_output.weight.std().item() == pytest.approx(wanted, rel=0.1)


def test_deepnorms_constants_are_those_of_a_decoder_alone():
    alpha, beta = deepnorm_decoder_constants(8)
    assert alpha == pytest.approx(2.0)  # (2 * 8)^(1/4)
    assert beta == pytest.approx(64**-0.25)
    shape = {"layers": 8, "d_model": 64, "heads": 4, "d_ff": 256}
    model = tiny.gpt(**shape, wiring="deepnorm", initialization="deepnorm")
    layer = model.layers[0]
    assert layer.wire_self_attention.depth_scale == alpha
    attention, xavier = layer.self_attention, (2 / (64 + 64)) ** 0.5
    for matrix, gain in (
        (attention.project_query, 1.0),
        (attention.project_key, 1.0),
        (attention.project_value, beta),
        (attention.project_output, beta),
    ):
        assert matrix.weight.std().item() == pytest.approx(gain * xavier, rel=0.05)
    narrow = beta * (2 / (64 + 256)) ** 0.5
    for matrix in (layer.feedforward.expand, layer.feedforward.contract):
        assert matrix.weight.std().item() == pytest.approx(narrow, rel=0.05)


def test_deepnorms_two_halves_can_be_had_apart():
    only_alpha = tiny.gpt(layers=8, wiring="deepnorm", initialization="xavier")
    assert only_alpha.layers[0].wire_feedforward.depth_scale == pytest.approx(2.0)
    twins = [
        tiny.gpt(layers=8, wiring=w, initialization="deepnorm") for w in ("post-norm", "deepnorm")
    ]
    for one, other in zip(*(m.parameters() for m in twins), strict=True):
        assert torch.equal(one, other)


def test_embeddings_start_as_wide_as_asked_and_are_scaled_as_asked():
    g = torch.Generator().manual_seed(0)
    for deviation in (0.02, 0.25):
        for scale, factor in (("one", 1.0), ("sqrt-d-model", 8.0)):
            model = tiny.gpt(
                d_model=64, heads=4, positions="none", tying="none",
                embedding_deviation=deviation, embedding_scale=scale,
            )  # fmt: skip
            for matrix in (model.embedding.weight, model.projection.weight):
                assert matrix.std().item() == pytest.approx(deviation, rel=0.1)
            ids = tiny.ids(g, 2, 5)
            embedded = model.embedding(ids, model.positions)
            torch.testing.assert_close(embedded, model.embedding.weight[ids] * factor)


def test_documents_of_a_row_are_apart():
    assert same_document(torch.tensor([[0, 0, 1]]))[0, 0].tolist() == [
        [True, False, False],
        [True, True, False],
        [False, False, True],
    ]


def test_packed_documents_read_as_they_would_alone():
    for positions in ("rotary", "alibi", "relative", "none"):
        model = tiny.gpt(positions=positions).eval()
        g = torch.Generator().manual_seed(0)
        first, second = tiny.ids(g, 1, 3), tiny.ids(g, 1, 4)
        documents = torch.tensor([[0] * 3 + [1] * 4])
        with torch.no_grad():
            packed = model(torch.cat([first, second], 1), documents)
            alone = torch.cat([model(first), model(second)], 1)
        torch.testing.assert_close(packed, alone, rtol=1e-4, atol=1e-5)


def test_the_output_bias_is_added_to_every_logit_and_to_the_loss():
    model = tiny.gpt(output_bias="fixed")
    assert model.projection.bias is not None
    assert not model.projection.bias.requires_grad
    ids = tiny.ids(torch.Generator().manual_seed(0), 2, 6)
    batch = text_batch([[ids[0].numpy()], [ids[1].numpy()]], packed=False)
    before, logits = language_loss(model, batch, 0.1), model(ids)
    with torch.no_grad():
        model.projection.bias[7] = 3.0
    difference = (model(ids) - logits).detach()[0, 0]
    assert difference[7] == pytest.approx(3.0, abs=1e-5)
    assert difference.abs().sum() == pytest.approx(3.0, abs=1e-4)
    changed = language_loss(model, batch, 0.1)
    assert changed.nll != before.nll
    wanted = torch.nn.functional.cross_entropy(
        model(batch.target).flatten(0, 1), batch.labels.flatten(), ignore_index=0, reduction="sum"
    )
    assert changed.nll.item() == pytest.approx(wanted.item(), rel=1e-5)
