"""Plugins: how they are found, what a record of them says, and that reading imports nothing."""

import importlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from whyformer.blocks.normalization import NORMS
from whyformer.foundation import plugins
from whyformer.foundation.errors import PluginError
from whyformer.foundation.registry import Registry
from whyformer.models.gpt import GPTSettings

BODY = """
from torch import nn
from whyformer.blocks.normalization import NORMS

__version__ = "1.2"

@NORMS.register("own-{name}")
class Own(nn.LayerNorm):
    pass
"""


@pytest.fixture
def file(tmp_path, request):
    """Return a function that writes a plugin; what was loaded is unloaded afterwards."""
    names = []

    def write(name: str, body: str = BODY) -> Path:
        names.append(name)
        path = tmp_path / f"{name}.py"
        path.write_text(body.replace("{name}", name), encoding="utf-8")
        return path

    yield write
    for name in names:
        plugins.unload(name)


def test_a_file_registers_under_a_module_of_its_own(file):
    found = plugins.load(str(file("random")))  # a name that Python itself has
    assert (found.name, found.version) == ("random", "1.2")
    assert len(found.sha256) == 64
    assert NORMS.module_of("own-random") == "whyformer_plugins.random"
    assert sys.modules["random"] is __import__("random")
    assert plugins.used_by(GPTSettings(norm="own-random")) == [found]
    assert plugins.used_by(GPTSettings()) == []


def test_unloading_leaves_no_trace(file):
    plugins.load(str(file("gone")))
    plugins.unload("gone")
    assert "own-gone" not in NORMS
    assert not [name for name in sys.modules if name.startswith("whyformer_plugins.gone")]


def test_an_edited_file_is_imported_again_and_an_unchanged_one_is_not(file):
    path = file("edited")
    first = plugins.load(str(path))
    module = sys.modules["whyformer_plugins.edited"]
    assert plugins.load(str(path)) == first
    assert sys.modules["whyformer_plugins.edited"] is module
    file("edited", BODY + "\nMORE = 1\n")
    # What was imported is what a run uses, whatever is in the file by now.
    assert plugins.used_by(GPTSettings(norm="own-edited")) == [first]
    assert plugins.load(str(path)).sha256 != first.sha256
    assert sys.modules["whyformer_plugins.edited"].MORE == 1


def test_a_directory_is_a_package_whose_every_file_counts(tmp_path):
    package = tmp_path / "several"
    package.mkdir()
    (package / "__init__.py").write_text("from . import norms\n", encoding="utf-8")
    (package / "norms.py").write_text(BODY.replace("{name}", "several"), encoding="utf-8")
    try:
        first = plugins.load(str(package))
        assert plugins.used_by(GPTSettings(norm="own-several")) == [first]
        (package / "norms.py").write_text(BODY.replace("{name}", "several") + "#", encoding="utf-8")
        assert plugins.load(str(package)).sha256 != first.sha256
    finally:
        plugins.unload("several")


def test_an_installed_module_is_named(tmp_path, monkeypatch):
    (tmp_path / "acme_norms.py").write_text(BODY.replace("{name}", "acme"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        found = plugins.load("acme_norms")
        assert found.name == "acme_norms"
        assert plugins.used_by(GPTSettings(norm="own-acme")) == [found]
        assert plugins.compare(plugins.recorded([found]), "It") == []
    finally:
        NORMS.forget("own-acme")
        sys.modules.pop("acme_norms", None)


def test_entry_points_are_loaded_once(tmp_path, monkeypatch):
    (tmp_path / "entry_norms.py").write_text(BODY.replace("{name}", "entry"), encoding="utf-8")
    info = tmp_path / "entry-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: entry\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[whyformer.plugins]\nmine = entry_norms\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [one.value for one in metadata.entry_points(group=plugins.GROUP)] == ["entry_norms"]
    plugins.load_installed.cache_clear()
    try:
        plugins.load_installed()
        plugins.load_installed()
        assert NORMS.module_of("own-entry") == "entry_norms"
    finally:
        NORMS.forget("own-entry")
        sys.modules.pop("entry_norms", None)
        plugins.load_installed.cache_clear()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("1 +", r"failed at .*broken\.py:1: SyntaxError: invalid syntax\.$"),
        ("\nraise KeyError('x')", r"failed at .*broken\.py:2: KeyError: 'x'\.$"),
        ("import no_such_module", r"failed at .*broken\.py:1: ModuleNotFoundError: No module"),
        ("import sys\nsys.exit('bye')", r"failed at .*broken\.py:2: SystemExit: bye\.$"),
    ],
)
def test_a_plugin_that_fails_is_one_sentence_with_its_line(file, body, sentence):
    with pytest.raises(PluginError, match=sentence):
        plugins.load(str(file("broken", body)))
    assert "whyformer_plugins.broken" not in sys.modules


