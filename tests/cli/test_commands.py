"""Every command but translate: what it prints, as text and as JSON, and how it ends."""

import dataclasses
import json
import math
import unicodedata
from pathlib import Path

import pytest

from toy_runs import toy_bundle, toy_run
from whyformer.acceleration import measure_thresholds, threshold_file, thresholds
from whyformer.bundle import save_bundle
from whyformer.foundation.integrity import write_sealed
from whyformer.recipes.recipe import Recipe
from whyformer.training.timetable import Timetable, write_timetable
from whyformer.workflows import demo as demonstration
from whyformer.workflows.check import checks as checking

STORY = {
    "step": 7, "first": "encoder.layers.0", "kind": "output", "advice": ["a", "b"],
    "loss": "nan", "norm": "inf", "message": "Training stopped before update 7.",
    "batch": [{"source": f"s{n}", "target": f"t{n}"} for n in range(9)],
}  # fmt: skip


@pytest.fixture
def lines(tmp_path):
    """Return files of sources and targets."""
    source, target = tmp_path / "source.txt", tmp_path / "target.txt"
    source.write_text("a b\nc\nf g h\n", encoding="utf-8")
    target.write_text("b a\nc\nh g f\n", encoding="utf-8")
    return source, target


def test_score_adds_up(cli, run, lines):
    source, target = lines
    said = cli("score", run, "--source", source, "--target", target)
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert [int(tokens) for _, tokens in rows] == [3, 2, 4]
    found = json.loads(cli("score", run, "--source", source, "--target", target, "--json").out)
    assert found["tokens"] == 9
    assert found["log_probability"] == pytest.approx(sum(float(p) for p, _ in rows), abs=1e-3)
    perplexity = found["totals"][0]
    assert perplexity["name"] == "perplexity"
    assert perplexity["value"] == pytest.approx(math.exp(-found["log_probability"] / 9))
    assert "3 pairs, 9 tokens" in said.err
    assert [len(pair["tokens"]) for pair in found["pairs"]] == [3, 2, 4]


def test_score_reproduces_what_translate_searched(cli, run, tmp_path):
    file = tmp_path / "out.jsonl"
    cli("translate", run, "--nbest", "2", "--json", "--output", file, stdin="a b\n\nc\n")
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    wanted = [one["log_probability"] for record in records for one in record["hypotheses"]]
    said = cli("score", run, "--translations", file)
    found = [float(line.split("\t")[0]) for line in said.out.splitlines()]
    assert len(found) == 4
    assert found == pytest.approx(wanted, abs=1e-3)
    records[0]["hypotheses"][0]["text"] = "x"
    file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    said = cli("score", run, "--translations", file)
    assert (said.code, said.out) == (2, "")
    assert f"`{file}:1`: the decoded tokens differ from the text" in said.sentence
    file.write_text("{}", encoding="utf-8")
    said = cli("score", run, "--translations", file)
    assert f"`{file}:1`: this must be a line of `whyformer translate --json`" in said.sentence


def test_score_names_a_target_beyond_the_positions(cli, tmp_path):
    short = toy_run(tmp_path / "run", positions="learned", max_length=8)
    (tmp_path / "s").write_text("a\nb\nc\n", encoding="utf-8")
    (tmp_path / "t").write_text(f"a\n{'b ' * 9}\nc\n", encoding="utf-8")
    said = cli("score", short, "--source", tmp_path / "s", "--target", tmp_path / "t")
    assert [row.split("\t")[1] for row in said.out.splitlines()] == ["2", "-", "2"]
    assert "the target of pair 2 is longer than the model's positions" in said.err
    assert "2 pairs, 4 tokens" in said.err


def test_evaluate_a_run_says_what_evaluating_its_translations_says(cli, run, lines, tmp_path):
    source, target = lines
    translated = tmp_path / "translated.txt"
    assert cli("translate", run, "--input", source, "--output", translated).code == 0
    how = ("--references", target, "--metric", "chrf,per", "exact", "--json")
    by_run = json.loads(cli("evaluate", run, "--source", source, *how).out)
    by_file = json.loads(cli("evaluate", "--hypotheses", translated, *how).out)
    (mine,), (theirs,) = by_run["scores"].values(), by_file["scores"].values()
    assert [score["name"] for score in mine] == ["chrf", "per", "exact"]
    assert mine == theirs
    assert by_run["comparisons"] == []


