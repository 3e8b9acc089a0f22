"""Look inside a loaded run: what is returned, that it is right, and that nothing stays behind."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import whyformer
from toy_runs import LINES, toy_run
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.foundation.errors import UsageError
from whyformer.models.bert import BERTSettings
from whyformer.models.build import build_model
from whyformer.models.electra import ElectraSettings
from whyformer.models.gpt import GPTSettings
from whyformer.models.recurrent.language import RecurrentLanguageSettings
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.text.tokenizer import train_tokenizer

SMALL = {"d_model": 16, "heads": 2, "d_ff": 24, "max_length": 16}
CLASSES = {"outputs": 3, "layers": 1, **SMALL}
FAMILIES = {
    "gpt": GPTSettings(layers=2, **SMALL),
    "bert": BERTSettings(layers=2, **SMALL),
    "classes": BERTSettings(**CLASSES),
    "tags": BERTSettings(answer_of="tokens", **CLASSES),
    "albert": BERTSettings(layers=2, sharing="all", embedding_width=8, **SMALL),
    "electra": ElectraSettings(layers=1, **SMALL),
    "rnn": RecurrentSettings(d_model=16, max_length=16),
    "rnn-lm": RecurrentLanguageSettings(d_model=16, max_length=16),
}
ATTENTIONS = {"transformer": 5, "gpt": 2, "bert": 2, "classes": 1, "tags": 1, "albert": 2,
              "electra": 1, "rnn": 1, "rnn-lm": 0}  # fmt: skip
STREAMS = {"transformer": 8, "gpt": 4, "bert": 4, "classes": 2, "tags": 2, "albert": 4,
           "electra": 2, "rnn": 6, "rnn-lm": 2}  # fmt: skip
TARGETS = {"transformer": "b c", "rnn": "b c", "classes": "B", "tags": "A B C"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("look")
    tokenizer = train_tokenizer("words", LINES, vocabulary=300)
    sizes = (len(tokenizer), len(tokenizer))
    torch.manual_seed(0)
    for name, settings in FAMILIES.items():
        model = build_model(settings, sizes, shared=True).eval()
        facts: dict[str, Any] = {"decoding": {"beam": 1, "max_length": 6}}
        if name in ("classes", "tags"):
            facts |= {"labels": ["A", "B", "C"], "row_tokens": 16}
        save_bundle(root / name / "model", Bundle(model, tokenizer, tokenizer, facts))
    return {"transformer": toy_run(root / "transformer")} | {n: root / n for n in FAMILIES}


@pytest.mark.parametrize("family", ATTENTIONS)
def test_every_family_shows_attention_streams_and_gradients(runs, family):
    model = whyformer.load(runs[family])
    for target in {TARGETS.get(family), None}:
        seen = model.look("a b c", target)
        assert len(seen.attention) == ATTENTIONS[family]
        assert len(seen.residual) == STREAMS[family]
        for weights in seen.attention.values():
            assert torch.allclose(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-5)
        lengths = {len(tokens) for tokens in seen.tokens.values()}
        assert {len(stream) for stream in seen.residual.values()} <= lengths | {
            length - 1 for length in lengths
        }
        assert seen.loss == pytest.approx(seen.losses.sum().item(), rel=1e-5)
        assert math.isfinite(seen.loss)
        assert {side: len(g) for side, g in seen.embedding_gradients.items()} == {
            side: len(tokens) for side, tokens in seen.tokens.items()
        }
        assert all(gradient.any() for gradient in seen.embedding_gradients.values())
        assert any(gradient.any() for gradient in seen.parameter_gradients.values())
        tensors = [*seen.attention.values(), *seen.residual.values(), seen.losses]
        assert not any(one.requires_grad for one in tensors)


def test_the_loss_is_that_of_the_score_and_gradients_are_its_slopes(runs):
    model = whyformer.load(runs["transformer"])
    seen = model.look("a b", "b c")
    (score,) = model.score(["a b"], ["b c"])
    assert score is not None
    assert seen.loss == pytest.approx(-score.log_probability, abs=1e-4)
    name = "decoder.layers.1.feedforward.expand.weight"
    gradient = seen.parameter_gradients[name]
    place = divmod(int(gradient.abs().argmax()), gradient.shape[1])
    losses = []
    for change in (1e-2, -1e-2):
        changed = whyformer.load(runs["transformer"])
        weight = dict(changed._bundle.model.named_parameters())[name]
        with torch.no_grad():
            weight[place] += change
        losses.append(changed.look("a b", "b c").loss)
    assert (losses[0] - losses[1]) / 2e-2 == pytest.approx(gradient[place].item(), rel=0.05)


def test_nothing_stays_attached_to_the_model(runs):
    model = whyformer.load(runs["transformer"])
    before = model.translate(["a b c"])
    model.look("a b c")
    inside = model._bundle.model
    assert all(p.grad is None for p in inside.parameters())
    assert not any(m._forward_hooks for m in inside.modules())
    attentions = [m for m in inside.modules() if isinstance(m, MultiHeadAttention)]
    assert {m.path for m in attentions} == {AttentionPath.FUSED}
    assert not inside.training
    assert model.translate(["a b c"]) == before


def test_a_pattern_chooses_the_parameters(runs):
    model = whyformer.load(runs["gpt"])
    found = model.look("a b", parameters="layers.1.*").parameter_gradients
    assert found
    assert all(name.startswith("layers.1.") for name in found)
    assert model.look("a b", parameters="").parameter_gradients == {}


def test_what_a_run_can_do_depends_on_what_it_learned(runs):
    (continued,) = whyformer.load(runs["gpt"]).generate(["a b"], tokens=2)
    assert len(continued) == 1
    (prediction,) = whyformer.load(runs["classes"]).label(["a b"])
    assert prediction.label in "ABC"
    assert [len(one) for one in whyformer.load(runs["tags"]).label(["a b c", ["a", "b"]])] == [3, 2]
    with pytest.raises(UsageError, match="which does not translate"):
        whyformer.load(runs["gpt"]).translate(["a"])
    with pytest.raises(UsageError, match="which cannot continue text"):
        whyformer.load(runs["bert"]).generate(["a"])
    with pytest.raises(UsageError, match="cannot predict labels"):
        whyformer.load(runs["rnn"]).label(["a"])


@pytest.mark.parametrize(
    ("family", "text", "target", "sentence"),
    [
        ("gpt", "", None, "`text` is empty"),
        ("gpt", "a", "b", "`target` needs a translation model or a classifier"),
        ("gpt", "a " * 20, None, "`text` has 21 tokens, but the model reads at most 16"),
        ("rnn", "a", "b " * 20, "`target` has 21 tokens"),
        ("classes", "a", "D", "`target` has the unknown label `D`. Known: A, B, C"),
        ("tags", "a b", "A", "one label per word, but there are 2 words and 1 label."),
    ],
)
def test_messages(runs, family, text, target, sentence):
    with pytest.raises(UsageError, match=sentence):
        whyformer.load(runs[family]).look(text, target)


def test_an_ensemble_is_refused(runs):
    with pytest.raises(UsageError, match="Load one run"):
        whyformer.load(runs["transformer"], runs["transformer"]).look("a")


def test_the_streams_are_what_the_next_sublayer_reads(runs):
    """The last stream, normalised and projected, gives the losses."""
    seen = whyformer.load(runs["gpt"]).look("a b")
    model = load_bundle(runs["gpt"]).model
    with torch.no_grad():
        logits = model.projection(model.final_norm(seen.residual["layers.1.feedforward"]))
    tokenizer = load_bundle(runs["gpt"]).target_tokenizer
    labels = [*tokenizer.encode("a b"), 2]
    own = -logits.log_softmax(-1)[range(3), labels]
    assert torch.allclose(own, seen.losses, atol=1e-4)
