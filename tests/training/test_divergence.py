"""What is not finite stops the run before the update, and the error says where it began."""

import pytest
import torch

import tiny
from whyformer.foundation.errors import DivergedError
from whyformer.training.finite import Divergence
from whyformer.training.loop import fit, sequence_loss, start
from whyformer.training.loss import Loss
from whyformer.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("unchecked")
SETTINGS = TrainingSettings(updates=5, learning_rate=1e-3, schedule="constant", warmup=10)


def diverge(state, settings=SETTINGS, **rest) -> Divergence:
    """Train until it stops; the weights must be those after the last report."""
    reports = 0
    before = {n: p.detach().clone() for n, p in state.model.named_parameters()}
    with pytest.raises(Divergence) as caught:  # noqa: PT012
        for report in fit(state, tiny.CopyBatches(), settings, d_model=16, **rest):
            reports += 1
            assert state.step == report.step
            before = {n: p.detach().clone() for n, p in state.model.named_parameters()}
    assert state.step == reports
    for name, parameter in state.model.named_parameters():
        assert torch.equal(parameter.nan_to_num(7.0), before[name].nan_to_num(7.0))
    assert all(not m._forward_hooks for m in state.model.modules())
    assert isinstance(caught.value, DivergedError)
    assert caught.value.exit_code == 1
    assert caught.value.step == reports + 1
    return caught.value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_named(value):
    state = start(tiny.build(0), SETTINGS)
    name = "encoder.layers.1.feedforward.contract.weight"
    with torch.no_grad():
        dict(state.model.named_parameters())[name][0, 0] = value
    failure = diverge(state)
    assert (failure.first, failure.kind) == (name, "weight")
    message = (
        r"^Training stopped before update 1: the loss was nan, the gradient norm nan, and both "
        r"must be finite\. First weight that is not finite: `encoder\.layers\.1\.feedforward\."
        r"contract\.weight`\. Try: an earlier checkpoint, because some weights are already not "
        r"finite; "
        r"--training\.learning-rate 0\.000333333 \(a third of the current rate\); "
        r"--training\.warmup 20 "
        r"\(9 updates of warm-up left\); --training\.clip 1\.0; --model\.wiring pre-norm"
    )
    with pytest.raises(Divergence, match=message):
        raise failure


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_first_module_whose_output_overflows_is_named(precision):
    settings = SETTINGS.model_copy(update={"precision": precision})
    state = start(tiny.build(0, dropout=0.2), settings)
    layer = state.model.encoder.layers[1].feedforward.contract
    with torch.no_grad():
        layer.weight.fill_(3e38)
    failure = diverge(state, settings)
    assert (failure.first, failure.kind) == ("encoder.layers.1.feedforward.contract", "output")
    assert failure.advice[0] == "--training.learning-rate 0.000333333 (a third of the current rate)"


def test_an_absurd_learning_rate_stops_before_the_second_update():
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30, "warmup": 0, "clip": 1.0})
    failure = diverge(start(tiny.build(0), settings), settings)
    assert failure.step == 2
    assert failure.first in dict(tiny.build(0).named_modules())
    assert failure.kind == "output"
    assert "--training.warmup 400" in failure.advice
    assert not any("clip" in advice for advice in failure.advice)


def test_a_loss_that_is_not_finite_by_itself_is_named():
    def broken(model, batch, smoothing):
        loss = sequence_loss(model, batch, smoothing)
        return Loss(loss.smoothed * float("inf"), loss.nll)

    failure = diverge(start(tiny.build(0), SETTINGS), loss_of=broken)
    assert (failure.first, failure.kind) == ("the loss", "value")


def test_a_gradient_that_is_not_finite_is_named_by_its_parameter():
    name = "decoder.layers.0.feedforward.expand.bias"

    def broken(model, batch, smoothing):
        loss = sequence_loss(model, batch, smoothing)
        bias = dict(model.named_parameters())[name]
        return Loss(loss.smoothed + (bias - bias.detach()).abs().sqrt().sum(), loss.nll)

    failure = diverge(start(tiny.build(0), SETTINGS), loss_of=broken)
    assert (failure.first, failure.kind) == (name, "gradient")


def test_the_guilty_micro_batch_is_handed_out():
    settings = SETTINGS.model_copy(update={"accumulate": 3})
    guilty = tiny.CopyBatches().batch(0, 1)

    def broken(model, batch, smoothing):
        loss = sequence_loss(model, batch, smoothing)
        same = torch.equal(batch.labels, guilty.labels)
        return Loss(loss.smoothed / (0 if same else 1), loss.nll)

    failure = diverge(start(tiny.build(0), settings), settings, loss_of=broken)
    assert torch.equal(failure.batch.labels, guilty.labels)


def test_a_failure_that_does_not_repeat_says_so():
    calls = []

    def broken(model, batch, smoothing):
        loss = sequence_loss(model, batch, smoothing)
        calls.append(batch)
        return Loss(loss.smoothed * (float("nan") if len(calls) == 1 else 1.0), loss.nll)

    failure = diverge(start(tiny.build(0), SETTINGS), loss_of=broken)
    assert failure.first == "none when repeated"


@pytest.mark.parametrize(
    "name", ["decoder.layers.1.feedforward", "encoder.layers.0.self_attention"]
)
def test_the_module_whose_output_gradient_is_the_first_that_is_not_finite_is_named(name):
    state = start(tiny.build(0), SETTINGS)

    def spoil(_module, _inputs, output):
        output.register_hook(lambda slope: slope * float("inf"))

    handle = state.model.get_submodule(name).register_forward_hook(spoil)
    try:
        with pytest.raises(Divergence) as caught:
            list(fit(state, tiny.CopyBatches(), SETTINGS, d_model=16))
    finally:
        handle.remove()
    assert (caught.value.first, caught.value.kind) == (name, "output gradient")


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_recurrent_layer_that_returns_its_state_as_well_is_named(cell):
    state = start(tiny.recurrent(0, cell=cell), SETTINGS)
    name = next(n for n, m in state.model.named_modules() if type(m).__name__ == "Recurrence")

    def spoil(_module, _inputs, output):
        sequence, last = output
        return sequence * float("nan"), last

    handle = state.model.get_submodule(name).register_forward_hook(spoil)
    try:
        with pytest.raises(Divergence) as caught:
            list(fit(state, tiny.CopyBatches(), SETTINGS, d_model=16))
    finally:
        handle.remove()
    assert (caught.value.first, caught.value.kind) == (name, "output")


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_cell_trains_in_bf16_on_this_machine(cell):
    settings = SETTINGS.model_copy(update={"precision": "bf16", "updates": 2})
    reports = list(
        fit(start(tiny.recurrent(0, cell=cell), settings), tiny.CopyBatches(), settings, d_model=16)
    )
    assert len(reports) == 2
