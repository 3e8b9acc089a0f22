"""`translate` with a conversion does not import torch, which would take most of its time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toy_runs import toy_run

pytest.importorskip("ctranslate2", reason="this platform has no wheel")
pytestmark = pytest.mark.usefixtures("unchecked")

WITHOUT_TORCH = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ImportError("torch was imported")

sys.meta_path.insert(0, Refusing())
from whyformer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    """Return a run with a conversion; not to be changed."""
    from whyformer.interop.convert import convert

    run = toy_run(tmp_path_factory.mktemp("converted") / "run", seed=3)
    convert(run)
    return run


@pytest.fixture
def without_torch(converted):
    """Return a function that calls `translate` in a process that cannot import torch."""

    def translate(*options: object, text: str = "a b\nc\n") -> subprocess.CompletedProcess[str]:
        argv = ["translate", str(converted), *map(str, options), "--device", "cpu"]
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, *argv],
            input=text, capture_output=True, text=True, timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    return translate


@pytest.mark.parametrize(
    "options",
    [
        ("--beam", 1),
        ("--beam", 3, "--nbest", 2, "--length-penalty", 0),
        ("--json", "--split-sentences"),
        ("--split-long",),
        ("--engine", "ctranslate2"),
        ("--lexicon", "terms.tsv"),
    ],
    ids=lambda options: " ".join(map(str, options)),
)
def test_a_search_with_a_conversion_needs_no_torch(
    cli, converted, without_torch, tmp_path, monkeypatch, options
):
    monkeypatch.chdir(tmp_path)
    Path("terms.tsv").write_text("c\tz\n", encoding="utf-8")
    found = without_torch(*options)
    assert found.returncode == 0, found.stderr
    assert found.stdout == cli("translate", converted, *options, stdin="a b\nc\n").out


def test_a_document_needs_no_torch(without_torch, tmp_path):
    page, output = tmp_path / "page.md", tmp_path / "out.md"
    page.write_text("# a b\n\nc\n", encoding="utf-8")
    found = without_torch("--input", page, "--output", output)
    assert found.returncode == 0, found.stderr
    assert output.read_text(encoding="utf-8").startswith("# ")


def test_torch_is_imported_where_a_search_needs_it(without_torch):
    assert "torch was imported" in without_torch("--engine", "torch").stderr
    assert "torch was imported" in without_torch("--sample").stderr
