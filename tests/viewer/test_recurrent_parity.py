"""The recurrent models in JavaScript compute what PyTorch computes, for every variant."""

import functools

import pytest
import torch

import javascript_engine
import tiny
from javascript_engine import tensor
from whyformer.blocks.taps import observe
from whyformer.models.recurrent.model import RecurrentModel

SOURCE, FIRST, SECOND = [5, 9, 7, 12, 6, 2], [1, 8, 6, 11], [1, 8, 7, 12]
STEPS = [
    {"tokens": [1]},
    {"tokens": [8]},
    {"select": [0, 0], "tokens": [6, 7]},
    {"select": [1, 0], "tokens": [12, 11]},
]
WEIGHTS = "decoder.attention.weights"
VARIANTS = tiny.RECURRENT_VARIANTS | tiny.RECURRENT_LANGUAGE_VARIANTS
of_variant = javascript_engine.asker(
    {name: functools.partial(tiny.fresh, name) for name in VARIANTS},
    {"call": "features", "source": SOURCE, "target": FIRST},
    {"call": "steps", "source": SOURCE, "steps": STEPS},
)


def _computed(model, target):
    target = torch.tensor([target])
    with torch.no_grad():
        if isinstance(model, RecurrentModel):
            return model(torch.tensor([SOURCE]), None, target)[0]
        return model(target)[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_equal_those_of_pytorch(variant):
    model, (found, _) = of_variant(variant)
    logits = tensor(found["logits"])
    torch.testing.assert_close(logits, _computed(model, FIRST), atol=1e-3, rtol=0)
    torch.testing.assert_close(tensor(found["last"]), logits)  # the logit lens


@pytest.mark.parametrize("variant", tiny.RECURRENT_VARIANTS)
def test_attention_weights_equal_those_of_pytorch(variant):
    model, (found, _) = of_variant(variant)
    if model.settings.attention == "none":
        assert found["taps"] == {}
        return
    with observe(model, WEIGHTS) as seen:
        _computed(model, FIRST)
    expected = torch.cat(seen[WEIGHTS], 1)  # with input feeding, the decoder attends step by step
    torch.testing.assert_close(tensor(found["taps"][WEIGHTS]), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_steps_equal_the_full_pass(variant):
    model, (_, found) = of_variant(variant)
    first, second = _computed(model, FIRST), _computed(model, SECOND)
    expected = [first[0], first[1], torch.cat([first[2], second[2]])]
    expected.append(torch.cat([second[3], first[3]]))
    for actual, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.tensor(actual), wanted, atol=1e-3, rtol=0)
