"""A conversion is kept only when it computes what the run computes, and known when it is stale."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tiny import gpt
from toy_runs import LINES, toy_bundle, toy_run
from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.data.corpus import build_corpus
from whyformer.data.reading import Pair
from whyformer.foundation.errors import OutputError, UsageError
from whyformer.interop import gate
from whyformer.interop.conversion import (
    find_conversion,
    fingerprint,
    is_stale,
    read_record,
    stands_alone,
)
from whyformer.interop.convert import ParityError, convert
from whyformer.interop.ctranslate2 import Weights
from whyformer.interop.gate import CHRF_LIMIT, TOLERANCE, Parity
from whyformer.models.gpt import GPT, GPTSettings

pytest.importorskip("ctranslate2", reason="this platform has no wheel")
pytestmark = pytest.mark.usefixtures("unchecked")  # the gate is many small searches

PAIRS = [("a b c", "c b a"), ("e f", "f e"), ("", "x"), ("g h i j", "j i h g")]


@pytest.fixture
def run(tmp_path):
    return toy_run(tmp_path / "run")


def test_a_conversion_holds_all_that_is_needed(run, tmp_path):
    done = convert(run, sentences=5)
    assert done.directory == run / "ctranslate2" == find_conversion(run)
    assert {file.name for file in done.directory.iterdir()} >= {
        "model.bin", "config.json", "whyformer.json", "source.json"
    }  # fmt: skip
    record = read_record(done.directory)
    assert record == done.record
    assert record.facts == load_bundle(run).facts
    assert record.fingerprint == fingerprint(run)
    assert (record.family, record.quantization) == ("transformer", "none")
    assert record.gate["greedy_same"] + record.gate["greedy_ties"] == 5
    assert done.origin == "random sentences"
    moved = tmp_path / "moved"
    done.directory.rename(moved)
    assert find_conversion(run) is None
    assert find_conversion(moved) == moved
    assert stands_alone(moved)
    assert not is_stale(moved, record)


def test_positions_reach_as_far_as_the_run_may_search(tmp_path):
    bundle = toy_bundle(max_length=70)
    facts = {"decoding": {"beam": 1, "max_length_ratio": 3.0, "max_length_extra": 5}}
    save_bundle(
        tmp_path / "a" / "model", Bundle(bundle.model, *[bundle.source_tokenizer] * 2, facts)
    )
    assert convert(tmp_path / "a", sentences=2).record.rows == 216  # and eos
    learned = toy_run(tmp_path / "b", positions="learned", max_length=70)
    assert convert(learned, sentences=2).record.rows == 70
    rotary = toy_run(tmp_path / "c", positions="rotary", max_length=70)
    assert convert(rotary, sentences=2).record.rows is None


@pytest.mark.parametrize("change", ["weights", "settings", "tokenizer"])
def test_a_stale_conversion_is_noticed(run, change):
    record = convert(run, sentences=2).record
    assert not is_stale(run, record)
    if change == "weights":
        save_bundle(run / "model", toy_bundle(seed=1))
    else:
        file = run / "model" / {"settings": "config.json", "tokenizer": "source.json"}[change]
        file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert is_stale(run, record)


def test_the_gate_compares_on_the_dev_set_of_the_run(run):
    bundle = load_bundle(run)
    tokenizers = (bundle.source_tokenizer, bundle.target_tokenizer)
    pairs = [Pair(number, line, line) for number, line in enumerate(LINES, start=1)]
    build_corpus(pairs, *tokenizers, run / "corpus-dev")
    done = convert(run, sentences=3)
    assert (done.origin, done.parity.sentences) == ("dev sentences", 3)
    assert done.parity.chrf is not None
    assert done.parity.chrf[0] == pytest.approx(done.parity.chrf[1], abs=0.1)


def test_pairs_may_be_given(run):
    done = convert(run, pairs=PAIRS)
    assert (done.origin, done.parity.sentences) == ("sentences given", 3)
    with pytest.raises(UsageError, match="at least one pair"):
        convert(run, pairs=[("", "x"), ("y", " ")])


DAMAGES = ["encoder.layers.0.self_attention.project_value.weight", "decoder.embedding.weight",
           "decoder.final_norm.bias"]  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_weight_does_not_pass_the_gate(run, name, monkeypatch):
    kept = convert(run, sentences=4)
    take = Weights.take

    def damaged(self: Weights, wanted: list[str]) -> np.ndarray:
        array = take(self, wanted).copy()
        if name in wanted:
            array[..., 0] += 3.0
        return array

    monkeypatch.setattr(Weights, "take", damaged)
    with pytest.raises(
        ParityError, match=r"is not kept: ln P of a token differs by .* 0\.001"
    ) as e:
        convert(run, sentences=30)
    assert e.value.exit_code == 1
    assert read_record(run / "ctranslate2") == kept.record
    assert [file.name for file in run.iterdir() if file.name.endswith(".tmp")] == []


def parity(**changes) -> Parity:
    whole = {"sentences": 9, "tokens": 90, "difference": 1e-6, "greedy_same": 9, "greedy_ties": 0}
    return Parity(**{**whole, **changes})


def test_the_verdict_of_the_gate():
    assert parity().faults(quantized=False) == []
    assert parity(greedy_same=8, greedy_ties=1).faults(quantized=False) == []
    assert parity(beam_same=0, beam_worse=9).faults(quantized=False) == []
    (fault,) = parity(greedy_same=8).faults(quantized=False)
    assert fault == "1 of 9 greedy translations differs"
    (fault,) = parity(difference=2 * TOLERANCE).faults(quantized=False)
    assert fault == "ln P of a token differs by 0.002 nats, and the limit is 0.001"
    assert parity(difference=float("nan")).faults(quantized=False)
    assert (
        parity(difference=1.0, greedy_same=0, chrf=(50.0, 50.0 - CHRF_LIMIT)).faults(quantized=True)
        == []
    )
    (fault,) = parity(chrf=(50.0, 49.25)).faults(quantized=True)
    assert fault == "it loses 0.75 points of chrF, and the limit is 0.5"
    assert "no references" in parity().faults(quantized=True)[0]


def test_what_the_gate_shows_to_people():
    shown = parity(greedy_same=8, greedy_ties=1, beam="beam 4, length penalty 0.6", beam_same=7,
                   beam_better=2, chrf=(50.0, 49.9)).lines(quantized=False)  # fmt: skip
    assert shown == [
        "token probabilities: differ by at most 1.0e-06 nats (90 tokens)",
        "greedy: 8 of 9 the same, 1 diverging at a tie",
        "beam 4, length penalty 0.6: 7 of 9 the same best hypothesis; 2 score higher, 0 lower than "
        "with torch",
        "chrF: torch 50.00, converted 49.90",
    ]
    assert "higher" not in parity(beam="beam 4").lines(quantized=True)[-1]


def test_a_tie_is_where_both_tokens_are_as_probable():
    def score(pairs: gate.Pairs) -> list[list[float]]:
        return [[-1.0 - (0.0005 if ids[-1] == 8 else 0.0) for _ in ids] for _, ids in pairs]

    ours, tie, longer = [5, 7, 2], [5, 8, 9, 2], [5, 7, 2, 2]
    found = gate._compare([[1]] * 3, [ours] * 3, [ours, tie, longer], score, score)
    assert (found["greedy_same"], found["greedy_ties"], found["difference"]) == (1, 1, 0.0)


def test_int8_is_judged_by_chrf(run, monkeypatch):
    with pytest.raises(UsageError, match="dev set of this run is not available"):
        convert(run, quantization="int8")
    assert not (run / "ctranslate2").exists()

    class Judged:
        """A report of what the two would score."""

        scores = {
            "torch": [SimpleNamespace(value=50.0)],
            "converted": [SimpleNamespace(value=49.4)],
        }

    with monkeypatch.context() as patched:
        patched.setattr(gate, "evaluate_texts", lambda *texts, **settings: Judged)
        with pytest.raises(ParityError, match=r"it loses 0\.60 points of chrF"):
            convert(run, quantization="int8", pairs=PAIRS)
        Judged.scores["converted"] = [SimpleNamespace(value=49.6)]
        done = convert(run, quantization="int8", pairs=PAIRS)
    record = read_record(done.directory)
    assert record.quantization == "int8"
    assert record.gate["chrf"] == [50.0, 49.6]
    whole = convert(run, pairs=PAIRS, out=run / "whole").directory
    sizes = [(place / "model.bin").stat().st_size for place in (done.directory, whole)]
    assert sizes[0] < sizes[1]


def test_wrong_questions(run, tmp_path):
    with pytest.raises(UsageError, match="must be none or int8, but is int4"):
        convert(run, quantization="int4")
    with pytest.raises(UsageError, match="must be at least 1, but is 0"):
        convert(run, sentences=0)
    other = tmp_path / "precious"
    other.mkdir()
    (other / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="exists and is not a conversion"):
        convert(run, out=other)
    assert (other / "file").read_text(encoding="utf-8") == "mine"
    refused = toy_run(tmp_path / "refused", score_scale="cosine")
    with pytest.raises(UsageError, match="one gain for all heads"):
        convert(refused)
    assert not (refused / "ctranslate2").exists()


def language_run(directory, **changes):
    tokenizer = toy_bundle().source_tokenizer
    small = {"layers": 2, "d_model": 16, "heads": 2, "d_ff": 24, "dropout": 0.0, "max_length": 64}
    torch.manual_seed(5)
    model = GPT(GPTSettings(**{**small, **changes}), (len(tokenizer), len(tokenizer)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_bundle(directory / "model", Bundle(model.eval(), tokenizer, tokenizer))
    return directory


def test_a_language_model_is_compared_on_its_continuations(tmp_path, monkeypatch):
    run = language_run(tmp_path / "gpt")
    done = convert(run, sentences=6)
    assert (done.origin, done.record.family) == ("random prompts", "gpt")
    assert done.parity.tokens > 6
    with pytest.raises(UsageError, match="a language model does not translate"):
        convert(run, quantization="int8")
    monkeypatch.setattr(Weights, "fold_gains", lambda self: self.scale(["projection.weight"], 1.5))
    with pytest.raises(ParityError):
        convert(run, sentences=6)


def test_a_short_language_model_has_room_for_prompt_and_answer(tmp_path):
    assert gpt().settings.max_length == 128
    assert convert(language_run(tmp_path / "gpt", max_length=6), sentences=3).parity.tokens


def test_what_is_printed_as_json_is_json(run):
    done = convert(run, sentences=2)
    assert json.loads(json.dumps(done.to_json()))["sentences"] == 2
