"""Convert, then translate with another engine: the same interface, the same answers."""

import json
import re
from pathlib import Path

import pytest

from toy_runs import batch_sizes, toy_bundle, toy_run
from whyformer.bundle import save_bundle
from whyformer.interop.engine import CTranslate2Translator
from whyformer.workflows import engine_table, engines

pytest.importorskip("ctranslate2", reason="this platform has no wheel")
pytestmark = pytest.mark.usefixtures("unchecked")

TEXT = "c b a\n\na b\nf g h i\n  \ne"


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    """Return a run with a conversion; not to be changed."""
    from whyformer.interop.convert import convert

    run = toy_run(tmp_path_factory.mktemp("converted") / "run", seed=3)
    convert(run, sentences=4)
    return run


@pytest.fixture
def searched(monkeypatch) -> list[int]:
    """Return a list that grows by the lines of each batch that CTranslate2 searched."""
    return batch_sizes(CTranslate2Translator, monkeypatch)


def test_convert_says_what_it_measured(cli, own_run, tmp_path):
    said = cli("convert", own_run, "--to", "ctranslate2", "--sentences", 3)
    assert said.code == 0
    assert "Comparing 3 random sentences" in said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("token probabilities: differ by at most ")
    assert lines[1].startswith("greedy: 3 of 3 the same") or "diverging at a tie" in lines[1]
    assert lines[2].startswith("beam 2, length penalty 0: ")
    assert lines[-1] == f"conversion: {own_run / 'ctranslate2'}"
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a b\tb a\nc\tc\n", encoding="utf-8")
    out = tmp_path / "deep" / "out"
    said = cli("convert", own_run, "--pairs", pairs, "--out", out, "--json")
    found = json.loads(said.out)
    assert (found["sentences"], found["compared_on"]) == (2, "sentences given")
    assert found["directory"] == str(out)
    assert (out / "model.bin").exists()


def test_convert_asked_wrongly(cli, own_run, tmp_path):
    assert "`onx` is not a format" in cli("convert", own_run, "--to", "onx").sentence
    assert "must be none or int8" in cli("convert", own_run, "--quantize", "int4").sentence
    assert "does not exist" in cli("convert", tmp_path / "nowhere").sentence
    assert "exists and is not a conversion" in cli("convert", own_run, "--out", own_run).sentence
    cosine = toy_run(tmp_path / "cosine", score_scale="cosine")
    assert "`model.score_scale` is cosine: " in cli("convert", cosine).sentence


@pytest.mark.parametrize(
    "options",
    [["--beam", 1], ["--beam", 1, "--json"], ["--beam", 1, "--max-length", 2], ["--nbest", 2]],
    ids=str,
)
def test_the_same_lines_whichever_engine(cli, converted, searched, options):
    by_torch = cli("translate", converted, "--engine", "torch", *options, stdin=TEXT)
    assert searched == []
    for engine in ("auto", "ctranslate2"):
        found = cli("translate", converted, "--engine", engine, *options, stdin=TEXT)
        assert (found.code, found.trouble) == (0, "")
        assert len(found.out.splitlines()) == len(by_torch.out.splitlines())
        if "--json" in options:
            rows = zip(found.out.splitlines(), by_torch.out.splitlines(), strict=True)
            for mine, other in ((json.loads(a), json.loads(b)) for a, b in rows):
                assert mine.pop("score") == pytest.approx(other.pop("score"), abs=1e-4)
                scores = [
                    [(one.pop("score"), one.pop("log_probability")) for one in row["hypotheses"]]
                    for row in (mine, other)
                ]
                for a, b in zip(*scores, strict=True):
                    assert a == pytest.approx(b, abs=1e-4)
                assert mine == other
        elif "--nbest" not in options:
            assert found.out == by_torch.out
    assert sum(searched) == 8


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--sample"], "not sampling. Use --engine torch"),
        (["--groups", 2, "--beam", 4], "not diverse groups"),
        (["--min-length", 2], "not a minimum length"),
        (["--no-repeat-ngram", 2], "not a ban on repeated n-grams"),
        (["--prefix", "a"], "not a prefix"),
        (["--alignments", "/dev/null"], "does not support --alignments"),
    ],
    ids=str,
)
def test_what_it_cannot_do_is_left_to_torch_or_refused(cli, converted, searched, options, reason):
    said = cli("translate", converted, "--engine", "ctranslate2", *options, stdin=TEXT)
    assert reason in said.sentence
    said = cli("translate", converted, *options, stdin=TEXT)
    assert (said.code, said.trouble, searched) == (0, "", [])


