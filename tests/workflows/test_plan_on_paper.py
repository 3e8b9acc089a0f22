"""A plan's figures against hand-worked ones, and what it says of what cannot be."""

import json

import pytest

from whyformer.foundation.errors import UsageError
from whyformer.models.build import build_model
from whyformer.models.presets import PRESETS
from whyformer.models.transformer import count_parameters, meta
from whyformer.training.machines import Machine, machine_named
from whyformer.workflows.plan import plan, preset_recipe

H100 = machine_named("h100")


def made(name="base", gpus=(8, 64, 512), machine=H100, mfu=0.4, length=None, **overrides):
    asked = {key.replace("__", "."): value for key, value in overrides.items()}
    return plan(preset_recipe(name, asked), machine, gpus, mfu=mfu, length=length)


@pytest.mark.parametrize("name", ["base", "big"])
def test_parameters_are_the_models_own(name):
    assert made(name).parameters == count_parameters(meta(PRESETS[name], (37_000, 37_000)))


def test_the_base_model_on_eight_gpus_by_hand():
    found = made(gpus=[8])
    ddp, fsdp = found.rows
    P = 63_045_632
    per_token = 2 * (6 * (4 * 512**2 + 2 * 512 * 2048) + 6 * 2 * 512**2)  # the source's token
    per_token += 2 * (6 * (6 * 512**2 + 2 * 512 * 2048) + 512 * 37_000)
    per_token += 2 * 2 * 512 * (6 * 30 + 6 * 2 * 30)
    assert found.flops_per_token == 3 * per_token
    assert ddp.compute_seconds == pytest.approx(3 * per_token * 4096 / (0.4 * 989.5e12))
    assert ddp.send_seconds == pytest.approx(2 * 7 / 8 * 4 * P / 450e9)
    assert ddp.memory_bytes == pytest.approx(16 * P + found.activations)
    assert fsdp.memory_bytes == pytest.approx(2 * P + 8 * 37_000 * 512 + found.activations)
    assert ddp.tokens == 8 * 4096


def test_efficiency_is_between_hidden_and_exposed():
    for row in made(mfu=1.0, training__batch_tokens=64).rows:
        hidden, exposed = row.exposed
        assert exposed == row.compute_seconds / (row.compute_seconds + row.send_seconds)
        assert exposed < hidden < 1  # so few tokens that communication takes longer


def test_communication_that_exceeds_computation_is_said():
    few = made(training__batch_tokens=1100)
    (line,) = [line for line in few.conclusions if line.startswith("DDP")]
    assert "communication takes longer than computation on" in line
    assert "never" in made(training__batch_tokens=4096).conclusions[0]


def test_sharding_pays_where_memory_ends():
    small = H100.model_copy(update={"memory_gb": 2.0})
    (told,) = [line for line in made(machine=small).conclusions if line.startswith("memory")]
    assert "With FSDP2 it fits on" in told
    first = int(told.split("fits on ")[1].split()[0])
    held = {row.gpus: row.fits for row in made(machine=small, gpus=(first - 1, first)).rows
            if row.scheme == "FSDP2"}  # fmt: skip
    assert held == {first - 1: False, first: True}
    tiny = H100.model_copy(update={"memory_gb": 0.5})
    assert "with FSDP2 on any number of GPUs" in made(machine=tiny).conclusions[-1]


def test_the_largest_model_fills_the_memory():
    found = made()
    billions = float(found.conclusions[-1].split("= ")[1].split()[0])
    assert 16e9 * billions + found.activations == pytest.approx(0.9 * 80e9, rel=1e-3)


def test_a_language_model_has_a_plan():
    found = made("gpt2", data__row_tokens=1024)
    shape, size = PRESETS["gpt2"], 37_000
    assert found.parameters == count_parameters(build_model(shape, (size, size), shared=True))
    assert found.length == 1024
    assert made().length == 30
    with pytest.raises(UsageError, match="`--length` has no effect on a language model"):
        made("gpt2", length=30)


@pytest.mark.parametrize(
    ("given", "message"),
    [({"gpus": []}, "`--gpus`"), ({"gpus": [0]}, "`--gpus`"), ({"mfu": 0}, "`--mfu`"),
     ({"mfu": 1.5}, "`--mfu`"), ({"length": 0}, "`--length`")],
)  # fmt: skip
def test_figures_that_make_no_plan(given, message):
    with pytest.raises(UsageError, match=message):
        made(**given)


def test_json_holds_all_that_is_printed():
    tree = json.loads(json.dumps(made().to_json()))
    assert [row["gpus"] for row in tree["rows"]] == [8, 8, 64, 64, 512, 512]
    assert tree["state"]["total"] == 16 * tree["parameters"]
    assert Machine(**tree["machine"]) == H100
    assert all(row["computing_if_exposed"] <= row["computing_if_hidden"] for row in tree["rows"])


def test_gradient_checkpointing_needs_less_memory_and_a_third_more_for_the_layers():
    plain, again = (made(training__gradient_checkpointing=on) for on in (False, True))
    assert again.activations < plain.activations / 4
    logits = 3 * 2 * 512 * 37_000
    layers = plain.flops_per_token - logits
    assert again.flops_per_token == pytest.approx(plain.flops_per_token + layers / 3)
    assert "with gradient checkpointing" in again.render()
    assert "with gradient checkpointing" not in plain.render()
    for row, less in zip(plain.rows, again.rows, strict=True):
        assert less.memory_bytes < row.memory_bytes
        assert less.compute_seconds > row.compute_seconds
