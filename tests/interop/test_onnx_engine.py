"""A conversion to ONNX passes the parity check, and translates as the torch engine does."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from toy_runs import toy_bundle, toy_run
from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import BundleError, MissingExtraError, UsageError
from whyformer.interop.conversion import find_conversion, is_stale, read_record
from whyformer.interop.convert import ParityError
from whyformer.interop.onnx import session
from whyformer.interop.onnx.export import convert
from whyformer.interop.onnx.graph import Graph
from whyformer.interop.onnx.session import Session
from whyformer.interop.onnx.translator import OnnxTranslator
from whyformer.models.gpt import GPT, GPTSettings

pytest.importorskip("onnx", reason='needs pip install "whyformer[export]"')
pytest.importorskip("onnxruntime", reason='needs pip install "whyformer[export]"')
pytestmark = pytest.mark.usefixtures("unchecked")

LINES = ["c b a", "", "a b", "f g h i j a b c d e", "   ", "e", "a b c d e f g h i j a b c d e f"]
PAIRS = [("a b c", "c b a"), ("e f", "f e"), ("", "x"), ("g h i j", "j i h g")]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return a run with a conversion; not to be changed."""
    run = toy_run(tmp_path_factory.mktemp("onnx") / "run", 3, shared=False)
    convert(run, sentences=4)
    return run


@pytest.fixture(scope="module")
def both(run) -> tuple[Translator, OnnxTranslator]:
    loaded = load_bundle(run)
    translator = Translator([loaded.model], loaded.source_tokenizer, loaded.target_tokenizer)
    return translator, OnnxTranslator(run / "onnx", threads=1)


def test_a_conversion_holds_all_that_is_needed(run, tmp_path):
    assert {file.name for file in (run / "onnx").iterdir()} == {
        "encoder.onnx", "decoder.onnx", "whyformer.json", "source.json", "target.json"
    }  # fmt: skip
    record = read_record(run / "onnx")
    assert (record.engine, record.family, record.rows) == ("onnx", "transformer", None)
    assert record.gate["greedy_same"] + record.gate["greedy_ties"] == 4
    moved = shutil.copytree(run / "onnx", tmp_path / "moved")
    assert find_conversion(moved, "onnx") == moved
    assert find_conversion(moved) is None
    assert find_conversion(run, "onnx") == run / "onnx"
    assert not is_stale(run, record)


SEARCHES: list[dict[str, Any]] = [
    {"beam": 1},
    {"beam": 3, "nbest": 3, "length_penalty": 0.6},
    {"beam": 4, "groups": 2, "no_repeat_ngram": 2},
    {"beam": 2, "min_length": 3},
    {"method": "sample", "nbest": 2, "seed": 4},
]


@pytest.mark.parametrize("changes", SEARCHES, ids=str)
def test_every_search_gives_the_hypotheses_of_torch(both, changes):
    settings = SearchSettings(max_length_extra=3, max_length_ratio=0.5, **changes)
    translator, engine = both
    for ours, theirs in zip(
        translator.translate(LINES, settings), engine.translate(LINES, settings), strict=True
    ):
        assert theirs.text == ours.text
        for (_, a), (_, b) in zip(ours.hypotheses, theirs.hypotheses, strict=True):
            assert (b.tokens, b.finished) == (a.tokens, a.finished)
            assert b.log_probability == pytest.approx(a.log_probability, abs=1e-4)


def test_prefixes_and_scores_are_those_of_torch(both):
    translator, engine = both
    texts = ["a b", "c"]
    found = [one.translate(texts, prefixes=["a", "b"]) for one in both]
    assert [one.text for one in found[0]] == [one.text for one in found[1]]
    assert all(one.text.startswith(text) for one, text in zip(found[1], "ab", strict=True))
    ours, theirs = translator.score(texts, ["b a", "c c"]), engine.score(texts, ["b a", "c c"])
    for a, b in zip(ours, theirs, strict=True):
        assert a is not None
        assert b is not None
        assert b.tokens == pytest.approx(a.tokens, abs=1e-4)


def test_the_weights_of_attention_are_not_computed(both):
    _, engine = both
    with pytest.raises(LookupError, match="no attention weights"):
        engine.models[0].source_weights(None, None, None)


