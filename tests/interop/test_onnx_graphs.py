"""An exported graph computes what the model computes, for every variant; the rest is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tiny
from whyformer.blocks.positions import POSITIONS, Positions
from whyformer.foundation.errors import UsageError
from whyformer.interop.onnx import graph as graph_module
from whyformer.interop.onnx.export import OnnxExporter, refusals
from whyformer.interop.onnx.graph import Graph, Int8Graph
from whyformer.interop.onnx.model import OnnxGPT, OnnxTransformer
from whyformer.interop.onnx.models import graphs
from whyformer.models.bert import BERTSettings
from whyformer.models.gpt import GPT
from whyformer.models.interface import EMPTY
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.testing.models import registered
from whyformer.text.symbols import BOS

pytest.importorskip("onnx", reason='needs pip install "whyformer[export]"')
pytest.importorskip("onnxruntime", reason='needs pip install "whyformer[export]"')
pytestmark = pytest.mark.usefixtures("unchecked")

LONG = 140
"""More positions than any bucket of relative positions, and than the tables of a fresh model."""


def exported(model: Any, directory: Path, **options: Any) -> Any:
    """Write a model and load it with ONNX Runtime."""
    for graph in graphs(model, **options):
        graph.save(directory / f"{graph.name}.onnx")
    kind = OnnxGPT if isinstance(model, GPT) else OnnxTransformer
    return kind(directory, 1, model.settings.longest_target)


def assert_same(model: Any, directory: Path, *, length: int = 9) -> None:
    """Compare the logits of whole targets and of a search with reordered and dropped rows."""
    theirs = exported(model, directory)
    draws = torch.Generator().manual_seed(1)
    source, real = tiny.padded(draws, 3, length)
    target = tiny.ids(draws, 3, length)
    with torch.no_grad():
        ours = tiny.logits(model, source, real, target)
        found = theirs(target) if isinstance(model, GPT) else theirs.features(source, real, target)
        assert_close(found, ours)
        states = [one.begin(source, real) for one in (model, theirs)]
        tokens = torch.full((3, 1), BOS)
        for sentences, beams in (
            (None, [[0, 0], [0, 0], [0, 0]]),
            (torch.tensor([2, 0]), [[1, 0, 1], [0, 0, 1]]),
            (None, [[2, 2, 0], [0, 1, 2]]),
        ):
            stepped = [one.step(s, tokens) for one, s in zip((model, theirs), states, strict=True)]
            assert_close(stepped[1][0], stepped[0][0])
            chosen = torch.tensor(beams)
            states = [
                one.select(state, sentences, chosen)
                for one, (_, state) in zip((model, theirs), stepped, strict=True)
            ]
            tokens = tiny.ids(draws, *chosen.shape)
            tokens[0, 1] = EMPTY
        logits = [one.step(s, tokens)[0] for one, s in zip((model, theirs), states, strict=True)]
        assert_close(*logits)


def assert_close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


VARIANTS = [one for one in (*tiny.VARIANTS, *tiny.GPT_VARIANTS) if "initialization" not in one]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_computes_the_same(variant, tmp_path):
    assert refusals(tiny.fresh(variant).settings) == []
    assert_same(tiny.shaken(variant), tmp_path)


@pytest.mark.parametrize("changes", tiny.COMBINED.values(), ids=tiny.COMBINED)
def test_variants_together_compute_the_same(changes, tmp_path):
    assert_same(tiny.noisy(tiny.build(**changes)), tmp_path)


@pytest.mark.parametrize("changes", tiny.COMBINED_GPTS.values(), ids=tiny.COMBINED_GPTS)
def test_variants_of_language_models_together_compute_the_same(changes, tmp_path):
    assert_same(tiny.noisy(tiny.gpt(**changes)), tmp_path)


@pytest.mark.parametrize("scheme", POSITIONS)
def test_late_positions_compute_the_same(scheme, tmp_path):
    assert_same(tiny.noisy(tiny.build(positions=scheme, max_length=LONG)), tmp_path, length=LONG)


def test_an_odd_width_has_one_sine_more_than_cosines(tmp_path):
    assert_same(tiny.noisy(tiny.build(d_model=15, heads=3)), tmp_path)


@pytest.mark.parametrize("make", [tiny.build, tiny.gpt])
def test_attention_weights_are_outputs_on_request(make, tmp_path):
    model = tiny.noisy(make())
    names = [name for graph in graphs(model) for name in outputs(graph)]
    assert not [name for name in names if "attention" in name]
    theirs = exported(model, tmp_path, attention=True)
    draws = torch.Generator().manual_seed(1)
    source, target = tiny.ids(draws, 2, 5), tiny.ids(draws, 2, 4)
    memories = {} if isinstance(model, GPT) else theirs._encoded(source, None)
    past = dict(zip([f"past_{n}" for n in theirs._cache], theirs._empty(2), strict=True))
    inputs = {"tokens": target, **memories, **past}
    for name in (n for n in theirs.session.outputs if "attention" in n):
        (weights,) = theirs.session(inputs, [name])
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
        if name.startswith("decoder"):
            assert not weights.triu(1).any()
    if isinstance(model, Transformer):
        (last,) = theirs.session(inputs, ["source_attention_1"])
        assert_close(last.mean(1), model.source_weights(source, None, target))
        assert "encoder_attention_0" in theirs.encoder.outputs


def outputs(graph: Graph) -> list[str]:
    return [one.name for one in graph.model().graph.output]


def test_a_shared_matrix_is_written_once():
    shared, own = (
        [graph.weight_bytes for graph in graphs(tiny.build(tying=tying))]
        for tying in ("three-way", "none")
    )
    matrix = tiny.VOCABULARY * 16 * 4
    assert own[0] == shared[0]
    assert own[1] == shared[1] + matrix


def test_weights_of_eight_bits_are_near_the_model(tmp_path):
    model = tiny.noisy(tiny.build(d_model=64, heads=4, d_ff=96))
    theirs = exported(model, tmp_path, kind=Int8Graph)
    whole = graphs(model)
    sizes = [graph.weight_bytes for graph in graphs(model, kind=Int8Graph)]
    assert all(a < 0.35 * b.weight_bytes for a, b in zip(sizes, whole, strict=True))
    draws = torch.Generator().manual_seed(1)
    source, target = tiny.ids(draws, 3, 6), tiny.ids(draws, 3, 5)
    with torch.no_grad():
        ours = model(source, None, target)
    found = theirs.features(source, None, target)
    assert 1e-4 < (found - ours).abs().mean() < 0.1 * ours.std()


def test_the_rounded_weights_are_within_half_a_step():
    g = Int8Graph("one")
    matrix = torch.randn(5, 7)
    rounded, scale = (g._weights[-2], g._weights[-1]) if g._rounded(matrix) else ()
    from onnx import numpy_helper

    numbers = numpy_helper.to_array(rounded).astype(np.float32) - 128
    steps = numpy_helper.to_array(scale)
    assert np.abs(numbers * steps - matrix.numpy()).max() <= 0.5001 * steps.max()


def test_large_weights_have_a_file_of_their_own(tmp_path, monkeypatch):
    model = tiny.shaken("norm=rms")
    monkeypatch.setattr(graph_module, "LARGE", 1000)
    assert_same(model, tmp_path)
    assert (tmp_path / "decoder.onnx.data").stat().st_size > (
        tmp_path / "decoder.onnx"
    ).stat().st_size


@pytest.mark.parametrize("settings", [RecurrentSettings(), BERTSettings()])
def test_other_families_are_refused(settings):
    assert refusals(settings) == [
        f"`model.family` is {settings.family}, and only transformer or gpt is supported"
    ]


def test_a_variant_of_a_plugin_is_refused_with_its_setting():
    class Mine(Positions):
        """A scheme that nobody exports."""

    with registered(POSITIONS, Mine) as name:
        settings = TransformerSettings.model_validate({"positions": name})
        message = f"`model.positions` is {name}, for which whyformer has no ONNX operators"
        assert refusals(settings) == [message]
        with pytest.raises(UsageError, match="cannot be converted to ONNX"):
            OnnxExporter().check(settings)


def test_a_setting_that_came_later_is_refused_until_it_is_known():
    class Later(TransformerSettings):
        """A model of the future."""

        mixing: str = "attention"
        """What mixes positions."""

    assert refusals(Later()) == []
    assert len(refusals(Later(mixing="waves"))) == 1
