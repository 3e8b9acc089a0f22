"""Label smoothing by hand, by torch, by the plain twin and in chunks."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

import tiny
from whyformer.acceleration import cross_entropy as chunked
from whyformer.text.symbols import PAD
from whyformer.training.loop import sequence_loss
from whyformer.training.loss import cross_entropy, fused_cross_entropy


@pytest.mark.parametrize("twin", [cross_entropy, fused_cross_entropy])
def test_two_words_by_hand(twin):
    # one token, logits ln 3 and 0: probabilities 3/4 and 1/4
    features, weight = torch.tensor([[1.0]]), torch.tensor([[math.log(3)], [0.0]])
    loss = twin(features, weight, torch.tensor([0]), 0.1)
    assert loss.nll.item() == pytest.approx(-math.log(3 / 4))
    expected = -0.95 * math.log(3 / 4) - 0.05 * math.log(1 / 4)
    assert loss.smoothed.item() == pytest.approx(expected)


@settings(max_examples=40)
@given(
    tokens=st.integers(1, 12),
    d_model=st.integers(1, 8),
    vocabulary=st.integers(1, 20),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    chunk=st.sampled_from([1, 7, 40, 1 << 22]),
    seed=st.integers(0, 2**31),
)
def test_all_three_ways_agree_in_values_and_gradients(
    tokens, d_model, vocabulary, smoothing, chunk, seed
):
    g = torch.Generator().manual_seed(seed)
    features = torch.randn(tokens, d_model, generator=g)
    weight = torch.randn(vocabulary, d_model, generator=g)
    labels = torch.randint(0, vocabulary, (tokens,), generator=g)
    ways = {
        "torch": lambda x, w: F.cross_entropy(
            x @ w.T, labels, label_smoothing=smoothing, reduction="sum"
        ),
        "plain": lambda x, w: cross_entropy(x, w, labels, smoothing).smoothed,
        "fused": lambda x, w: fused_cross_entropy(x, w, labels, smoothing).smoothed,
    }
    results = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunked, "CHUNK_ELEMENTS", chunk)
        for name, way in ways.items():
            x, w = features.clone().requires_grad_(), weight.clone().requires_grad_()
            value = way(x, w)
            (value * 0.7).backward()
            results[name] = (value, x.grad, w.grad)
        nll = fused_cross_entropy(features, weight, labels, smoothing).nll
    assert_close(results["plain"], results["torch"], rtol=1e-4, atol=1e-5)
    assert_close(results["fused"], results["torch"], rtol=1e-4, atol=1e-5)
    assert_close(nll, F.cross_entropy(features @ weight.T, labels, reduction="sum"))
    assert not nll.requires_grad


def test_only_what_needs_a_gradient_gets_one():
    x, w = torch.randn(3, 4, requires_grad=True), torch.randn(5, 4)
    fused_cross_entropy(x, w, torch.tensor([0, 1, 2]), 0.1).smoothed.backward()
    assert x.grad is not None
    assert w.grad is None
    with torch.no_grad():
        assert not fused_cross_entropy(x, w, torch.tensor([0, 1, 2]), 0.1).smoothed.requires_grad


def test_extreme_logits_stay_finite():
    x = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    loss = fused_cross_entropy(x, torch.tensor([[1.0], [-1.0]]), torch.tensor([1, 1]), 0.1)
    loss.smoothed.backward()
    assert loss.smoothed.isfinite()
    assert x.grad is not None
    assert x.grad.isfinite().all()


class Fixed(nn.Module):
    """A model whose features are its parameter, so that their gradient can be read."""

    def __init__(self, shape) -> None:
        super().__init__()
        self.known = nn.Parameter(torch.randn(*shape, 6))
        self.projection = nn.Linear(6, tiny.VOCABULARY, bias=False)

    def features(self, source, source_real, target):
        return self.known


def test_padded_positions_have_exactly_no_part_in_the_loss():
    torch.manual_seed(0)
    batch = tiny.copy_batch(0)
    padding = batch.labels == PAD
    assert padding.any()
    model = Fixed(batch.labels.shape)
    loss = sequence_loss(model, batch, 0.1)
    loss.smoothed.backward()
    assert (model.known.grad[padding] == 0).all()
    assert (model.known.grad[~padding].abs().sum(-1) > 0).all()
    with torch.no_grad():
        model.known[padding] = 1e6
    assert torch.equal(sequence_loss(model, batch, 0.1).smoothed, loss.smoothed)


def test_a_batch_without_padding_counts_every_position():
    batch = tiny.batch_of([[5, 6], [7, 8]])
    model = Fixed(batch.labels.shape)
    expected = cross_entropy(
        model.known.flatten(0, 1), model.projection.weight, batch.labels.flatten(), 0.1
    )
    assert_close(sequence_loss(model, batch, 0.1), expected)
