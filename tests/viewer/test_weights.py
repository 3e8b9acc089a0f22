"""Weights are stored once, in half precision or int8, and read as they are stored."""

import numpy as np
import pytest
import torch
from torch import nn

import tiny
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.viewer.weights import ALIGNMENT, INT8_FROM, as_stored, pack


def _read(packed, name):
    """Decode a tensor of the page without the code that wrote it."""
    entry = packed.tensors[name]
    count = int(np.prod(entry["shape"]))
    values = np.frombuffer(packed.data, entry["dtype"], count, entry["offset"]).astype(np.float32)
    values = values.reshape(entry["shape"])
    if entry["dtype"] == "int8":
        scales = np.frombuffer(packed.data, np.float32, entry["shape"][0], entry["scales_offset"])
        values = values * scales[:, None]
    return torch.from_numpy(values.copy())


@pytest.mark.parametrize("int8", [False, True])
def test_the_bytes_hold_what_as_stored_returns(int8):
    model = tiny.noisy(tiny.build())
    packed = pack(model, int8=int8)
    for name, parameter in model.named_parameters():
        assert torch.equal(_read(packed, name), as_stored(parameter, int8=int8)), name


def test_half_precision_rounds_and_int8_is_within_half_a_step():
    weight = torch.randn(8, 32)
    assert torch.equal(as_stored(weight), weight.half().float())
    step = weight.abs().amax(1, keepdim=True) / 127
    error = (as_stored(weight, int8=True) - weight).abs()
    assert bool((error <= step * 0.5001).all())


def test_a_row_of_zeros_stays_zero_in_int8():
    weight = torch.zeros(2, 4)
    weight[0, 1] = 3.0
    assert torch.equal(as_stored(weight, int8=True), weight)


def test_numbers_beyond_half_precision_are_kept_in_float32():
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, 70_000.0)
    packed = pack(layer)
    assert packed.tensors["weight"]["dtype"] == "float32"
    assert packed.tensors["bias"]["dtype"] == "float16"
    assert torch.equal(_read(packed, "weight"), layer.weight.detach())


def test_a_shared_matrix_is_stored_once():
    model = tiny.build(tying="three-way")
    packed = pack(model)
    shared = {"decoder.embedding.weight", "projection.weight"}
    assert packed.aliases == dict.fromkeys(shared, "encoder.embedding.weight")
    numbers = sum(int(np.prod(one["shape"])) for one in packed.tensors.values())
    assert numbers == sum(one.numel() for one in model.parameters())


def test_tensors_are_aligned_and_do_not_overlap():
    packed = pack(tiny.build(), int8=True)
    sizes = {"int8": 1, "float16": 2, "float32": 4}
    spans = []
    for one in packed.tensors.values():
        count = int(np.prod(one["shape"]))
        spans.append((one["offset"], count * sizes[one["dtype"]]))
        if "scales_offset" in one:
            spans.append((one["scales_offset"], 4 * one["shape"][0]))
    end = 0
    for start, size in sorted(spans):
        assert start % ALIGNMENT == 0
        assert start >= end
        end = start + size
    assert end == len(packed.data)


def test_models_from_five_million_parameters_on_are_stored_in_int8():
    settings = TransformerSettings(encoder_layers=1, decoder_layers=1, d_model=64, heads=1, d_ff=8)
    rows = INT8_FROM // 64
    for size, dtype in ((rows - 2000, "float16"), (rows, "int8")):
        model = Transformer(settings, (size, size))
        packed = pack(model)
        assert packed.tensors["encoder.embedding.weight"]["dtype"] == dtype
        assert packed.tensors["encoder.layers.0.wire_feedforward.norm.weight"]["dtype"] == "float16"
