"""Confidence and lexicon of `translate`: the order of the lines, and the origin of each answer."""

import json
import math

import pytest

from whyformer.bundle import load_bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.evaluation.calibration import Calibration
from whyformer.workflows.confidence import CALIBRATION, confidence_features, keep_calibration

LINES = ["c b a", "", "a b", "f g h i", "e"]
LEXICON = "a b\tfirst\na b\tfirst\na b\tsecond\n A  \tspaces\nf g h i\tx\n"


def answers(run):
    bundle = load_bundle(run)
    translator = Translator([bundle.model], bundle.source_tokenizer, bundle.target_tokenizer)
    settings = SearchSettings.model_validate(bundle.facts["decoding"])
    words = [f"{a} {b} {c}" for a in "abcd" for b in "abcd" for c in "efgh"]
    return translator.translate(words, settings), translator.translate(LINES, settings)


@pytest.fixture
def calibrated(own_run) -> Calibration:
    some, _ = answers(own_run)
    found = keep_calibration(own_run, some, [n % 3 == 0 for n in range(len(some))])
    assert found is not None
    return found


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text(LEXICON, encoding="utf-8")
    return path


def test_each_line_begins_with_the_calibrated_probability(cli, own_run, calibrated):
    said = cli("translate", own_run, "--confidence", stdin="\n".join(LINES))
    assert said.code == 0
    _, expected = answers(own_run)
    for line, answer in zip(said.out[:-1].split("\n"), expected, strict=True):
        confidence, _, text = line.partition("\t")
        assert text == answer.text
        if answer.text:
            p = calibrated.probabilities([confidence_features(answer)])[0]
            assert float(confidence) == pytest.approx(p, abs=1e-4)
        else:
            assert confidence == ""


@pytest.mark.parametrize("flags", [(), ("--nbest", "2"), ("--split-sentences",)])
def test_the_probabilities_of_the_tokens_multiply_to_that_of_the_text(cli, own_run, flags):
    said = cli(
        *("translate", own_run, "--json", "--token-confidence", *flags), stdin="\n".join(LINES)
    )
    target = load_bundle(own_run).target_tokenizer
    checked = 0
    for line in map(json.loads, said.out.splitlines()):
        for part in line.get("sentences") or [line]:
            for one in part["hypotheses"]:
                pieces = [piece for piece, _ in one["token_confidence"]]
                probabilities = [p for _, p in one["token_confidence"]]
                assert pieces == target.tokens([*one["tokens"], *[2] * one["finished"]])
                total = sum(map(math.log, probabilities))
                assert total == pytest.approx(one["log_probability"], abs=0.05)
                checked += len(pieces)
    assert checked > len(LINES)
    assert "Add --json." in cli("translate", own_run, "--token-confidence", stdin="a").sentence


def test_a_run_without_calibration_says_so_in_one_sentence(cli, own_run):
    said = cli("translate", own_run, "--confidence", "--text", "a b")
    assert "has no calibration" in said.sentence
    assert said.out == ""


def test_a_calibration_of_other_weights_or_a_damaged_one_is_refused(cli, own_run, calibrated):
    path = own_run / "model" / CALIBRATION
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace("weights", "weighed", 1), encoding="utf-8")
    assert "is damaged" in cli("translate", own_run, "--confidence", "--text", "a b").sentence
    state = json.loads(whole)
    state["weights"] = "0" * 64
    del state["seal"]
    from whyformer.foundation.integrity import sealed_text

    path.write_text(sealed_text(state), encoding="utf-8")
    said = cli("translate", own_run, "--confidence", "--text", "a b")
    assert "has no calibration" in said.sentence


def test_sources_of_the_lexicon_get_its_answer_and_the_others_a_translation(cli, own_run, lexicon):
    said = cli("translate", own_run, "--lexicon", lexicon, stdin="\n".join(LINES))
    expected = [answer.text for answer in answers(own_run)[1]]
    expected[2], expected[3] = "first", "x"
    assert said.out == "".join(f"{line}\n" for line in expected)
    assert "2 translations (lines 3, 4) taken from the lexicon." in said.err


def test_json_marks_the_answers_of_the_lexicon(cli, own_run, lexicon, calibrated):
    flags = ("--lexicon", lexicon, "--confidence", "--json")
    said = cli("translate", own_run, *flags, stdin="\n".join(LINES))
    found = [json.loads(line) for line in said.out.splitlines()]
    assert [one["source"] for one in found] == LINES
    assert [one["lexicon"] for one in found] == [[], [], ["first", "second"], ["x"], []]
    assert [one["confidence"] is None for one in found] == [False, True, True, True, False]
    plain = cli("translate", own_run, *flags[:-1], stdin="\n".join(LINES))
    assert plain.out.split("\n")[2] == "lexicon\tfirst"


def test_sources_are_compared_as_the_run_reads_them(cli, own_run, lexicon):
    said = cli("translate", own_run, "--lexicon", lexicon, "--text", "  A ", "--text", "a B")
    first, second = said.out.splitlines()
    assert first == "spaces"  # spaces at the ends do not count
    assert second != "first"  # this run distinguishes upper and lower case


def test_the_lexicon_training_needs_the_whole_run(cli, own_run):
    said = cli("translate", own_run, "--lexicon", "training", "--text", "a")
    assert "Give the whole directory that `whyformer train` wrote" in said.sentence


def test_the_lexicon_training_has_the_pairs_of_the_run(cli, tmp_path):
    out = tmp_path / "run"
    tiny = ["--model.d-model", "16", "--model.heads", "2", "--model.d-ff", "16", "--quiet"]
    data = tmp_path / "data.tsv"
    data.write_text("".join(f"word {n}\tWORT {n}\n" for n in range(60)), encoding="utf-8")
    cli("train", "--data", data, "--training.updates", "2", *tiny, "--out", out)
    texts = [token for n in range(60) for token in ("--text", f"word {n}")]
    said = cli("translate", out, "--lexicon", "training", "--json", "--max-length", "2", *texts)
    found = [json.loads(line) for line in said.out.splitlines()]
    known = [one for one in found if one["lexicon"]]
    assert len(known) == 54  # the six others are held out
    assert all(one["text"] == one["source"].replace("word", "WORT") for one in known)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--confidence", "--nbest", "2"), "cannot be combined"),
        (("--confidence", "--sample"), "cannot be combined"),
        (("--confidence", "--split-sentences"), "cannot be combined"),
        (("--lexicon", "training", "--prefix", "a"), "cannot be combined"),
        (("--lexicon", "nowhere.tsv"), "there is no file"),
    ],
)
def test_flags_that_do_not_fit_are_refused(cli, own_run, calibrated, flags, message):
    assert message in cli("translate", own_run, "--text", "a b", *flags).sentence
