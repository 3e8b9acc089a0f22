"""Convert to ONNX, then translate with it: the same lines as with torch."""

import json
import shutil
from pathlib import Path

import pytest

from toy_runs import batch_sizes, toy_bundle, toy_run
from whyformer.bundle import save_bundle
from whyformer.interop.onnx.translator import OnnxTranslator
from whyformer.workflows import engines

pytest.importorskip("onnx", reason='needs pip install "whyformer[export]"')
pytest.importorskip("onnxruntime", reason='needs pip install "whyformer[export]"')
pytestmark = pytest.mark.usefixtures("unchecked")

TEXT = "c b a\n\na b\nf g h i\n  \ne"
ONNX = ("--engine", "onnx")


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    """Return a run with a conversion; not to be changed."""
    from whyformer.interop.onnx.export import convert

    run = toy_run(tmp_path_factory.mktemp("onnx") / "run", seed=3)
    convert(run, sentences=2)
    return run


@pytest.fixture
def searched(monkeypatch) -> list[int]:
    """Return a list that grows by the lines of each batch that ONNX Runtime searched."""
    return batch_sizes(OnnxTranslator, monkeypatch)


def test_convert_and_its_flags(cli, own_run):
    said = cli("convert", own_run, "--to", "onnx", "--sentences", 2, "--attention", "--json")
    assert json.loads(said.out)["directory"] == str(own_run / "onnx")
    sentence = cli("convert", own_run, "--attention").sentence
    assert sentence == "`--attention` has no effect with `--to ctranslate2`. Leave it out."


@pytest.mark.parametrize(
    "options",
    [["--beam", 1], ["--nbest", 2], ["--prefix", "a"], ["--sample", "--seed", 3]],
    ids=str,
)
def test_the_same_lines_with_both_engines(cli, converted, searched, options):
    by_torch = cli("translate", converted, "--engine", "torch", *options, stdin=TEXT)
    assert searched == []
    found = cli("translate", converted, *ONNX, *options, stdin=TEXT)
    assert (found.code, found.trouble) == (0, "")
    assert [line.split("\t")[-1] for line in found.out.splitlines()] == [
        line.split("\t")[-1] for line in by_torch.out.splitlines()
    ]
    assert sum(searched) == 4


def test_evaluate_translates_with_it(cli, converted, searched, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a b\tb a\nc\tc\n", encoding="utf-8")
    scores = [
        json.loads(cli("evaluate", converted, "--pairs", pairs, "--engine", one, "--json").out)
        for one in ("torch", "onnx")
    ]
    assert scores[0] == scores[1]
    assert sum(searched) == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--alignments", "/dev/null"], "The onnx engine does not support --alignments. Use"),
        (["--coverage-penalty", 0.2], "The onnx engine does not support a coverage penalty. Use"),
        (["--weights", "int8"], "--to onnx --quantize int8"),
        (["--device", "cuda"], "needs the CPU. Use --device cpu"),
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(cli, converted, searched, options, reason, monkeypatch):
    if "cuda" in options:
        device = type("D", (), {"type": "cuda"})
        monkeypatch.setattr("whyformer.foundation.devices.choose_device", lambda name: device)
    assert reason in cli("translate", converted, *ONNX, *options, stdin=TEXT).sentence
    assert searched == []


def test_runs_without_a_conversion_and_without_the_package(cli, converted, run, monkeypatch):
    assert cli("translate", run, *ONNX, stdin=TEXT).sentence == (
        f"`{run}` contains no conversion to onnx. Make one with: whyformer convert {run} --to onnx"
    )
    said = cli("translate", converted, run, *ONNX, stdin=TEXT)
    assert "The onnx engine supports one run, not an ensemble" in said.sentence
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert "whyformer[export]" in cli("translate", converted, *ONNX, stdin=TEXT).sentence


def test_a_conversion_without_its_run_translates_with_its_engine(
    cli, converted, searched, tmp_path
):
    alone = shutil.copytree(converted / "onnx", tmp_path / "alone")
    said = cli("translate", alone, "--text", "c b a")
    assert said.out == cli("translate", converted, "--engine", "torch", "--text", "c b a").out
    assert sum(searched) == 1
    assert "is a conversion without a run" in cli("translate", alone, "--engine", "torch").sentence


def test_a_stale_conversion_is_an_error(cli, converted, tmp_path):
    own = shutil.copytree(converted, tmp_path / "run")
    save_bundle(own / "model", toy_bundle(seed=9))
    said = cli("translate", own, *ONNX, stdin=TEXT)
    assert "is out of date, because the run has changed" in said.sentence
    assert said.sentence.endswith(f"whyformer convert {own} --to onnx.")


def test_score_uses_it(cli, converted, tmp_path):
    for name, text in (("source", "a b\nc\n"), ("target", "b a\nc c\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = ["--source", tmp_path / "source", "--target", tmp_path / "target", "--json"]
    ours, theirs = (
        json.loads(cli("score", converted, *files, "--engine", one).out)
        for one in ("torch", "onnx")
    )
    assert theirs["log_probability"] == pytest.approx(ours["log_probability"], abs=1e-3)
