"""An optimizer that is registered from outside: it trains, resumes, and says what it reads."""

import itertools

import pytest
import torch
from torch import nn

import tiny
from whyformer.foundation.config import build
from whyformer.foundation.errors import ConfigError, PluginError
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.unused import reason_unused
from whyformer.training import scaling
from whyformer.training.checkpoints import load_checkpoint, save_checkpoint
from whyformer.training.loop import fit, start
from whyformer.training.memory import refuse_state
from whyformer.training.optimizers import OPTIMIZERS, moments, trainable
from whyformer.training.settings import TrainingSettings
from whyformer.training.state import TrainingState

pytestmark = pytest.mark.usefixtures("unchecked")


class SignMomentum(torch.optim.Optimizer):
    """Steps of one size in the direction of the momentum, shorter at every update."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            group["count"] += 1
            for parameter in group["params"]:
                momentum = self.state[parameter].setdefault("m", torch.zeros_like(parameter))
                seen = self.state[parameter]["seen"] = self.state[parameter].get("seen", 0) + 1
                momentum.lerp_(parameter.grad, 1 - group["beta"])
                parameter.sub_(momentum.sign(), alpha=group["lr"] / (seen + group["count"]))


@pytest.fixture
def toy():
    """Register the optimizer as a plugin does; forget it afterwards."""

    @OPTIMIZERS.register("sign")
    def sign(model: nn.Module, *, betas: tuple[float, float]) -> torch.optim.Optimizer:
        return SignMomentum(trainable(model), {"lr": 1.0, "beta": betas[0], "count": 0})

    yield
    OPTIMIZERS.forget("sign")
    assert "sign" not in TrainingSettings.model_json_schema()["properties"]["optimizer"]["enum"]
    with pytest.raises(ConfigError, match=r'`optimizer` must be adam, .*, but "sign" was found'):
        build(TrainingSettings, {"optimizer": "sign"}, where="x")


def settings(**changes) -> TrainingSettings:
    rest = {"updates": 20, "learning_rate": 0.05, "schedule": "cosine", "warmup": 4}
    return TrainingSettings(**{**rest, "optimizer": "sign", **changes})


def trained(state: TrainingState, chosen: TrainingSettings, count: int) -> list[float]:
    reports = fit(state, tiny.CopyBatches(), chosen, d_model=16)
    return [report.loss for report in itertools.islice(reports, count)]


def test_twenty_updates_are_ten_then_ten_resumed_bit_for_bit(toy, tmp_path):
    chosen = settings()
    whole = start(tiny.build(0), chosen)
    losses = trained(whole, chosen, 20)
    assert losses[-1] < losses[0]

    first = start(tiny.build(0), chosen)
    again = trained(first, chosen, 10)
    save_checkpoint(tmp_path / "checkpoint", first, {})
    second = start(tiny.build(7), chosen)
    load_checkpoint(tmp_path / "checkpoint", second)
    again += trained(second, chosen, 10)
    assert again == losses
    for mine, theirs in zip(second.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_settings_it_reads_are_the_arguments_of_its_maker(toy):
    recipe = Recipe(training=settings())
    assert reason_unused(recipe, "training.betas") is None
    assert reason_unused(recipe, "training.epsilon") == (
        "it applies only with --training.optimizer adam, adamw, muon or radam, and the optimizer "
        "is sign"
    )
    plain = Recipe(training=settings(optimizer="sgd"))
    assert reason_unused(plain, "training.betas") == (
        "it applies only with --training.optimizer adam, adamw, muon, radam or sign, and the "
        "optimizer is sgd"
    )


def test_without_a_declaration_no_memory_is_counted_for_it(toy):
    assert moments("sign") is None
    assert scaling.state_bytes(10, 5, "sign").total == 15 * 8
    refuse_state(settings(), 1000, torch.device("cpu"), 1)


def test_an_optimizer_that_asks_for_an_unknown_setting_is_refused():
    OPTIMIZERS.register("asks")(lambda model, *, epsilom: None)
    with pytest.raises(
        PluginError, match=r"asks for `epsilom`, which is not .*`training`\. Did you mean `epsilon`"
    ):
        start(tiny.build(0), settings(optimizer="asks"))
    OPTIMIZERS.forget("asks")


@pytest.mark.parametrize(
    ("slot", "value", "message"),
    [("lines", [], "keeps `lines` of type list"), ("a.b", 1, "keeps `a.b` of type int")],
)
def test_a_state_that_no_checkpoint_can_hold_is_refused_after_the_first_update(
    slot, value, message
):
    class Odd(torch.optim.SGD):
        def step(self, closure=None):
            self.state[self.param_groups[0]["params"][0]][slot] = value

    OPTIMIZERS.register("odd")(lambda model: Odd(trainable(model), lr=1.0))
    chosen = settings(optimizer="odd")
    with pytest.raises(PluginError, match=message):
        trained(start(tiny.build(0), chosen), chosen, 1)
    OPTIMIZERS.forget("odd")


def test_a_state_that_belongs_to_no_parameter_is_refused():
    class Odd(torch.optim.SGD):
        def step(self, closure=None):
            self.state["all"] = {"k": 1}

    OPTIMIZERS.register("odd")(lambda model: Odd(trainable(model), lr=1.0))
    chosen = settings(optimizer="odd")
    with pytest.raises(PluginError, match="belongs to no parameter"):
        trained(start(tiny.build(0), chosen), chosen, 1)
    OPTIMIZERS.forget("odd")
