"""The programs in docs/examples translate without whyformer, and say what whyformer says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from toy_runs import SHAPE
from whyformer.bundle import Bundle, save_bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.interop.onnx.export import convert
from whyformer.models.build import build_model
from whyformer.models.transformer import TransformerSettings
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE
from whyformer.text.tokenizer import train_tokenizer

pytest.importorskip("onnx", reason='needs pip install "whyformer[export]"')
pytest.importorskip("onnxruntime", reason='needs pip install "whyformer[export]"')
pytestmark = pytest.mark.usefixtures("unchecked")

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
LIMIT = 100
"""Maximum number of tokens in the examples."""
TEXTS = ("a c\u0301 z", "Zu e", "i")


@pytest.fixture(scope="module", params=["chars", "phonemes"])
def translated(request, tmp_path_factory) -> tuple[Path, list[str]]:
    """Return a conversion, and the greedy translations of `TEXTS` by torch."""
    run = tmp_path_factory.mktemp("example")
    lines = ("a b \u0107", "c b a d", "f g h i j")
    source = train_tokenizer("chars", lines, vocabulary=300, lowercase=True)
    target = train_tokenizer(request.param, lines, vocabulary=300)
    torch.manual_seed(1)
    settings = TransformerSettings(**SHAPE, tying="none")
    model = build_model(settings, (len(source), len(target)), shared=False).eval()
    with torch.no_grad():  # without noise, each text gets the same translation
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
        model.projection.weight[FIRST_BYTE:FIRST_PIECE] *= 0.01
    save_bundle(run / "model", Bundle(model, source, target))
    convert(run, sentences=4)
    search = SearchSettings(beam=1, max_length=LIMIT)
    found = Translator([model], source, target).translate(TEXTS, search)
    return run / "onnx", [one.text for one in found]


def outputs(command: list[str], place: Path, **environment: str) -> list[str]:
    return [
        subprocess.run(
            [*command, str(place), text],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
        ).stdout.rstrip("\n")
        for text in TEXTS
    ]


def test_the_program_in_python(translated):
    place, wanted = translated
    assert len(set(wanted)) > 1
    assert outputs([sys.executable, str(EXAMPLES / "onnx_translate.py")], place) == wanted


def test_the_program_in_javascript(translated, tmp_path):
    place, wanted = translated
    node = shutil.which("node")
    packages = Path(os.environ.get("NODE_PATH", "node_modules"))
    if node is None or not (packages / "onnxruntime-web").exists():
        pytest.skip("needs Node.js, and onnxruntime-web in the directory NODE_PATH")
    (tmp_path / "node_modules").symlink_to(packages.absolute())  # ES modules ignore NODE_PATH
    program = shutil.copy(EXAMPLES / "onnx_translate.mjs", tmp_path)
    assert outputs([node, str(program)], place) == wanted


def test_the_program_in_python_ends_with_a_message_for_other_units(tmp_path):
    lines = ("a b c", "c b a d")
    for name, units in (("source", "chars"), ("target", "bpe")):
        text = train_tokenizer(units, lines, vocabulary=300).to_json()
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    command = [sys.executable, str(EXAMPLES / "onnx_translate.py"), str(tmp_path), "a"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines() == [
        "This program needs a source in chars, and a target in chars or phonemes."
    ]