def test_evaluate_pairs_gives_each_source_all_its_right_answers(cli, run, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a b\tx\nc\tc\na b\ty\n", encoding="utf-8")
    said = cli("evaluate", run, "--pairs", pairs, "--metric", "exact", "--json")
    (score,) = json.loads(said.out)["scores"][str(run)]
    assert score["n"] == 2
    both = cli("evaluate", run, "--pairs", pairs, "--source", pairs)
    assert "`--pairs` needs runs and replaces --source" in both.sentence


def test_evaluate_two_systems_tests_the_difference(cli, tmp_path):
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("".join(f"one two three four {n} six\n" for n in range(20)))
    target.write_text("".join(f"one two three four {n} seven\n" for n in range(20)))
    said = cli(
        *("evaluate", "--hypotheses", target, source, "--references", target),
        *("--metric", "bleu", "--tokenize", "none", "--lowercase"),
    )
    assert "p = " in said.out
    assert "randomization, 10,000 trials" in said.out
    assert "tok:none" in said.out
    assert "case:lc" in said.out


def test_evaluate_reads_both_unicode_forms_as_one_text(cli, tmp_path):
    composed, separate = tmp_path / "nfc", tmp_path / "nfd"
    composed.write_text("안녕하세요 세계\n" * 20, encoding="utf-8")
    separate.write_text(unicodedata.normalize("NFD", "안녕하세요 세계\n") * 20, encoding="utf-8")
    how = ("--hypotheses", composed, "--references", separate, "--metric", "chrf,exact", "--json")
    (scores,) = json.loads(cli("evaluate", *how).out)["scores"].values()
    assert [one["value"] for one in scores] == [100.0, 100.0]
    assert all("unicode:nfc" in one["signature"] for one in scores)
    (scores,) = json.loads(cli("evaluate", *how, "--no-normalize").out)["scores"].values()
    assert [one["value"] for one in scores] == [0.0, 0.0]
    assert all("unicode:none" in one["signature"] for one in scores)


def test_evaluate_pairs_takes_both_unicode_forms_of_a_source_as_one_item(cli, run, tmp_path):
    source = "café"
    pairs = tmp_path / "pairs.tsv"
    text = f"{source}\tx\n{unicodedata.normalize('NFD', source)}\ty\n"
    pairs.write_text(text, encoding="utf-8")
    said = cli("evaluate", run, "--pairs", pairs, "--metric", "exact", "--json")
    assert json.loads(said.out)["scores"][str(run)][0]["n"] == 1


def test_evaluate_one_line_claims_nothing(cli, tmp_path):
    for name, text in (("h1", "a b c d e\n"), ("h2", "a b c d f\n"), ("r", "a b c d e\n")):
        (tmp_path / name).write_text(text)
    files = ("--hypotheses", tmp_path / "h1", tmp_path / "h2", "--references", tmp_path / "r")
    said = cli("evaluate", *files)
    assert said.code == 0
    assert "p = " not in said.out
    assert said.out.count("1 item is too few for an interval or a significance test") == 1
    tree = json.loads(cli("evaluate", *files, "--json").out)
    assert tree["comparisons"][0]["p"] is None
    assert tree["comparisons"][0]["interval"] is None
    assert {one[0]["interval"] for one in tree["scores"].values()} == {None}


def test_evaluate_two_runs(cli, run, lines, tmp_path):
    source, target = lines
    other = toy_run(tmp_path / "other", seed=9)
    said = cli(
        *("evaluate", run, other, "--source", source, "--references", target),
        *("--metric", "per", "--beam", "1", "--json"),
    )
    report = json.loads(said.out)
    assert list(report["scores"]) == [str(run), str(other)]
    assert report["comparisons"][0]["system"] == str(other)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "neither was given"),
        (["RUN", "--hypotheses", "FILE"], "both were given"),
        (["RUN"], "`--source` is required"),
        (["--hypotheses", "FILE", "--beam", "3"], "`--beam` needs runs and has no effect"),
        (["--hypotheses", "FILE", "FILE"], "is given twice"),
        (["nowhere", "nowhere", "--source", "FILE"], "is given twice"),  # before any is loaded
        (["--hypotheses", "FILE", "--metric", "blue"], "Did you mean `bleu`?"),
    ],
)
def test_evaluate_refuses(cli, run, lines, argv, message):
    real = [{"RUN": run, "FILE": lines[0]}.get(token, token) for token in argv]
    assert message in cli("evaluate", *real, "--references", lines[1]).sentence


