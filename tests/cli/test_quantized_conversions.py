"""A quantized conversion is used only by a command that asks for it, and `doctor` reads all."""

import json
from pathlib import Path

import pytest

import whyformer
from toy_runs import batch_sizes, toy_run
from whyformer.interop.engine import CTranslate2Translator

pytest.importorskip("ctranslate2", reason="this platform has no wheel")
pytestmark = pytest.mark.usefixtures("unchecked")

PAIRS = [("a b", "z"), ("c", "z"), ("f g", "z")]
"""References that no translation resembles, so that rounding loses no chrF."""
TEXT = "c b a\n\na b\nf g h i\n"
UNUSED = "is not used, because its weights are int8. To use it, give --engine ctranslate2."


@pytest.fixture(scope="module")
def rounded(tmp_path_factory) -> Path:
    """Return a run with an int8 conversion; not to be changed."""
    from whyformer.interop.convert import convert

    run = toy_run(tmp_path_factory.mktemp("rounded") / "run", seed=3)
    convert(run, quantization="int8", pairs=PAIRS)
    return run


@pytest.fixture
def searched(monkeypatch) -> list[int]:
    """Return a list that grows by the lines of each batch that CTranslate2 searched."""
    return batch_sizes(CTranslate2Translator, monkeypatch)


@pytest.fixture
def files(tmp_path) -> list[str]:
    """Return the options for a file of sources and a file of references."""
    for name, side in (("source", 0), ("target", 1)):
        lines = "".join(f"{pair[side]}\n" for pair in PAIRS)
        (tmp_path / name).write_text(lines, encoding="utf-8")
    return [f"--source={tmp_path / 'source'}", str(tmp_path / "target")]


@pytest.mark.parametrize("options", [[], ["--weights", "float32"]], ids=str)
def test_without_a_request_translate_computes_in_full_precision_and_says_so(
    cli, rounded, searched, options
):
    by_torch = cli("translate", rounded, "--engine", "torch", "--json", stdin=TEXT)
    found = cli("translate", rounded, "--json", *options, stdin=TEXT)
    assert (found.code, found.out, searched) == (0, by_torch.out, [])
    assert found.err.count(UNUSED) == 1
    assert UNUSED not in by_torch.err


def test_evaluate_score_and_python_do_not_use_it_either(cli, rounded, searched, files, caplog):
    source, target = files
    for command, option in (("evaluate", "--references"), ("score", "--target")):
        by_torch = cli(command, rounded, source, option, target, "--engine", "torch")
        found = cli(command, rounded, source, option, target)
        assert (found.code, found.out) == (0, by_torch.out)
        assert found.err.count(UNUSED) == 1
    assert whyformer.load(rounded).translate(["a b"]) == (
        whyformer.load(rounded, engine="torch").translate(["a b"])
    )
    assert UNUSED in caplog.text
    assert searched == []


def test_a_request_for_the_engine_uses_it_and_names_the_weights(cli, rounded, searched, files):
    source, target = files
    named = f"The conversion `{rounded / 'ctranslate2'}` is used, whose weights are int8."
    said = cli("translate", rounded, "--engine", "ctranslate2", stdin=TEXT)
    assert (said.code, sum(searched), said.err.count(named)) == (0, 3, 1)
    evaluated = ("evaluate", rounded, source, "--references", target)
    said = cli(*evaluated, "--engine", "ctranslate2")
    assert (said.code, sum(searched), said.err.count(named)) == (0, 6, 1)


@pytest.mark.parametrize("options", [[], ["--engine", "ctranslate2"]], ids=str)
def test_a_request_for_its_weights_uses_it_without_a_message(cli, rounded, searched, options):
    said = cli("translate", rounded, "--weights", "int8", *options, stdin=TEXT)
    assert (said.code, said.trouble, sum(searched)) == (0, "", 3)


@pytest.mark.parametrize(
    ("command", "option", "lines"), [("evaluate", "--references", 3), ("score", "--target", 0)]
)
def test_evaluate_and_score_use_it_for_its_weights(
    cli, rounded, searched, files, command, option, lines
):
    source, target = files
    said = cli(command, rounded, source, option, target, "--weights", "int8")
    assert (said.code, sum(searched)) == (0, lines)
    assert "conversion" not in said.err
    exact = cli(command, rounded, source, option, target)
    assert (said.out == exact.out) == (command == "evaluate")
    wrong = cli(command, rounded, source, option, target, "--weights", "int9")
    assert wrong.code == 2
    assert "`int9` is not a data type of weights" in wrong.err


def test_what_it_cannot_search_is_done_by_torch_with_the_same_weights(cli, rounded, searched):
    said = cli("translate", rounded, "--weights", "int8", "--sample", stdin=TEXT)
    assert (said.code, searched) == (0, [])
    assert "Nothing is quantized" in said.err


@pytest.mark.parametrize("alone", [False, True])
def test_other_weights_than_those_of_a_named_conversion_are_refused(cli, rounded, alone):
    place = rounded / "ctranslate2"
    given = [place] if alone else [rounded, "--engine", "ctranslate2"]
    said = cli("translate", *given, "--weights", "float32", "--text", "a")
    assert said.sentence == (
        f"`--weights float32` was given, but the weights of the conversion `{place}` are int8. "
        "Make another conversion with: whyformer convert RUN --to ctranslate2 --quantize none"
    )


@pytest.mark.parametrize("engine", ["ctranslate2", "onnx"])
def test_doctor_finds_a_new_conversion_intact_and_a_changed_one_damaged(cli, own_run, engine):
    if engine == "onnx":
        pytest.importorskip("onnx", reason='needs pip install "whyformer[export]"')
        pytest.importorskip("onnxruntime", reason='needs pip install "whyformer[export]"')
    assert cli("convert", own_run, "--to", engine, "--sentences", 2).code == 0
    place = own_run / engine
    said = cli("doctor", own_run, "--json")
    assert (said.code, json.loads(said.out)["damaged"]) == (0, [])
    assert str(place) in json.loads(said.out)["intact"]
    with (place / "source.json").open("ab") as file:
        file.write(b" ")
    assert str(place / "whyformer.json") in cli("doctor", own_run).sentence
