"""The JavaScript GPT computes what PyTorch computes, for every variant."""

import functools

import pytest
import torch

import javascript_engine
import tiny
from javascript_engine import assert_same, computed, tensor

FIRST, SECOND = [1, 8, 6, 11], [1, 8, 7, 12]
STEPS = [
    {"tokens": [1]},
    {"tokens": [8]},
    {"select": [0, 0], "tokens": [6, 7]},
    {"select": [1, 0], "tokens": [12, 11]},
]
VARIANTS = tiny.GPT_VARIANTS | tiny.COMBINED_GPTS
of_variant = javascript_engine.asker(
    {name: functools.partial(tiny.gpt, **changes) for name, changes in VARIANTS.items()},
    {"call": "features", "target": FIRST},
    {"call": "steps", "steps": STEPS},
)


def _computed(model, target):
    return computed(model, torch.tensor([target]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_and_every_tap_equal_those_of_pytorch(variant):
    model, (found, _) = of_variant(variant)
    assert_same(found, *_computed(model, FIRST))
    torch.testing.assert_close(tensor(found["last"]), tensor(found["logits"]))  # the logit lens


@pytest.mark.parametrize("variant", VARIANTS)
def test_cached_steps_equal_the_full_pass(variant):
    model, (_, found) = of_variant(variant)
    first, second = _computed(model, FIRST)[0], _computed(model, SECOND)[0]
    expected = [first[0], first[1], torch.cat([first[2], second[2]])]
    expected.append(torch.cat([second[3], first[3]]))
    for actual, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.tensor(actual), wanted, atol=1e-3, rtol=0)