def test_evaluate_uses_the_metric_that_selected_the_weights(cli, lines, tmp_path):
    bundle = toy_bundle()
    for name, facts in (("plain", {}), ("per", {"validation": {"step": 1, "loss": 2.0, "per": 9}})):
        save_bundle(
            tmp_path / name / "model", dataclasses.replace(bundle, facts=bundle.facts | facts)
        )
    shown = {
        name: json.loads(
            cli(
                "evaluate", tmp_path / name, "--source", lines[0], "--references", lines[1],
                "--json",
            ).out
        )["scores"][str(tmp_path / name)]
        for name in ("plain", "per")
    }  # fmt: skip
    assert [one["name"] for one in shown["plain"]] == ["bleu"]
    assert [one["name"] for one in shown["per"]] == ["per"]


def test_evaluate_pairs_names_a_run_of_another_kind(cli, tmp_path):
    data = tmp_path / "labelled.tsv"
    data.write_text("".join(f"good {n}\tyes\nbad {n}\tno\n" for n in range(60)), encoding="utf-8")
    run, tiny = tmp_path / "labels", ("--model.d-model", "16", "--model.heads", "2", "--quiet")
    said = cli(
        "train", "--data", data, "--out", run, "--task", "classify", "--training.updates", "2",
        "--model.d-ff", "16", *tiny,
    )  # fmt: skip
    assert said.code == 0
    said = cli("evaluate", run, "--pairs", data)
    assert said.code == 2
    assert "labels" in said.err


def test_config_list_names_every_recipe(cli):
    found = json.loads(cli("config", "list", "--json").out)
    assert {"translate", "copy", "pronounce"} <= set(found)
    text = cli("config", "list").out
    for name, description in found.items():
        assert f"{name} " in text
        assert description in text


def test_config_show_says_where_each_value_came_from(cli):
    argv = (
        *("config", "show", "translate", "--model.d-model", "64", "--data", "a.tsv", "b.tsv"),
        *("--preset", "small"),
    )
    found = json.loads(cli(*argv, "--json").out)
    assert found["model.d_model"] == {"value": 64, "origin": "command line"}
    assert found["data.train"] == {"value": ["a.tsv", "b.tsv"], "origin": "command line"}
    assert found["model.encoder_layers"] == {"value": 3, "origin": "preset small"}
    assert found["text.vocabulary"]["origin"].startswith("recipe translate:")
    assert found["training.seed"]["origin"] == "default"
    assert found["data.mix"] == {"value": [], "origin": "default"}
    assert found["data.builtin"] == {"value": None, "origin": "default"}
    text = cli(*argv).out
    assert "# command line" in text
    for name in found:
        assert name in text
    assert set(Recipe.model_fields) == {name.partition(".")[0] for name in found}


