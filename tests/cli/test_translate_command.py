"""Lines in, lines out, in their order, whatever the search and wherever they come from."""

import gzip
import json
import math
import subprocess
import sys
import time

import pytest
import torch

from toy_runs import toy_run
from whyformer.bundle import load_bundle, save_bundle
from whyformer.cli.shared.streams import json_text
from whyformer.cli.translate.output import Form, shown
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import Translation
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import WhyformerError

TEXT = "c b a\n\na b\nf g h i\n  \ne"
LINES = TEXT.split("\n")


def expected(run, **search) -> list[str]:
    bundle = load_bundle(run)
    translator = Translator([bundle.model], bundle.source_tokenizer, bundle.target_tokenizer)
    settings = SearchSettings.model_validate({**bundle.facts["decoding"], **search})
    return [t.text for t in translator.translate(LINES, settings)]


def lines_of(text: str) -> list[str]:
    assert text.endswith("\n")
    return text[:-1].split("\n")


def test_standard_input_to_standard_output(cli, run):
    said = cli("translate", run, stdin=TEXT)
    assert (said.code, said.trouble) == (0, "")
    assert lines_of(said.out) == expected(run)
    assert lines_of(said.out)[1] == lines_of(said.out)[4] == ""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["in.txt", "in.txt.gz"])
def test_file_to_file(cli, run, tmp_path, name, ending):
    raw = (ending.join(LINES) + ending).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    output = tmp_path / "deep" / "out.txt"
    said = cli("translate", run, "--input", tmp_path / name, "--output", output)
    assert (said.code, said.out, said.trouble) == (0, "", "")
    assert lines_of(output.read_text(encoding="utf-8")) == expected(run)


def test_texts_on_the_command_line(cli, run):
    said = cli("translate", run, "--text", LINES[0], "--text", LINES[3])
    assert lines_of(said.out) == [expected(run)[0], expected(run)[3]]


def test_options_win_over_the_settings_of_the_run(cli, run):
    said = cli("translate", run, "--beam", "1", "--max-length", "3", stdin=TEXT)
    assert lines_of(said.out) == expected(run, beam=1, max_length=3)
    assert expected(run, beam=1, max_length=3) != expected(run)


def test_weights_of_eight_bits(cli, run):
    said = cli("translate", run, "--weights", "int8", stdin=TEXT)
    assert (said.code, lines_of(said.out)) == (0, expected(run))
    assert "this model has only smaller ones. Nothing is quantized." in said.err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("--weights", "int4"), "`int4` is not a data type of weights."),
        (
            ("--weights", "int8", "--engine", "ctranslate2"),
            "contains no conversion. Make one with: whyformer convert {run} --to ctranslate2 "
            "--quantize int8",
        ),
    ],
)
def test_weights_that_are_refused(cli, run, given, sentence):
    said = cli("translate", run, *given, "--text", "a")
    assert sentence.format(run=run) in said.sentence


def test_nbest_prints_index_score_text(cli, run):
    said = cli("translate", run, "--nbest", "2", stdin=TEXT)
    rows = [line.split("\t") for line in lines_of(said.out)]
    assert [int(row[0]) for row in rows] == [1, 1, 2, 3, 3, 4, 4, 5, 6, 6]
    assert [row[2] for row in rows if row[0] in "136"][::2] == [expected(run)[n] for n in (0, 2, 5)]
    assert all(float(first[1]) >= float(second[1]) for first, second in [rows[:2], rows[3:5]])


def test_json_lines(cli, run):
    said = cli("translate", run, "--json", "--nbest", "2", stdin=TEXT)
    found = [json.loads(line) for line in lines_of(said.out)]
    assert [one["index"] for one in found] == [1, 2, 3, 4, 5, 6]
    assert [one["source"] for one in found] == LINES
    assert [one["text"] for one in found] == expected(run)
    assert [len(one["hypotheses"]) for one in found] == [2, 0, 2, 2, 0, 2]
    assert found[0]["hypotheses"][0]["text"] == found[0]["text"]


def test_samples_depend_on_the_seed_and_not_on_how_the_lines_come(cli, run, tmp_path):
    sample = ("translate", run, "--sample", "--seed", "5")
    (tmp_path / "in.txt").write_text(TEXT, encoding="utf-8")
    first = cli(*sample, "--input", tmp_path / "in.txt").out
    assert first == cli(*sample, stdin=TEXT).out
    assert first != cli("translate", run, "--sample", "--seed", "6", stdin=TEXT).out


@pytest.mark.parametrize("given", ["--temperature", "--top-p", "--seed"])
def test_what_only_sampling_reads_is_refused_without_it(cli, run, given):
    said = cli("translate", run, given, "1", stdin=TEXT)
    assert f"`{given}` has no effect here: it is read by sampling only (--sample)" in said.sentence


