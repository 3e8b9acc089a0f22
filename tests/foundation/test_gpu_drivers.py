"""Without torch, a name of a device means the CPU only where no driver of a GPU is installed."""

import ctypes
import sys

import pytest

from whyformer.foundation import gpu_drivers
from whyformer.foundation.gpu_drivers import is_surely_cpu


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Return a function that gives this machine an operating system and drivers."""

    def has(*drivers: str, system: str = "linux") -> None:
        def load(name: str) -> None:
            if name not in drivers:
                raise OSError(f"{name}: cannot open shared object file")

        kfd = tmp_path / "kfd"
        if "kfd" in drivers:
            kfd.touch()
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(ctypes, "CDLL", load)
        monkeypatch.setattr(gpu_drivers, "ROCM", kfd)

    return has


def test_auto_is_the_cpu_where_there_is_no_driver(machine):
    machine()
    assert is_surely_cpu("auto")
    assert is_surely_cpu("cpu")
    assert not is_surely_cpu("cuda")
    assert not is_surely_cpu("nonsense")


@pytest.mark.parametrize(
    "found",
    [
        {"drivers": ["libcuda.so.1"]}, {"drivers": ["kfd"]},
        {"drivers": ["nvcuda.dll"], "system": "win32"}, {"drivers": [], "system": "darwin"},
    ],
)  # fmt: skip
def test_torch_is_asked_where_there_may_be_a_gpu(machine, found):
    machine(*found["drivers"], system=found.get("system", "linux"))
    assert not is_surely_cpu("auto")
    assert is_surely_cpu("cpu")
