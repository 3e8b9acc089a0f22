"""The moving average by hand, the mean of checkpoints, and weights lent for a while."""

import pytest
import torch
from torch import nn

import tiny
from whyformer.training.averaging import Averaging, WeightAverage, swapped


class One(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.tensor([10.0]))


def put(model: One, value: float) -> None:
    with torch.no_grad():
        model.x.fill_(value)


def test_the_moving_average_by_hand():
    model = One()
    average = WeightAverage(model, Averaging.EMA, 0.3, 5)
    expected = 10.0
    for step, value in enumerate([20.0, 0.0, 5.0], 1):
        put(model, value)
        average.update(model)
        decay = min(0.3, (1 + step) / (10 + step))  # 2/11, 3/12, then 0.3
        expected = decay * expected + (1 - decay) * value
    assert average.weights(model)["x"].item() == pytest.approx(expected, rel=1e-6)
    assert model.x.item() == 5.0


def test_the_mean_is_of_the_last_checkpoints_only():
    model = One()
    average = WeightAverage(model, Averaging.CHECKPOINTS, 0.9, 2)
    assert average.weights(model)["x"].item() == 10.0  # nothing kept yet
    for value in (1.0, 2.0, 4.0):
        put(model, value)
        average.update(model)
        average.add_checkpoint(model)
    put(model, 77.0)
    assert average.weights(model)["x"].item() == 3.0


def test_without_averaging_the_weights_are_the_models_own():
    model = One()
    average = WeightAverage(model, Averaging.NONE, 0.9, 2)
    average.update(model)
    average.add_checkpoint(model)
    put(model, 3.0)
    assert average.weights(model)["x"].item() == 3.0
    assert average.tensors() == {}


@pytest.mark.parametrize("kind", Averaging)
def test_a_restored_average_goes_on_as_the_first_would(kind):
    model = One()
    first = WeightAverage(model, kind, 0.9, 2)
    for value in (1.0, 2.0, 5.0):
        put(model, value)
        first.update(model)
        first.add_checkpoint(model)
    second = WeightAverage(One(), kind, 0.9, 2)
    second.restore({k: t.clone() for k, t in first.tensors().items()}, first.steps)
    for average in (first, second):
        put(model, 8.0)
        average.update(model)
        average.add_checkpoint(model)
    assert torch.equal(first.weights(model)["x"], second.weights(model)["x"])
    assert first.steps == second.steps


def test_swapped_weights_are_given_back_bit_for_bit_and_stay_tied():
    model = tiny.build()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    zeros = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
    with pytest.raises(RuntimeError, match="on purpose"), swapped(model, zeros):  # noqa: PT012
        assert all((p == 0).all() for p in model.parameters())
        assert model.projection.weight is model.encoder.embedding.weight
        raise RuntimeError("on purpose")
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())