@pytest.mark.parametrize("given", [("--beam", "7"), ("--groups", "2"), ("--diversity", "1")])
def test_what_only_beam_search_reads_is_refused_while_sampling(cli, run, given):
    said = cli("translate", run, "--sample", *given, stdin=TEXT)
    assert (said.code, said.out) == (2, "")
    assert f"`{given[0]}` has no effect here" in said.sentence


def test_diversity_needs_groups(cli, run):
    said = cli("translate", run, "--diversity", "1", stdin=TEXT)
    assert "`--diversity` has no effect here: it is read with several groups only" in said.sentence


@pytest.mark.parametrize(
    "given",
    [("--length-penalty", "99999999999"), ("--beam", "99999999999"), ("--max-length", "1e30")],
)
def test_numbers_beyond_their_bounds_are_refused(cli, run, given):
    said = cli("translate", run, *given, "--text", "a")
    assert (said.code, said.out) == (2, "")


def test_more_hypotheses_than_the_beam_of_the_run_raise_it(cli, tmp_path):
    greedy = toy_run(tmp_path / "run", decoding={"beam": 1})
    said = cli("translate", greedy, "--text", "a b", "--nbest", "3")
    assert (said.code, len(lines_of(said.out))) == (0, 3)


@pytest.mark.parametrize("how", [(), ("--sample",)])
def test_a_prefix_begins_every_translation(cli, run, how):
    said = cli("translate", run, *how, "--prefix", "g h", stdin=TEXT)
    for line, source in zip(lines_of(said.out), LINES, strict=True):
        assert line.startswith("g h") or not source.strip()


def test_alignments(cli, run, tmp_path):
    place = tmp_path / "alignments.jsonl"
    said = cli("translate", run, "--alignments", place, "--output", tmp_path / "o.txt", stdin=TEXT)
    assert said.code == 0
    rows = [json.loads(line) for line in lines_of(place.read_text(encoding="utf-8"))]
    assert [row["text"] for row in rows] == lines_of((tmp_path / "o.txt").read_text("utf-8"))
    assert rows[0]["source"] == ["c", "b", "a", "<eos>"]
    assert rows[1]["weights"] == []
    for row in rows:
        assert len(row["weights"]) == len(row["target"])
        for weights in row["weights"]:
            assert len(weights) == len(row["source"])
            assert math.isclose(sum(weights), 1, abs_tol=1e-3)


def test_alignments_read_no_more_of_a_source_than_the_translator(cli, tmp_path):
    run = toy_run(tmp_path / "run", positions="learned", max_length=8)
    place = tmp_path / "alignments.jsonl"
    said = cli("translate", run, "--alignments", place, stdin="a b c d e f g h i j a b\na\n")
    assert "line 1 is longer than the model can read" in said.err
    first, second = [json.loads(line) for line in lines_of(place.read_text(encoding="utf-8"))]
    assert first["source"] == [*"abcdefg", "<eos>"]
    assert {len(row) for row in first["weights"]} == {8}
    assert second["source"] == ["a", "<eos>"]


def test_alignments_of_many_lines_are_those_of_each(cli, run, tmp_path):
    """They are computed in batches, of which empty lines are no part."""
    lines = [*(["c b a", "", "h g f e d c b a", "a"] * 20), ""]

    def aligned(*given, stdin=None):
        place = tmp_path / "alignments.jsonl"
        said = cli("translate", run, "--alignments", place, "--overwrite", *given, stdin=stdin)
        assert said.code == 0
        return [json.loads(line) for line in lines_of(place.read_text(encoding="utf-8"))]

    rows = aligned(stdin="\n".join(lines) + "\n")
    assert len(rows) == len(lines)
    alone = {line: aligned("--text", line)[0] for line in set(lines)}
    for line, row in zip(lines, rows, strict=True):
        wanted = alone[line]
        assert (row["source"], row["target"]) == (wanted["source"], wanted["target"])
        for mine, theirs in zip(row["weights"], wanted["weights"], strict=True):
            assert mine == pytest.approx(theirs, abs=2e-5)


def test_an_ensemble_of_a_run_with_itself_says_what_the_run_says(cli, run):
    assert cli("translate", run, run, stdin=TEXT).out == cli("translate", run, stdin=TEXT).out


def test_an_ensemble_needs_one_tokenizer(cli, run, tmp_path):
    other = toy_run(tmp_path / "other", lines=("x y z",))
    said = cli("translate", run, other, "--text", "a")
    assert "Runs of an ensemble must share their tokenizers" in said.sentence
    assert str(other) in said.sentence


def test_a_line_end_that_a_model_writes_does_not_shift_the_lines_after_it():
    answer = Translation("a", "x\ny\r", -1.0, (("x\ny\r", Hypothesis((9,), -1.0, -2.0, True)),))
    assert list(shown(1, answer, Form())) == ["x y "]
    assert list(shown(7, answer, Form(many=True))) == ["7\t-1.0000\tx y "]


def test_output_may_be_a_device(cli, run):
    assert cli("translate", run, "--text", "a", "--output", "/dev/null").code == 0


