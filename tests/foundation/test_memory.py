import sys

import pytest
import torch

from whyformer.foundation import memory
from whyformer.foundation.errors import UsageError
from whyformer.foundation.memory import available_bytes, refuse_too_large
from whyformer.foundation.out_of_memory import ran_out

CPU = torch.device("cpu")


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Return a directory that stands for the files of the kernel: 10 MB are free, no limit."""
    (tmp_path / "meminfo").write_text("MemTotal: 99999 kB\nMemAvailable:   10000 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    monkeypatch.setattr(memory, "_of_process", lambda: None)
    return tmp_path


def test_the_least_of_machine_and_container_is_available(system):
    assert available_bytes(CPU) == 10_240_000
    (system / "memory.current").write_text("5000000\n")
    (system / "memory.max").write_text("max\n")
    assert available_bytes(CPU) == 10_240_000
    (system / "memory.max").write_text("7000000\n")
    assert available_bytes(CPU) == 2_000_000
    (system / "memory.stat").write_text("anon 1\ninactive_file 500000\n")
    assert available_bytes(CPU) == 2_500_000


def test_the_older_form_of_a_container_counts_alike(system):
    (system / "memory").mkdir()
    (system / "memory/memory.limit_in_bytes").write_text("3000000\n")
    (system / "memory/memory.usage_in_bytes").write_text("1000000\n")
    assert available_bytes(CPU) == 2_000_000


def test_a_system_that_says_nothing_refuses_nothing(system):
    (system / "meminfo").unlink()
    assert available_bytes(CPU) is None
    refuse_too_large(10**15, CPU, "It", "it")


def test_the_refusal_names_bytes_needed_and_available(system):
    refuse_too_large(10_240_000, CPU, "The model", "`model.d_model`")
    with pytest.raises(UsageError, match=r"at least 4\.0 TB of memory, but 10\.2 MB of it is free"):
        refuse_too_large(4 * 10**12, CPU, "The model", "`model.d_model`")


def test_errors_of_allocators_are_known():
    assert ran_out(MemoryError())
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    assert not ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not ran_out(ValueError("out of memory"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**58)
    assert ran_out(caught.value)


def test_the_peak_is_known_from_the_kernel_from_getrusage_or_not_at_all(tmp_path, monkeypatch):
    assert memory.peak_bytes() > 2**20
    monkeypatch.setattr(memory, "STATUS", tmp_path / "absent")
    assert memory.peak_bytes() > 2**20
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert memory.peak_bytes() is None
