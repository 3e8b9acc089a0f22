"""A switch of the page does what the same intervention does in PyTorch."""

import copy
from types import SimpleNamespace

import pytest
import torch

import javascript_engine
import tiny
from javascript_engine import tensor
from whyformer.blocks.positions import POSITIONS, Positions
from whyformer.blocks.residual import Residual
from whyformer.blocks.scaling import Scaling

SOURCE, TARGET = [5, 9, 7, 12, 6, 2], [1, 8, 6, 11]
STEPS = [{"tokens": [token]} for token in TARGET]


def _zero_head(attention, head):
    d_k = attention.d_k

    def hook(_, inputs):
        heads = inputs[0].clone()
        heads[..., head * d_k : (head + 1) * d_k] = 0
        return (heads,)

    attention.project_output.register_forward_pre_hook(hook)


def _zero_output(module):
    module.register_forward_hook(lambda _module, _inputs, output: torch.zeros_like(output))


def _skip_layer(layer):
    layer.register_forward_hook(lambda _module, inputs, _output: inputs[0])


def _cut_skip(wire):
    del wire.dropout
    wire.dropout = SimpleNamespace(add=lambda x, y, scale=1.0: y)


def _cut_all_skips(model):
    for module in list(model.modules()):
        if isinstance(module, Residual):
            _cut_skip(module)


def _unscaled(model):
    for module in model.modules():
        if isinstance(module, Scaling):
            module.factor = 1.0
            if hasattr(module, "gain"):
                module.gain.data.fill_(1.0)


def _without_positions(model, parts):
    for part in parts:
        old = getattr(model, part).positions
        none = POSITIONS["none"](
            old.d_model, old.d_k, old.heads, causal=old.causal, max_length=old.max_length
        )
        assert type(none) is Positions
        getattr(model, part).positions = none


PRE_NORM = {"wiring": "pre-norm", "biases": "all"}
CASES = {
    "encoder.layers.0.self_attention.heads.1": (
        PRE_NORM,
        lambda model: _zero_head(model.encoder.layers[0].self_attention, 1),
    ),
    "decoder.layers.1.cross_attention.heads.0": (
        {},
        lambda model: _zero_head(model.decoder.layers[1].cross_attention, 0),
    ),
    "decoder.layers.0.self_attention.heads.3": (
        {"attention": "grouped-query", "heads": 4, "kv_heads": 2},
        lambda model: _zero_head(model.decoder.layers[0].self_attention, 3),
    ),
    "decoder.layers.0.self_attention": (
        PRE_NORM,
        lambda model: _zero_output(model.decoder.layers[0].self_attention.project_output),
    ),
    "decoder.layers.1.cross_attention": (
        PRE_NORM,
        lambda model: _zero_output(model.decoder.layers[1].cross_attention.project_output),
    ),
    "encoder.layers.1.feedforward": (
        {},
        lambda model: _zero_output(model.encoder.layers[1].feedforward),
    ),
    "encoder.layers.1": (PRE_NORM, lambda model: _skip_layer(model.encoder.layers[1])),
    "decoder.layers.0": ({}, lambda model: _skip_layer(model.decoder.layers[0])),
    "decoder.layers.0.wire_cross_attention.skip": (
        PRE_NORM,
        lambda model: _cut_skip(model.decoder.layers[0].wire_cross_attention),
    ),
    "skip": ({}, _cut_all_skips),
    "skip (deepnorm)": ({"wiring": "deepnorm"}, _cut_all_skips),
    "scale": ({}, _unscaled),
    "scale (learned)": ({"score_scale": "learned"}, _unscaled),
    "scale (cosine)": ({"score_scale": "cosine"}, _unscaled),
    "positions": ({}, lambda model: _without_positions(model, ("encoder", "decoder"))),
    "positions (rotary)": (
        {"positions": "rotary"},
        lambda model: _without_positions(model, ("encoder", "decoder")),
    ),
    "positions (alibi)": (
        {"positions": "alibi"},
        lambda model: _without_positions(model, ("encoder", "decoder")),
    ),
    "encoder.positions": (
        {"positions": "learned"},
        lambda model: _without_positions(model, ("encoder",)),
    ),
}


def _zero_context(model):
    width = model.settings.d_model

    def hook(_, inputs):
        both = inputs[0].clone()
        both[..., :width] = 0
        return (both,)

    model.decoder.attention.combine.register_forward_pre_hook(hook)


def _without_feeding(model):
    first = model.decoder.layers[0].from_input
    with torch.no_grad():
        first.weight[:, model.settings.d_model :] = 0


def _silent(part):
    def cut(model):
        layer = getattr(model.encoder.layers[1], part)
        layer.register_forward_hook(
            lambda _module, _inputs, output: (torch.zeros_like(output[0]), output[1])
        )

    return cut


RECURRENT_CASES = {
    "decoder.attention": _zero_context,
    "decoder.input_feeding": _without_feeding,
    "encoder.layers.1.onward": _silent("onward"),
    "encoder.layers.1.backward": _silent("backward"),
}


def _check(model, switch, intervene):
    off = [switch.split(" ")[0]]
    full, steps = javascript_engine.ask(
        model,
        {"call": "features", "source": SOURCE, "target": TARGET, "off": off},
        {"call": "steps", "source": SOURCE, "steps": STEPS, "off": off},
    )
    changed = copy.deepcopy(model)
    intervene(changed)
    with torch.no_grad():
        arguments = torch.tensor([SOURCE]), None, torch.tensor([TARGET])
        before, expected = model(*arguments)[0], changed(*arguments)[0]
    assert not torch.allclose(before, expected, atol=1e-2)  # the switch matters
    torch.testing.assert_close(tensor(full["logits"]), expected, atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.tensor(steps), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("switch", CASES)
def test_a_switch_of_the_transformer_is_the_intervention_in_pytorch(switch):
    changes, intervene = CASES[switch]
    _check(javascript_engine.stored(tiny.build(**changes)), switch, intervene)


@pytest.mark.parametrize("switch", RECURRENT_CASES)
def test_a_switch_of_the_recurrent_model_is_the_intervention_in_pytorch(switch):
    model = javascript_engine.stored(tiny.recurrent())
    _check(model, switch, RECURRENT_CASES[switch])
