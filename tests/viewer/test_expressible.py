"""A model that the page cannot compute is refused, with the reasons and what to do."""

import pytest

import tiny
from whyformer.blocks.positions import POSITIONS, Positions
from whyformer.blocks.residual import WIRINGS, NoSkip
from whyformer.bundle import Bundle
from whyformer.foundation.errors import UsageError
from whyformer.models.shapes import shapes_only
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.tokenizer import train_tokenizer
from whyformer.viewer import expressible
from whyformer.viewer.expressible import VARIANTS, refusals, refuse_inexpressible


def _bundle(model) -> Bundle:
    tokenizer = train_tokenizer("chars", ["cat"], vocabulary=300)
    return Bundle(model, tokenizer, tokenizer, {})


@pytest.mark.parametrize("variant", [*tiny.VARIANTS, *tiny.RECURRENT_VARIANTS])
def test_every_built_in_variant_is_accepted(variant):
    assert refusals(_bundle(tiny.fresh(variant))) == []


def test_variants_from_plugins_are_refused(monkeypatch):
    mine = type("Mine", (Positions,), {})
    straight = type("Straight", (NoSkip,), {})
    monkeypatch.setitem(POSITIONS._found, "mine", mine)
    monkeypatch.setitem(WIRINGS._found, "straight", straight)
    model = tiny.build()
    changed = model.settings.model_copy(update={"positions": "mine", "wiring": "straight"})
    model.settings = changed
    found = refusals(_bundle(model))
    assert found == [
        "`model.wiring` is straight, which the page cannot compute",
        "`model.positions` is mine, which the page cannot compute",
    ]


def test_a_model_that_is_too_large_is_refused():
    with shapes_only():
        model = Transformer(TransformerSettings(), (8000, 8000))
    [found] = refusals(_bundle(model))
    assert found.startswith("it has 48,")
    assert found.endswith("parameters, and a page can hold at most 30,000,000")


def test_the_reason_of_a_tokenizer_that_the_page_cannot_read_is_given_once(monkeypatch):
    monkeypatch.setattr(expressible, "refused_tokenizer", lambda tokenizer: "its units are mine")
    assert refusals(_bundle(tiny.build())) == ["its units are mine"]


def test_the_message_names_the_run_the_reason_and_what_to_do(monkeypatch):
    monkeypatch.setitem(POSITIONS._found, "mine", type("Mine", (Positions,), {}))
    model = tiny.build()
    model.settings = model.settings.model_copy(update={"positions": "mine"})
    with pytest.raises(UsageError) as error:
        refuse_inexpressible(_bundle(model), "runs/mine")
    assert str(error.value) == (
        "`runs/mine` cannot be shown on a page: `model.positions` is mine, which the page cannot "
        "compute. Use it with the commands `whyformer translate`, `generate` or `classify`."
    )


def test_every_built_in_variant_is_known():
    for name, (registry, known) in VARIANTS.items():
        built_in = {kind for kind in registry.values() if kind.__module__.startswith("whyformer.")}
        assert built_in == set(known), name