def test_ensembles_devices_and_runs_without_conversion(cli, converted, run, searched, monkeypatch):
    said = cli("translate", converted, run, "--engine", "ctranslate2", stdin=TEXT)
    assert "supports one run, not an ensemble" in said.sentence
    said = cli("translate", run, "--engine", "ctranslate2", stdin=TEXT)
    assert said.sentence == (
        f"`{run}` contains no conversion. Make one with: whyformer convert {run} --to ctranslate2"
    )
    said = cli("translate", run / "nowhere", "--engine", "ctranslate2", stdin=TEXT)
    assert "does not exist" in said.sentence
    assert "is not an engine" in cli("translate", run, "--engine", "onx", stdin=TEXT).sentence
    assert cli("translate", run, stdin=TEXT).trouble == ""
    device = type("D", (), {"type": "cuda"})
    monkeypatch.setattr("whyformer.foundation.devices.choose_device", lambda name: device)
    said = cli("translate", converted, "--device", "cuda", "--engine", "ctranslate2", stdin=TEXT)
    assert "needs the CPU" in said.sentence
    assert searched == []


def test_without_the_package_torch_translates(cli, converted, searched, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    said = cli("translate", converted, stdin=TEXT)
    assert (said.code, said.trouble, searched) == (0, "", [])
    said = cli("translate", converted, "--engine", "ctranslate2", stdin=TEXT)
    assert "pip install ctranslate2" in said.sentence


def test_a_stale_conversion_is_told_and_not_used(cli, own_run, searched):
    assert cli("convert", own_run, "--sentences", 2).code == 0
    save_bundle(own_run / "model", toy_bundle(seed=9))
    searched.clear()
    said = cli("translate", own_run, stdin=TEXT)
    assert (said.code, searched) == (0, [])
    assert said.trouble == (
        f"whyformer: The conversion in `{own_run / 'ctranslate2'}` is out of date, because the run "
        f"has changed. Convert it again with: whyformer convert {own_run} --to ctranslate2. "
        "The torch engine is used.\n"
    )
    assert said.out == cli("translate", own_run, "--engine", "torch", stdin=TEXT).out
    said = cli("translate", own_run, "--engine", "ctranslate2", stdin=TEXT)
    assert "is out of date, because the run has changed" in said.sentence


def test_a_conversion_that_stands_alone(cli, converted, searched, tmp_path):
    out = tmp_path / "alone"
    assert cli("convert", converted, "--out", out, "--sentences", 2).code == 0
    searched.clear()
    said = cli("translate", out, "--text", "c b a")
    assert said.out == cli("translate", converted, "--text", "c b a").out
    assert sum(searched) == 2
    assert "is a conversion without a run" in cli("translate", out, "--engine", "torch").sentence
    assert "not sampling" in cli("translate", out, "--sample", "--text", "a").sentence


def test_compare_prints_a_row_for_each_engine_and_changes_nothing_in_the_run(
    cli, converted, tmp_path, monkeypatch
):
    monkeypatch.setattr(engine_table, "ALONE", 1)
    before = {file: file.stat().st_mtime_ns for file in converted.rglob("*")}
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a b\tb a\nc\tc\nf g\tg f\n", encoding="utf-8")
    said = cli("convert", converted, "--compare", "--pairs", pairs)
    lines = said.out.splitlines()
    assert lines[0].split() == [
        "engine", "weights", "search", "size", "quality", "on", "dev", "one", "sentence", "batches",
        "of", "64",
    ]  # fmt: skip
    kinds = [(e, s) for e in ("torch float32", "ctranslate2 float32") for s in ("beam 2", "greedy")]
    for name, search in kinds:
        (line,) = [one for one in lines if " ".join(one.split()).startswith(f"{name} {search} ")]
        assert re.search(r"MiB  chrf [0-9.]+.*[0-9.]+ ms +[0-9.]+ sentences/s", line)
    # With random weights, it depends on the processor whether int8 is accurate enough.
    assert any(" ".join(one.split()).startswith("ctranslate2 int8") for one in lines)
    assert "torch int8: The model has no matrix that is large enough." in lines
    assert {file: file.stat().st_mtime_ns for file in converted.rglob("*")} == before
    rows = json.loads(cli("convert", converted, "--compare", "--pairs", pairs, "--json").out)[
        "rows"
    ]
    for search in ("beam 2", "greedy"):
        some = [row for row in rows if (row["weights"], row["search"]) == ("float32", search)]
        scores = [row["score"]["value"] for row in some if row["score"]]
        assert len(scores) >= 2
        assert max(scores) - min(scores) < 1e-6  # the same translations
    assert (
        "has no effect with `--compare`"
        in cli("convert", converted, "--compare", "--to", "onnx").sentence
    )
    assert "has no dev set to compare engines on" in cli("convert", converted, "--compare").sentence
