"""Scaling on paper: every figure worked by hand, and laws of rings and shards."""

import pytest

from whyformer.foundation.errors import ConfigError
from whyformer.training import scaling
from whyformer.training.machines import MACHINES, Machine, machine_named
from whyformer.training.optimizers import OPTIMIZERS, moments

FIGURES = {
    "name": "toy", "source": "made up", "peak_tflops": 1, "memory_gb": 1,
    "memory_gb_per_second": 10, "node_gb_per_second": 8, "network_gb_per_second": 3,
    "gpus_per_node": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "averaged", "total"),
    [("adam", False, 15 * 16), ("adam", True, 15 * 20), ("sgd", False, 15 * 12),
     ("muon", False, 10 * 12 + 5 * 16)],
)  # fmt: skip
def test_state_by_hand(kind, averaged, total):
    state = scaling.state_bytes(10, 5, kind, averaged=averaged)
    assert state.total == total
    assert state.weights == state.gradients == 60


def test_every_built_in_optimizer_declares_its_moments():
    assert all(map(moments, OPTIMIZERS))


@pytest.mark.parametrize(
    ("gpus", "reduced", "gathered"), [(1, 0, 0), (2, 100, 50), (4, 150, 75), (8, 175, 87.5)]
)
def test_rings_by_hand(gpus, reduced, gathered):
    assert scaling.all_reduce_bytes(100, gpus) == reduced
    assert scaling.gather_bytes(100, gpus) == gathered


@pytest.mark.parametrize("gpus", [2, 8, 512])
def test_an_all_reduce_is_a_reduce_scatter_and_a_gather(gpus):
    assert scaling.all_reduce_bytes(64, gpus) == 2 * scaling.gather_bytes(64, gpus)


def test_both_schemes_send_eight_bytes_a_parameter_at_these_widths():
    assert scaling.ddp_bytes(10, 4) == scaling.fsdp_bytes(10, 4) == 60


def test_memory_by_hand():
    state = scaling.state_bytes(10, 5, "adam")
    assert scaling.ddp_memory(state, 7) == 247
    assert scaling.fsdp_memory(state, 7, 4, unit=3) == 60 + 24 + 7
    assert scaling.fsdp_memory(state, 7, 1, unit=3) == scaling.ddp_memory(state, 7)


def test_activations_of_a_decoder_by_hand():
    found = scaling.activation_bytes(
        encoder_layers=2, decoder_layers=3, d_model=10, d_ff=20, source_tokens=5, target_tokens=7
    )
    assert found == 2 * (180 + 80) * 5 + 3 * (180 + 80 + 90) * 7 + 3 * 40 * 5


def test_shared_keys_and_values_take_their_share_of_the_activations():
    shape = {"d_model": 10, "d_ff": 20, "source_tokens": 5, "target_tokens": 7}
    found = scaling.activation_bytes(
        encoder_layers=2, decoder_layers=3, key_value_share=0.25, **shape
    )
    assert found == 2 * (150 + 80) * 5 + 3 * (150 + 80 + 90) * 7 + 3 * 10 * 5


def test_gradient_checkpointing_keeps_inputs_and_one_layer_by_hand():
    shape = {"d_model": 10, "d_ff": 20, "source_tokens": 5, "target_tokens": 7}
    found = scaling.activation_bytes(encoder_layers=2, decoder_layers=3, recomputed=True, **shape)
    assert found == 20 * (2 * 5 + 3 * 7) + 3 * 40 * 5 + (180 + 80 + 90) * 7
    found = scaling.activation_bytes(encoder_layers=4, decoder_layers=0, recomputed=True, **shape)
    assert found == 20 * 4 * 5 + (180 + 80) * 5


@pytest.mark.parametrize("first", [2, 3, 37, 4096])
def test_the_first_count_is_found(first):
    assert scaling.first_count(lambda gpus: gpus >= first) == first


def test_what_never_holds_has_no_first_count():
    assert scaling.first_count(lambda gpus: False) is None


def test_tokens_that_hide_and_models_that_fit_by_hand():
    assert scaling.hidden_tokens(2, flops_per_token=3, flops_per_second=10) == 7
    assert scaling.largest_model(100, 20, 16) == 5
    assert scaling.largest_model(10, 20, 16) == 0


def test_rings_are_as_fast_as_their_slowest_place():
    machine = Machine(**FIGURES)
    assert machine.ring_bandwidth(2) == 8e9
    assert machine.ring_bandwidth(3) == 6e9  # two cards of 3
    fast = machine.model_copy(update={"network_gb_per_second": 30})
    assert fast.ring_bandwidth(3) == 8e9


@pytest.mark.parametrize("name", MACHINES)
def test_machines_name_their_data_sheets(name):
    machine = machine_named(name)
    assert "data sheet" in machine.source
    assert machine.ring_bandwidth(512) <= machine.ring_bandwidth(8)


def test_a_machine_from_a_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("".join(f"{key}: {value}\n" for key, value in FIGURES.items()))
    assert machine_named(str(file)) == Machine(**FIGURES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("peak_tflops: 0", r"mine\.yaml:3.*greater than 0"),
        ("peak_tflops: fast", r"mine\.yaml:3.*number"),
        ("peak_flops: 1", r"mine\.yaml:3.*peak_flops.*peak_tflops"),
    ],
)
def test_a_file_with_a_wrong_figure(tmp_path, change, message):
    file = tmp_path / "mine.yaml"
    lines = [f"{key}: {value}" for key, value in FIGURES.items()]
    lines[2] = change
    file.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match=message):
        machine_named(str(file))


def test_an_unknown_machine_is_told_the_nearest():
    with pytest.raises(ConfigError, match=r"neither a100, h100, h200.*h100"):
        machine_named("h10")
