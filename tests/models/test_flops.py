"""The formula of an update's operations says what the laboratory's counter counts."""

import numpy as np
import pytest
import torch

from tiny import VOCABULARY, gpt, ids, recurrent, shape
from whyformer.foundation.errors import ConfigError
from whyformer.lab.instruments.counter import count_operations
from whyformer.models.build import build_model
from whyformer.models.flops import forward_multiply_adds, has_formula, update_flops
from whyformer.models.presets import PRESETS
from whyformer.models.transformer import Transformer, TransformerSettings

CHANGES = (
    {},
    {"d_k": 12},
    {"activation": "swiglu"},
    {"encoder_layers": 3, "decoder_layers": 1},
    {"positions": "rotary", "wiring": "pre-norm"},
    {"attention": "grouped-query", "heads": 4, "kv_heads": 2, "d_k": 12},
    {"attention": "multi-query"},
)


@pytest.mark.parametrize("changes", CHANGES)
def test_the_formula_is_the_counter_of_an_encoder_decoder(changes):
    settings = shape(**changes)
    model = Transformer(settings, (VOCABULARY, VOCABULARY)).eval()
    generator = torch.Generator().manual_seed(0)
    x, y = ids(generator, 3, 5), ids(generator, 3, 7)
    with torch.no_grad(), count_operations(model) as counted:
        model(x, None, y)
    lengths = np.full(3, 5), np.full(3, 7)
    assert forward_multiply_adds(settings, VOCABULARY, *lengths) == counted.total


@pytest.mark.parametrize(
    "changes",
    [{}, {"activation": "swiglu", "d_k": 12}, {"attention": "multi-query", "heads": 4}],
)
def test_the_formula_is_the_counter_of_a_language_model(changes):
    model = gpt(**changes).eval()
    y = ids(torch.Generator().manual_seed(0), 3, 7)
    with torch.no_grad(), count_operations(model) as counted:
        model(y)
    lengths = np.zeros(3), np.full(3, 7)
    assert forward_multiply_adds(model.settings, VOCABULARY, *lengths) == counted.total


def test_rows_of_different_lengths_add_up():
    settings = shape()
    both = update_flops(settings, 20, np.array([3, 8]), np.array([4, 2]))
    one, other = (
        update_flops(settings, 20, np.array([s]), np.array([t])) for s, t in ((3, 4), (8, 2))
    )
    assert both == one + other


def test_the_published_cost_of_a_target_token():
    """3+3 layers of 256, and the paper's base, on sentences of about 15.8 tokens in 8,000 pieces.

    Measured on real lengths, whose squares are more than the square of their mean: hence 3 %.
    """
    lengths = np.full(1, 15.8), np.full(1, 15.8)
    for name, mflop in (("small", 47), ("base", 297)):
        found = update_flops(PRESETS[name], 8000, *lengths) / 15.8 / 1e6
        assert found == pytest.approx(mflop, rel=0.03)


def test_a_family_without_a_formula_says_so():
    settings = recurrent().settings
    assert not has_formula(settings)
    with pytest.raises(ConfigError, match="this model is of family rnn"):
        update_flops(settings, 10, np.ones(1), np.ones(1))


def test_the_base_model_on_shapes_alone():
    with torch.device("meta"):
        model = build_model(TransformerSettings(), (100, 100), shared=True).eval()
        x, y = torch.zeros(2, 30, dtype=torch.long), torch.zeros(2, 20, dtype=torch.long)
        with count_operations(model) as counted:
            model(x, None, y)
    lengths = np.full(2, 30), np.full(2, 20)
    assert forward_multiply_adds(TransformerSettings(), 100, *lengths) == counted.total
