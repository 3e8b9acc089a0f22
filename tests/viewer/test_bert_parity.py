"""The JavaScript BERT and ELECTRA compute what PyTorch computes, for every variant."""

import pytest
import torch

import javascript_engine
from javascript_engine import tensor
from whyformer.blocks.taps import observe
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.electra import Electra, ElectraSettings

IDS, SEGMENTS = [1, 8, 6, 2, 11, 7, 2], [0, 0, 0, 0, 1, 1, 1]
SPELLINGS = [
    b"", b"", b"", *(one.encode() for one in ("나", "는", "a", "학교", "ab🙂", "c")), b"\xeb",
    b"x" * 20, b" \x00", "é".encode(),
]  # fmt: skip
"""The bytes of each id: nothing, several characters, an incomplete character, a long token."""
SMALL = {"layers": 2, "d_model": 16, "heads": 2, "d_ff": 24, "dropout": 0.0, "max_length": 16}
VARIANTS = {
    "of the paper": {},
    "pre-norm": {"wiring": "pre-norm"},
    "deepnorm": {"wiring": "deepnorm"},
    "rms": {"norm": "rms", "norm_epsilon": 0.1},
    "rotary": {"positions": "rotary"},
    "alibi": {"positions": "alibi"},
    "relative": {"positions": "relative"},
    "narrow embeddings": {"embedding_width": 8},
    "one layer three times": {"sharing": "all", "layers": 3},
    "n-grams": {"ngrams": 3, "ngram_rows": 13, "ngram_width": 5},
    "n-grams of narrow embeddings": {
        "ngrams": 2,
        "ngram_rows": 999_983,
        "ngram_width": 1,
        "embedding_width": 8,
    },
    "classes": {"outputs": 3},
    "classes after gelu": {"outputs": 3, "head_layer": "gelu"},
    "classes of the mean": {"outputs": 3, "pooling": "mean"},
    "classes with characters": {"outputs": 3, "character_ngrams": 3, "character_ngram_rows": 97},
    "many classes with characters": {"outputs": 40, "character_ngrams": 5, "pooling": "mean"},
    "classes without a layer": {"outputs": 3, "head_layer": "none"},
    "tags": {"outputs": 4, "answer_of": "tokens"},
    "tags after tanh": {"outputs": 4, "answer_of": "tokens", "head_layer": "tanh"},
}


def _bert(changes):
    torch.manual_seed(0)
    model = BERT(BERTSettings(**{**SMALL, **changes}), (13, 13))
    model.learn_spellings(SPELLINGS)
    return model


of_variant = javascript_engine.asker(
    {name: lambda changes=changes: _bert(changes) for name, changes in VARIANTS.items()},
    {
        "call": "read",
        "ids": IDS,
        "segments": SEGMENTS,
        "spellings": [list(one) for one in SPELLINGS],
    },
)


def _same(found, expected):
    torch.testing.assert_close(tensor(found), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_head_equals_that_of_pytorch(variant):
    model, [found] = of_variant(variant)
    ids, segments = torch.tensor([IDS]), torch.tensor([SEGMENTS])
    with torch.no_grad():
        x = model(ids, None, segments)
        _same(found["x"], x[0])
        if not model.settings.outputs:
            _same(found["masked"], model.masked(x)[0])
            _same(found["follows"], model.next_sentence(model.pooled(x)))
        elif model.settings.answer_of == "text":
            _same(found["answers"], model.answers(ids, None, segments))
        else:
            _same(found["answers"], model.token_answers(ids, None, segments)[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_tap_equals_that_of_pytorch(variant):
    model, [found] = of_variant(variant)
    with torch.no_grad(), observe(model, "*") as seen:
        model(torch.tensor([IDS]), None, torch.tensor([SEGMENTS]))
    # The taps of a layer that is used several times see several tensors.
    expected = {
        name.replace("layers.0.", f"layers.{time}.") if time else name: one[0]
        for name, tensors in seen.items()
        for time, one in enumerate(tensors)
    }
    assert found["taps"].keys() == expected.keys()
    for name, one in expected.items():
        _same(found["taps"][name], one)


def test_both_models_of_electra_equal_those_of_pytorch():
    torch.manual_seed(0)
    shape = {**SMALL, "d_model": 32, "heads": 4, "positions": "learned", "generator_share": 0.5}
    model = javascript_engine.stored(Electra(ElectraSettings(**shape), (13, 13)))
    call = {"ids": IDS, "segments": SEGMENTS}
    discriminator, generator = javascript_engine.ask(
        model,
        {"call": "read", "part": "discriminator", **call},
        {"call": "read", "part": "generator", **call},
    )
    ids, segments = torch.tensor([IDS]), torch.tensor([SEGMENTS])
    with torch.no_grad():
        _same(discriminator["answers"], model.detect(ids, None, segments)[0][:, None])
        everywhere = torch.ones_like(ids, dtype=torch.bool)
        _same(generator["masked"], model.restore(ids, None, segments, everywhere))
