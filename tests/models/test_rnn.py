"""The recurrent model's own promises; the laws of every model are in test_laws."""

import pytest
import torch
from pydantic import ValidationError

import tiny
from whyformer.blocks.recurrence import Recurrence
from whyformer.foundation.randomness import seed_everything
from whyformer.models.build import build_model
from whyformer.models.recurrent.settings import RecurrentSettings


def test_dropout_is_drawn_anew_in_training_and_never_in_use():
    g = torch.Generator().manual_seed(0)
    x, y = tiny.ids(g, 3, 4), tiny.ids(g, 3, 5)
    for form in ("standard", "variational"):
        for fed in (True, False):
            model = tiny.recurrent(dropout=0.5, dropout_form=form, input_feeding=fed)
            seed_everything(1)
            first, second = model(x, None, y), model(x, None, y)
            seed_everything(1)
            assert torch.equal(model(x, None, y), first)
            assert not torch.equal(first, second)
            model.eval()
            assert torch.equal(model(x, None, y), model(x, None, y))


def test_without_attention_all_that_is_known_of_the_source_is_one_vector():
    model = tiny.recurrent(attention="none", input_feeding=False).eval()
    g = torch.Generator().manual_seed(0)
    x, y = tiny.ids(g, 2, 6), tiny.ids(g, 2, 4)
    memory, summary = model.encoder(x, None)
    read, start = model.decoder.read(memory, summary, None)
    other, _ = model.decoder.read(torch.randn_like(memory), summary, None)
    found, _ = model.decoder(y, read, start)
    assert torch.equal(found, model.decoder(y, other, start)[0])
    with pytest.raises(LookupError):
        model.source_weights(x, None, y)


def test_every_layer_learns():
    for variant in tiny.RECURRENT_VARIANTS:
        model = tiny.fresh(variant)
        g = torch.Generator().manual_seed(0)
        model(tiny.ids(g, 2, 4), None, tiny.ids(g, 2, 3)).square().sum().backward()
        layers = [m for m in model.modules() if isinstance(m, Recurrence)]
        assert len(layers) == (4 if "bidirectional=False" in variant else 6)
        assert all(p.grad is not None and p.grad.any() for m in layers for p in m.parameters())


def test_settings_that_do_not_fit_say_so():
    with pytest.raises(ValidationError, match="Choose an even d_model"):
        RecurrentSettings(d_model=15)
    with pytest.raises(ValidationError, match=r"Set model\.input_feeding to false"):
        RecurrentSettings(attention="none")
    with pytest.raises(ValueError, match="needs one vocabulary"):
        tiny.RecurrentModel(RecurrentSettings(), (7, 9))


def test_settings_build_it():
    model = build_model(RecurrentSettings(d_model=8), (9, 9), shared=True)
    assert isinstance(model, tiny.RecurrentModel)
