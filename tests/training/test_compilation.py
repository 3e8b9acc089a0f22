"""Compiled layers compute what the layers compute, without gaps, and only while they train."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tiny
from whyformer.foundation.errors import ConfigError
from whyformer.models.recurrent.model import RecurrentModel
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.training import compilation
from whyformer.training.compilation import CompiledLayers


def test_a_model_without_layers_is_told() -> None:
    settings = RecurrentSettings(d_model=8, encoder_layers=1, decoder_layers=1)
    with pytest.raises(ConfigError, match=r"this model has none\. Leave it out\."):
        CompiledLayers(RecurrentModel(settings, (9, 9)))


def test_a_machine_without_a_compiler_is_told(monkeypatch) -> None:
    monkeypatch.setattr(compilation.shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match=r"needs a C\+\+ compiler"):
        CompiledLayers(tiny.build(0))


def test_layers_are_themselves_again_afterwards() -> None:
    model = tiny.build(0)
    before = [layer.forward for layer in model.encoder.layers]
    compiled = CompiledLayers(model, "eager")
    with compiled.at_work():
        assert model.encoder.layers[0].forward is compiled.twins[model.encoder.layers[0]]
    assert [layer.forward for layer in model.encoder.layers] == before


@pytest.mark.parametrize("shapes", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_training_is_the_same_and_every_layer_is_one_graph(tmp_path: Path, shapes: int) -> None:
    """In a process of its own, without the checks of signatures that torch cannot trace."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, script, str(Path(tiny.__file__).parent), str(shapes)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.split() == ["alike"] * (shapes + 2)


SCRIPT = """
    import sys

    sys.path.insert(0, sys.argv[1])
    import torch
    from torch._dynamo.utils import counters

    import tiny
    from whyformer.foundation.randomness import seed_everything
    from whyformer.training import compilation, loop
    from whyformer.training.loop import fit, start
    from whyformer.training.settings import TrainingSettings

    def by_another(model):
        return Original(model, "eager")

    Original, loop.CompiledLayers = compilation.CompiledLayers, by_another
    switches = (
        {"positions": "rotary", "wiring": "pre-norm"},
        {"positions": "relative", "score_scale": "cosine", "wiring": "deepnorm"},
        {"attention": "multi-query", "score_scale": "qk-norm"},
    )
    shapes = int(sys.argv[2])
    for shape in switches[:shapes]:
        found = []
        for compile in (False, True):
            settings = TrainingSettings(updates=3, learning_rate=1e-3, warmup=2, compile=compile)
            state = start(tiny.build(3, **shape), settings)
            found.append([r.loss for r in fit(state, tiny.CopyBatches(), settings, d_model=16)])
        torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
        print("alike")
    settings = TrainingSettings(updates=2, learning_rate=1e-3, compile=True)
    model = tiny.build(3, dropout=0.5, attention_dropout=0.5)
    list(fit(start(model, settings), tiny.CopyBatches(), settings, d_model=16))
    both = settings.model_copy(update={"gradient_checkpointing": True})
    losses = []
    for one in (settings, both):
        seed_everything(1)
        state = start(tiny.build(3, dropout=0.5, attention_dropout=0.5), one)
        reports = fit(state, tiny.CopyBatches(), one, d_model=16)
        losses.append([(r.loss, r.gradient_norm) for r in reports])
    assert losses[0] == losses[1], losses
    print("alike")
    assert not counters["graph_break"], counters["graph_break"]
    assert counters["stats"]["unique_graphs"] >= 2 * shapes, counters["stats"]
    print("alike")
"""