def test_a_waiting_reader_is_answered_before_the_input_ends(run):
    process = subprocess.Popen(
        [sys.executable, "-m", "whyformer", "translate", run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    with process.stdin, process.stdout:
        for line in ("a b", "", "c"):
            process.stdin.write(line + "\n")
            process.stdin.flush()
            began = time.monotonic()
            answer = process.stdout.readline()  # would hang if nothing came before the end
            assert answer.endswith("\n")
            assert (answer == "\n") == (line == "")
        assert time.monotonic() - began < 5
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.wait() == 0


def test_cut_translations_are_named_by_their_lines(cli, run):
    answers = [
        json.loads(line) for line in lines_of(cli("translate", run, "--json", stdin=TEXT).out)
    ]
    cut = [a["index"] for a in answers if a["hypotheses"] and not a["hypotheses"][0]["finished"]]
    assert cut
    said = cli("translate", run, stdin=TEXT)
    s = "s" if len(cut) > 1 else ""
    named = f"{len(cut)} translation{s} (line{s} {', '.join(map(str, cut))})"
    assert f"the length limit cut {named}. Raise --max-length." in said.err


def test_evaluate_names_the_outputs_that_were_cut(cli, run, tmp_path):
    (tmp_path / "in.txt").write_text(TEXT + "\n", encoding="utf-8")
    asked = ("--source", tmp_path / "in.txt", "--references", tmp_path / "in.txt")
    said = cli("evaluate", run, *asked)
    assert said.code == 0
    cut = cli("translate", run, stdin=TEXT).err.partition("limit cut ")[2]
    assert f"whyformer: `{run}`: the length limit cut {cut[:24]}" in said.err


def test_sentences_are_translated_one_by_one_and_a_line_stays_a_line(cli, run, tmp_path):
    lines = ["a bb. Cc d.", "", "e f g"]
    split = cli("translate", run, "--split-sentences", stdin="\n".join(lines))
    parts = lines_of(cli("translate", run, stdin="a bb.\nCc d.\n\ne f g").out)
    assert lines_of(split.out) == [f"{parts[0]} {parts[1]}", "", parts[3]]
    made = cli("translate", run, "--split-sentences", "--json", stdin="\n".join(lines)).out
    first, _, last = map(json.loads, lines_of(made))
    assert [one["text"] for one in first["sentences"]] == parts[:2]
    assert first["hypotheses"] == last["sentences"] == []
    (tmp_path / "made.jsonl").write_text(made, encoding="utf-8")
    scored = cli("score", run, "--translations", tmp_path / "made.jsonl", "--json")
    assert scored.code == 0
    searched = [one["hypotheses"][0]["log_probability"] for one in first["sentences"]]
    found = [one["log_probability"] for one in json.loads(scored.out)["pairs"]]
    assert found[:2] == pytest.approx(searched, abs=1e-4)


@pytest.mark.parametrize(
    "option", [("--nbest", "2"), ("--alignments", "a.jsonl"), ("--prefix", "a")]
)
def test_options_of_a_whole_line_are_refused_with_split_sentences(cli, run, option):
    said = cli("translate", run, "--split-sentences", *option, stdin="a bb. Cc d.")
    assert "applies to a whole line" in said.sentence


@pytest.mark.parametrize("search", [(), ("--beam", "1"), ("--sample", "--seed", "1")])
def test_weights_that_are_no_numbers_give_no_answer(cli, own_run, search):
    bundle = load_bundle(own_run)
    with torch.no_grad():
        next(iter(bundle.model.parameters())).fill_(math.nan)
    save_bundle(own_run / "model", bundle)
    said = cli("translate", own_run, "--text", "a b", "--json", *search)
    assert said.code in (1, 2)
    assert said.out == ""
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_with_what_is_no_number_is_refused(value):
    with pytest.raises(WhyformerError, match="can only contain finite numbers"):
        json_text({"scores": [1.0, value]})


def test_split_long_translates_the_end_of_long_lines_and_changes_no_other_line(cli, tmp_path):
    run = toy_run(tmp_path / "run", positions="learned", max_length=8)
    lines = ["a b? c d? e f", "a? b c?", "a b c d e f g h i j a b"]
    plain = cli("translate", run, stdin="\n".join(lines))
    assert plain.err.count("Add --split-long.") == 2
    said = cli("translate", run, "--split-long", stdin="\n".join(lines))
    assert "Add --split-long" not in said.err
    assert "line 3 is longer" in said.err
    assert "line 1 is longer" not in said.err
    found, before = said.out.splitlines(), plain.out.splitlines()
    parts = cli("translate", run, stdin="a b?\nc d?\ne f").out.splitlines()
    assert found == [" ".join(parts), *before[1:]]
    assert (
        "`--split-long` translates each"
        in cli("translate", run, "--split-long", "--prefix", "a", stdin="a").sentence
    )
    assert (
        "`--split-sentences` and `--split-long` cannot be combined."
        in cli("translate", run, "--split-sentences", "--split-long", stdin="a").sentence
    )