def test_the_threads_are_those_requested(run, monkeypatch):
    opened = []

    class Options:
        """Settings of a session."""

    class Runtime:
        """A runtime that only notes how it was opened."""

        SessionOptions = Options

        @staticmethod
        def InferenceSession(path, options, providers):  # noqa: N802
            opened.append((options.intra_op_num_threads, options.inter_op_num_threads, providers))
            return type("S", (), {"get_inputs": lambda s: [], "get_outputs": lambda s: []})()

    monkeypatch.setattr(session, "library", lambda: Runtime)
    Session(run / "onnx" / "decoder.onnx", 3)
    assert opened == [(3, 1, ["CPUExecutionProvider"])]


def test_learned_positions_end_where_the_run_itself_ends(tmp_path):
    run = toy_run(tmp_path, 5, positions="learned", max_length=9)
    assert convert(run, sentences=3).record.rows == 9
    loaded = load_bundle(run)
    translator = Translator([loaded.model], loaded.source_tokenizer, loaded.target_tokenizer)
    engine = OnnxTranslator(run / "onnx", threads=1)
    texts = ["a b c d e f g h i j", "c b a"]
    ours, theirs = translator.translate(texts), engine.translate(texts)
    assert [one.text for one in theirs] == [one.text for one in ours]
    assert [one.source_truncated for one in theirs] == [True, False]


def test_a_damaged_graph_does_not_pass_the_check(run, tmp_path, monkeypatch):
    copied = shutil.copytree(run, tmp_path / "run")
    op = Graph.op

    def damaged(self: Graph, kind: str, *inputs: str, **attributes: Any) -> str:
        found = op(self, kind, *inputs, **attributes)
        return op(self, "Mul", found, self.constant(1.3)) if kind == "Softmax" else found

    monkeypatch.setattr(Graph, "op", damaged)
    with pytest.raises(ParityError, match="is not kept: ln P of a token differs by"):
        convert(copied, sentences=8)
    assert read_record(copied / "onnx") == read_record(run / "onnx")


def test_int8_is_evaluated_by_its_translations(run, tmp_path):
    with pytest.raises(UsageError, match="dev set of this run is not available"):
        convert(run, quantization="int8", out=tmp_path / "int8")
    done = convert(run, quantization="int8", pairs=PAIRS, out=tmp_path / "int8")
    assert read_record(done.directory).quantization == "int8"
    assert done.parity.chrf is not None
    sizes = [(place / "decoder.onnx").stat().st_size for place in (done.directory, run / "onnx")]
    assert sizes[0] < sizes[1]


def test_a_language_model_is_compared_on_its_continuations(tmp_path, monkeypatch):
    tokenizer = toy_bundle().source_tokenizer
    settings = GPTSettings(layers=1, d_model=16, heads=2, d_ff=24, max_length=48)
    model = GPT(settings, (len(tokenizer), len(tokenizer))).eval()
    save_bundle(tmp_path / "model", Bundle(model, tokenizer, tokenizer))
    done = convert(tmp_path, sentences=4)
    assert (done.record.family, done.record.rows, done.parity.sentences) == ("gpt", 48, 4)
    with pytest.raises(UsageError, match="`gpt`, which does not translate"):
        OnnxTranslator(done.directory)


def test_a_damaged_file_is_one_sentence(run, tmp_path):
    copied = shutil.copytree(run / "onnx", tmp_path / "onnx")
    path = copied / "decoder.onnx"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BundleError, match="is damaged"):
        OnnxTranslator(copied)
    with pytest.raises(BundleError, match=r"cannot be used .* Run `whyformer convert` again"):
        Session(path, 1)


def test_the_results_are_json(run, tmp_path):
    done = convert(run, sentences=2, out=tmp_path / "again", attention=True)
    assert json.loads(json.dumps(done.to_json()))["sentences"] == 2
    assert "source_attention_1" in Session(tmp_path / "again" / "decoder.onnx", 1).outputs


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named_before_anything_is_written(run, tmp_path, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"whyformer\[export\]"):
        convert(run, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