def test_what_a_failing_plugin_registered_before_is_forgotten(file):
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        plugins.load(str(file("half", BODY + "\n1 / 0\n")))
    assert "own-half" not in NORMS


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere.py", "`nowhere.py` does not exist. Give a Python file"),
        ("no_such_package", "is neither a file nor a module that Python can import"),
        ("not a name", "is neither a file nor a module that Python can import"),
        ("", "does not exist. Give a Python file"),
        ("..", "does not exist. Give a Python file"),
    ],
)
def test_what_is_no_plugin_is_refused(source, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PluginError, match=sentence):
        plugins.load(source)


def test_two_files_of_one_name_are_refused(file, tmp_path):
    plugins.load(str(file("twin")))
    other = tmp_path / "other"
    other.mkdir()
    (other / "twin.py").write_text("", encoding="utf-8")
    with pytest.raises(PluginError, match=r"have the same name\. Rename one of them"):
        plugins.load(str(other / "twin.py"))


def test_a_record_is_compared_and_never_imported(file, tmp_path, monkeypatch):
    found = plugins.load(str(file("kept")))
    (record,) = plugins.recorded([found])
    assert plugins.compare([record], "The model") == []
    (note,) = plugins.compare([{**record, "version": "1.1"}], "The model")
    assert note.startswith("The model was made with the plugin `kept` (version 1.1, SHA-256 ")
    trap = tmp_path / "trap.py"
    trap.write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PluginError, match=r"needs the plugin `trap` .* Add `--plugin trap.py`"):
        plugins.compare([{**record, "name": "trap"}], "The model")
    with pytest.raises(PluginError, match="which is not loaded"):  # imported, but no plugin
        plugins.compare([{**record, "name": "json"}], "The model")


@pytest.mark.parametrize(
    "record", [{}, "x", [1], [{"name": "x"}], [{"name": 1, "version": None, "sha256": None}]]
)
def test_a_malformed_record_is_a_value_error(record):
    with pytest.raises(ValueError, match="plugin"):
        plugins.compare(record, "The model")


@pytest.mark.parametrize("first", ["import", "load"])
def test_a_file_may_be_imported_and_loaded_in_any_order(file, monkeypatch, first):
    path = file("twice")
    monkeypatch.syspath_prepend(str(path.parent))
    try:
        if first == "import":
            importlib.import_module("twice")
        found = plugins.load(str(path))
        importlib.import_module("twice")
        assert [one.sha256 for one in plugins.used_by(GPTSettings(norm="own-twice"))] == [
            found.sha256
        ]
        assert plugins.compare(plugins.recorded([found]), "The run") == []
    finally:
        Registry.forget_module("twice")
        sys.modules.pop("twice", None)


def test_another_process_can_load_what_is_registered(file, tmp_path):
    path = file("elsewhere")
    plugins.load(str(path))
    package = tmp_path / "folder"
    package.mkdir()
    (package / "__init__.py").write_text(BODY.replace("{name}", "folder"), encoding="utf-8")
    plugins.load(str(package))
    try:
        assert {str(path), str(package)} <= set(plugins.sources())
        code = "import sys; from whyformer.foundation import plugins\n"
        code += "for one in sys.argv[1:]: plugins.load(one)\n"
        code += "from whyformer.blocks.normalization import NORMS; print(*NORMS)"
        said = subprocess.run(
            [sys.executable, "-c", code, str(path), str(package)], capture_output=True, text=True
        )
        assert {"own-elsewhere", "own-folder"} <= set(said.stdout.split()), said.stderr
    finally:
        plugins.unload("folder")