def test_config_show_marks_as_command_line_only_what_was_given(cli, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    lines = (f"word {n} a\ttarget {n} b\n" for n in range(300))
    pairs.write_text("".join(lines), encoding="utf-8")
    for argv, given in (
        (("auto", "--data", pairs), {"data.train"}),
        (
            ("copy", "--data", pairs, "--training.updates", 5),
            {"data.train", "training.updates"},
        ),
    ):
        found = json.loads(cli("config", "show", *argv, "--json").out)
        origins = {name: one["origin"] for name, one in found.items()}
        assert {name for name, origin in origins.items() if origin == "command line"} == given
    assert origins["data.builtin"] == "replaced by the command line"


def test_diagnose_tells_the_story(cli, own_run):
    place = own_run / "diagnosis"
    place.mkdir()
    (place / "diagnosis.json").write_text(json.dumps(STORY), encoding="utf-8")
    text = cli("diagnose", own_run).out
    for part in ("update 7", "encoder.layers.0", "nan", "inf", "9 texts", "'s4' -> 't4'"):
        assert part in text
    assert "s5" not in text
    alone = json.dumps(STORY | {"batch": [{"text": "one side"}]})
    (place / "diagnosis.json").write_text(alone, encoding="utf-8")
    assert "'one side'" in cli("diagnose", own_run).out
    assert json.loads(cli("diagnose", own_run, "--json").out)["step"] == 7
    (place / "diagnosis.json").write_text("[" * 100_000, encoding="utf-8")
    assert "is damaged" in cli("diagnose", own_run).sentence
    (place / "diagnosis.json").write_text("{}", encoding="utf-8")
    assert "is damaged" in cli("diagnose", own_run).sentence


def test_doctor(cli):
    found = json.loads(cli("doctor", "--json").out)
    assert found["matmul_gflops"] > 0
    assert set(found["extras"]) == {
        "demo",
        "track",
        "export",
        "documents",
        "lab",
        "ray",
        "compare",
        "baselines",
    }
    text = cli("doctor").out
    for word in ("torch", "threads", "device", "bf16", "memory", "disk", "GFLOP/s"):
        assert word in text


def test_doctor_measures_the_machine_once(cli, tmp_path, monkeypatch, own_run):
    monkeypatch.delenv(threshold_file.OFF)
    monkeypatch.setattr(threshold_file, "_cache_directory", lambda: tmp_path)
    for name, value in (
        ("ROUNDS", 1),
        ("SECONDS", 0.0),
        ("PRODUCTS", ((64, 8, 8),)),
        ("WEIGHTS", ((8, 8),)),
        ("MODEL_WEIGHTS", 64),
    ):
        monkeypatch.setattr(measure_thresholds, name, value)
    assert json.loads(cli("doctor", "--json").out)["tuned"] is False
    said = cli("doctor", "--tune").out
    path = threshold_file.thresholds_path()
    assert str(path) in said
    found = json.loads(cli("doctor", "--tune", "--json").out)
    assert found["file"] == str(path)
    names = [one["name"] for one in found["thresholds"]]
    assert names == list(thresholds.THRESHOLDS)
    assert all(f"{name}: " in said for name in names)
    (entry,) = json.loads(path.read_text(encoding="utf-8"))["entries"]
    stored = entry["thresholds"]
    for one in found["thresholds"]:
        shown = thresholds.NEVER if one["value"] is None else one["value"]
        assert shown == stored[one["name"]] == thresholds.current()[one["name"]]
    assert json.loads(cli("doctor", "--json").out)["tuned"] is True
    assert "Leave out" in cli("doctor", own_run, "--tune").sentence
    path.unlink()
    thresholds.forget_stored()


def test_without_a_home_directory_doctor_does_not_measure(cli, monkeypatch):
    def nowhere() -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(threshold_file, "_cache_directory", nowhere)
    assert "Set the variable HOME" in cli("doctor", "--tune").sentence


def test_train_prints_the_outcome(cli, tmp_path):
    argv = ("train", "copy", "--out", tmp_path / "run", "--quiet", "--training.updates=3",
            "--validation.every=1")  # fmt: skip
    said = cli(*argv, "--validation.sentences", "4", "--model.dropout", "0.1")
    assert said.code == 0
    assert "3 updates; best at update" in said.out
    warmup, stuck = said.err.splitlines()  # shown with --quiet too
    assert warmup.startswith("The warm-up takes 60 updates")
    assert stuck.startswith("`exact` was 0 in all 3 validations")
    again = json.loads(cli(*argv, "--validation.sentences=4", "--model.dropout=0.1", "--json").out)
    assert again["updates"] == 3
    assert again["interrupted"] is False
    assert cli("translate", tmp_path / "run", "--text", "s01 s02").code == 0


class Ended:
    """An outcome of a workflow that did not run."""

    def __init__(self, *, passed: bool = True, interrupted: bool = False) -> None:
        self.passed, self.interrupted, self.run = passed, interrupted, "runs/x"

    def render(self) -> str:
        return "all of it"

    def to_json(self) -> dict[str, object]:
        return {"passed": self.passed}


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_check_ends_as_its_findings(cli, monkeypatch, passed, code):
    monkeypatch.setattr(checking, "check", lambda *_, **__: Ended(passed=passed))
    said = cli("check", "copy")
    assert (said.code, said.out) == (code, "all of it\n")
    assert json.loads(cli("check", "copy", "--json").out) == {"passed": passed}


@pytest.mark.parametrize("given", [[], ["--overwrite"]])
def test_a_demo_can_begin_anew(cli, monkeypatch, given):
    asked = {}
    monkeypatch.setattr(
        demonstration, "demo", lambda **given: asked.update(given) or Ended(interrupted=True)
    )
    cli("demo", *given)
    assert asked["overwrite"] is bool(given)


def test_a_stopped_demo_is_no_success(cli, monkeypatch):
    monkeypatch.setattr(demonstration, "demo", lambda **_: Ended(interrupted=True))
    said = cli("demo")
    assert said.code == 130
    assert "run the same command again to resume" in said.out


def test_doctor_names_every_damaged_part_of_a_run(cli, tmp_path):
    own_run = tmp_path / "run"
    tiny = ("--training.updates", "2", "--validation.sentences", "4", "--preset", "tiny")
    assert cli("train", "copy", "--out", own_run, "--quiet", *tiny).code == 0
    write_timetable(own_run, Timetable.fixed(2))
    (own_run / "diagnosis").mkdir()
    write_sealed(own_run / "diagnosis" / "diagnosis.json", {"format": 1, **STORY})
    intact = json.loads(cli("doctor", own_run, "--json").out)
    assert intact["without_hashes"] == []
    names = [Path(one).name for one in intact["intact"]]
    assert names == ["model", "run.json", "recipe.yaml", "journal.jsonl", "timings.jsonl",
                     "timetable.json", "diagnosis.json", "checkpoint", "tokenizers", "corpus",
                     "corpus-dev"]  # fmt: skip
    found = [path for path in sorted(own_run.rglob("*")) if path.is_file()]
    files = {one.parent / (".bin" if one.suffix == ".bin" else one.name): one for one in found}
    unchecked = {".lock", "plan.npz", "training.html"}
    for path in files.values():
        before = path.read_bytes()
        if path.name in unchecked or not before:
            continue
        path.write_bytes(before[:-2] + bytes([before[-2] ^ 1]) + before[-1:])
        said = cli("doctor", own_run)
        assert said.code == 2, path
        assert path.name in said.sentence or f"{path.parent}`" in said.sentence, path
        path.write_bytes(before)
    for name in ("corpus/text.bin", "checkpoint/state.json", "tokenizers/source.json"):
        (own_run / name).unlink()
    said = cli("doctor", own_run)
    assert all(name in said.sentence for name in ("corpus/text.bin", "checkpoint", "tokenizers"))


def test_doctor_verifies_a_run_and_seals_a_deliberate_change(cli, own_run):
    assert f"intact: {own_run / 'model'}" in cli("doctor", own_run).out
    path = own_run / "model" / "config.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"dropout": 0.1', '"dropout": 0.2'))
    assert "`model.dropout`" in cli("translate", own_run, "--text", "a").sentence
    assert "--reseal" in cli("doctor", own_run).sentence
    assert "model.dropout" in cli("doctor", own_run, "--reseal").out
    assert str(own_run / "model") in json.loads(cli("doctor", own_run, "--json").out)["intact"]
    assert "needs a run" in cli("doctor", "--reseal").sentence
