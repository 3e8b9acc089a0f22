"""The plugin of docs/extending.md, followed literally: checked, trained, resumed, used, refused."""

import json
import re
from pathlib import Path

import pytest

from whyformer.foundation import plugins

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
FAST = ("--training.updates", 6, "--training.batch-tokens", 64, "--validation.every", 3)
SMALL = ("--model.d-model", 16, "--model.heads", 2, "--model.d-ff", 16, "--model.encoder-layers", 1,
         "--model.decoder-layers", 1, "--quiet")  # fmt: skip


@pytest.fixture(scope="module")
def kerple(tmp_path_factory) -> Path:
    """Return the plugin as the page has it."""
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert len(code.strip().splitlines()) <= 45
    path = tmp_path_factory.mktemp("plugin") / "kerple.py"
    path.write_text(code, encoding="utf-8")
    return path


@pytest.fixture
def unloaded():
    """Unload the plugin before and after a test, so that it must be named."""
    plugins.unload("kerple")
    yield
    plugins.unload("kerple")


def trained(cli, kerple: Path, out: Path) -> None:
    done = cli("train", "copy", "--plugin", kerple, "--model.positions", "kerple", "--out", out,
               *FAST, *SMALL)  # fmt: skip
    assert done.code == 0, done.err


@pytest.fixture(scope="module")
def run(kerple, tmp_path_factory, request) -> Path:
    """Return a run that uses the plugin."""
    from whyformer.cli.main import main

    out = tmp_path_factory.mktemp("kerple") / "run"
    words = ["train", "copy", "--plugin", kerple, "--model.positions", "kerple", "--out", out]
    assert main([str(word) for word in (*words, *FAST, *SMALL)]) == 0
    plugins.unload("kerple")
    return out


def test_the_checks_of_the_page_pass(kerple, monkeypatch):
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    monkeypatch.syspath_prepend(str(kerple.parent))
    try:
        exec(code, {})
    finally:
        from whyformer.registries import positions

        positions.forget("kerple")


def test_run_and_model_record_the_plugin(run):
    for name in ("run.json", "model/config.json"):
        (record,) = json.loads((run / name).read_text(encoding="utf-8"))["plugins"]
        assert (record["name"], record["version"]) == ("kerple", "1.0")
        assert len(record["sha256"]) == 64


@pytest.mark.usefixtures("unloaded")
def test_a_model_is_refused_without_its_plugin_and_used_with_it(cli, run, kerple):
    refused = cli("translate", run, stdin="3 1 4\n").sentence
    assert f"The model `{run / 'model'}` needs the plugin `kerple` (version 1.0, SHA-256" in refused
    assert "Add `--plugin kerple.py`" in refused
    used = cli("translate", run, f"--plugin={kerple}", stdin="3 1 4\n")
    assert (used.code, len(used.out.splitlines())) == (0, 1)
    assert "Note" not in used.err


@pytest.mark.usefixtures("unloaded")
def test_an_edited_plugin_is_noted_by_use_and_refused_by_training(cli, run, kerple, tmp_path):
    edited = tmp_path / "kerple.py"
    edited.write_text(kerple.read_text("utf-8").replace('"1.0"', '"2.0"'), encoding="utf-8")
    used = cli("translate", run, "--plugin", edited, stdin="3 1 4\n")
    assert used.code == 0
    assert "was made with the plugin `kerple` (version 1.0," in used.err
    assert "but `kerple` (version 2.0," in used.err
    refused = cli("train", "copy", "--plugin", edited, "--model.positions", "kerple", "--out", run,
                  *FAST, *SMALL).sentence  # fmt: skip
    assert "Use the previous file to resume" in refused


@pytest.mark.usefixtures("unloaded")
def test_a_run_resumes_with_its_plugin(cli, kerple, tmp_path):
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    trained(cli, kerple, whole)
    plugins.unload("kerple")
    trained(cli, kerple, halved)
    weights = [(one / "model" / "model.safetensors").read_bytes() for one in (whole, halved)]
    assert weights[0] == weights[1]
    again = cli("train", "copy", "--plugin", kerple, "--model.positions", "kerple", "--out", halved,
                *FAST, *SMALL)  # fmt: skip
    assert again.code == 0
    assert (halved / "model" / "model.safetensors").read_bytes() == weights[0]


@pytest.mark.usefixtures("unloaded")
def test_a_name_is_known_with_the_plugin_only(cli, kerple):
    show = ("config", "show", "copy", "--model.positions", "kerple")
    refused = cli(*show).sentence
    assert "or a name that a plugin registers: `--plugin`" in refused
    assert cli(*show, "--plugin", kerple).code == 0


@pytest.mark.parametrize("words", [["--plugin"], ["--plugin="], ["--plugin", "--json"]])
def test_a_flag_without_a_file_is_refused(cli, words):
    assert "`--plugin` takes a file or a package" in cli("config", "list", *words).sentence


def test_help_tells_of_plugins(cli):
    assert "--plugin FILE.py" in cli("--help").out


@pytest.mark.usefixtures("unloaded")
def test_a_failure_inside_a_plugin_is_one_sentence_and_may_be_corrected(cli, kerple, tmp_path):
    broken = tmp_path / "kerple.py"
    right = kerple.read_text("utf-8")
    line = "        key = torch.arange(keys, device=self.slope.device)\n"
    assert line in right
    broken.write_text(right.replace(line, "        keys = keys / 0\n" + line), encoding="utf-8")
    words = ("train", "copy", "--plugin", broken, "--model.positions", "kerple", "--out",
             tmp_path / "run", *FAST, *SMALL)  # fmt: skip
    refused = cli(*words)
    assert refused.code == 2
    assert "ZeroDivisionError: division by zero" in refused.sentence
    assert refused.sentence.startswith(f"The plugin `kerple` failed at {broken}:")
    broken.write_text(right, encoding="utf-8")
    assert cli(*words).code == 0


@pytest.mark.usefixtures("unloaded")
def test_weights_of_another_version_of_a_plugin_are_named(cli, run, kerple, tmp_path):
    edited = tmp_path / "kerple.py"
    edited.write_text(
        kerple.read_text("utf-8").replace("torch.zeros(heads, 1, 1)", "torch.zeros(1, 1, 1)"),
        encoding="utf-8",
    )
    refused = cli("translate", run, "--plugin", edited, stdin="s03\n")
    assert refused.code == 2
    assert "Load the version that the model was made with" in refused.err
    assert "Copy the model directory" not in refused.err
