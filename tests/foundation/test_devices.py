"""A device is there or the error says so."""

import pytest
import torch

from whyformer.foundation import memory
from whyformer.foundation.devices import (
    Precision,
    autocast,
    choose_device,
    device_name,
    exact_dtype,
    sent,
    wait_for,
)
from whyformer.foundation.errors import ConfigError


def test_devices_are_found_by_name():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cpu:0").type == "cpu"


@pytest.fixture
def machine(monkeypatch):
    """Return a function that makes torch see an NVIDIA GPU, an Apple GPU, both or neither."""

    def sees(*kinds):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in kinds)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 * ("cuda" in kinds))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in kinds)

    return sees


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [(("cuda", "mps"), "cuda"), (("cuda",), "cuda"), (("mps",), "mps"), ((), "cpu")],
)
def test_auto_is_cuda_then_mps_then_cpu(machine, kinds, wanted):
    machine(*kinds)
    assert choose_device() == choose_device("auto") == torch.device(wanted)


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_gpu_is_chosen_by_name_where_it_is_and_refused_where_it_is_not(machine, kind):
    machine(kind)
    assert choose_device(kind) == torch.device(kind)
    assert choose_device(f"{kind}:0") == torch.device(kind, 0)
    assert choose_device("cpu").type == "cpu"
    machine()
    with pytest.raises(ConfigError, match=rf"`{kind}` was requested, .*Choose auto or one of: cpu"):
        choose_device(kind)


@pytest.mark.parametrize("name", ["abacus", "meta", "xpu", "", "cuda:x", "cpu cuda"])
def test_what_is_no_device_is_refused(machine, name):
    machine("cuda", "mps")
    with pytest.raises(ConfigError, match=rf"`{name}` is not a device\. Choose auto, cpu, cuda"):
        choose_device(name)


@pytest.mark.parametrize(("name", "last"), [("cuda:2", 1), ("mps:1", 0), ("cpu:1", 0)])
def test_a_number_that_no_device_has_is_refused(machine, name, last):
    machine("cuda", "mps")
    with pytest.raises(ConfigError, match=f"numbered from 0 to {last}"):
        choose_device(name)


def test_mps_has_no_float64_and_bf16_only_on_newer_systems(monkeypatch):
    mps = torch.device("mps")
    assert exact_dtype(mps) is torch.float32
    assert exact_dtype(torch.device("cpu")) is torch.float64
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *least: False)
    with pytest.raises(ConfigError, match="macOS 14"):
        autocast(mps, Precision.BF16)
    with autocast(mps, Precision.FP32):
        pass


def test_mps_is_waited_for_named_and_asked_for_its_memory(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 100)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 30)
    wait_for(torch.device("mps"))
    wait_for(torch.device("cpu"))
    assert waited == ["mps"]
    assert "mps" in device_name(torch.device("mps"))
    assert memory.available_bytes(torch.device("mps")) == 70


@pytest.mark.parametrize(
    ("precision", "dtype"), [(Precision.FP32, torch.float32), (Precision.BF16, torch.bfloat16)]
)
def test_precision_is_that_of_the_products(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_what_is_there_already_is_not_sent_again():
    tensor = torch.arange(6)
    assert sent(tensor, "cpu") is tensor


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gets_what_was_sent():
    tensor = torch.arange(6)
    assert torch.equal(sent(tensor, "cuda").cpu(), tensor)
