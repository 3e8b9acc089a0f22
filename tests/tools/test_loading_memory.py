"""Loading a model takes hardly more memory than its weights; tensors are read as they were."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from whyformer.foundation.tensors import is_finite, read_into, read_shapes


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_the_peak_while_loading_is_within_1_3_times_the_weights(served):
    served(
        "import loading_memory\n"
        "for name, size in (('large', 40), ('small', 0.1)):\n"
        "    loading_memory.write(place / name, size)\n"
        "found = True"
    )
    found = served(
        "import loading_memory\nfound = loading_memory.load(place / 'large', place / 'small')"
    )
    assert found["weights_bytes"] > 30e6
    assert found["ratio"] <= 1.3


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_every_number_format_is_read_as_the_library_reads_it(tmp_path, kind):
    torch.manual_seed(0)
    saved = {"b": torch.randn(3, 5), "a": torch.randn(7), "one": torch.randn(()),
             "none": torch.zeros(0, 4)}  # fmt: skip
    save_file({name: one.to(kind) for name, one in saved.items()}, tmp_path / "f")
    shapes = read_shapes(tmp_path / "f")
    assert shapes == {name: tuple(one.shape) for name, one in saved.items()}
    found = {name: torch.nn.Parameter(torch.full(shape, 9.0)) for name, shape in shapes.items()}
    found["b"] = torch.nn.Parameter(torch.full((5, 3), 9.0).T)  # not contiguous
    read_into(tmp_path / "f", found)
    for name, one in saved.items():
        assert torch.equal(found[name], one.to(kind).float())


def test_a_file_that_ends_too_early_is_refused(tmp_path):
    save_file({"a": torch.ones(100)}, tmp_path / "f")
    (tmp_path / "f").write_bytes((tmp_path / "f").read_bytes()[:-1])
    with pytest.raises(ValueError, match="too short"):
        read_into(tmp_path / "f", {"a": torch.zeros(100)})


@pytest.mark.parametrize("place", [0, 1 << 20, (1 << 20) + 5])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_found_anywhere(place, value):
    numbers = torch.zeros((1 << 20) + 6)
    assert is_finite(numbers)
    numbers[place] = value
    assert not is_finite(numbers)
