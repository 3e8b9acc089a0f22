"""A comparison trains every arm with the same seeds, once, and says what it found."""

import json
from pathlib import Path

import pytest
import torch

from whyformer.cli.main import main
from whyformer.workflows.compare import compare as comparing
from whyformer.workflows.compare.cell import Cell, run_cell
from whyformer.workflows.compare.running import Place, fitting, run_cells

pytestmark = pytest.mark.usefixtures("unchecked")

ARMS = ["--arm", "base", "--arm", "wide: d_model=32"]
TINY = [
    "--model.d-model", "16", "--model.heads", "2", "--model.d-ff", "16",
    "--model.encoder-layers", "1", "--model.decoder-layers", "1", "--training.warmup", "0",
]  # fmt: skip


@pytest.fixture
def trained(monkeypatch) -> list[Cell]:
    """Train cells in this process, and return those that were trained."""
    cells: list[Cell] = []

    def in_process(places, workers, finished):
        for place in places:
            if not place.cell.is_in(place.directory):
                place.cell.write(place.directory)
                assert run_cell(place.directory) == 0
                cells.append(place.cell)
                finished(place, 1.0)

    monkeypatch.setattr(comparing, "run_cells", in_process)
    return cells


@pytest.fixture
def pairs(tmp_path) -> Path:
    file = tmp_path / "pairs.tsv"
    letters = "abcdefgh"
    rows = [f"{a} {b}\t{b} {a}\n" for a in letters for b in letters if a != b]
    file.write_text("".join(rows), encoding="utf-8")
    return file


@pytest.fixture
def compare(pairs, tmp_path, capsys):
    """Return a function that runs `compare`, and returns its JSON."""

    def run(*more: str, arms: list[str] = ARMS) -> dict:
        capsys.readouterr()
        given = ["compare", "translate", "--data", str(pairs), *arms, *TINY, *more]
        given += [
            "--margin",
            "50",
            "--out",
            str(tmp_path / "c"),
            "--quiet",
            "--json",
            "--workers",
            "1",
        ]
        assert main(given) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


def test_every_arm_has_the_same_seeds_and_a_repeated_command_trains_nothing(compare, trained):
    found = compare("--updates", "2", "--seeds", "2")
    assert sorted((one.arm, one.seed) for one in trained) == [
        ("base", 1), ("base", 2), ("wide", 1), ("wide", 2),
    ]  # fmt: skip
    assert found["scores"].keys() == {"base", "wide"}
    assert found["comparisons"]["wide"]["seeds"] == 2
    assert found["comparisons"]["wide"]["lines"] > 2
    trained.clear()
    assert compare("--updates", "2", "--seeds", "2") == found
    assert not trained


def test_more_seeds_train_only_what_is_new_and_are_not_pre_registered(compare, trained):
    assert compare("--updates", "2", "--seeds", "2")["registered"].startswith("Registered")
    trained.clear()
    found = compare("--updates", "2", "--seeds", "3", "--all-seeds")
    assert {one.seed for one in trained} == {3}
    assert "seeds" in found["registered"]
    assert found["registered"].startswith("Not pre-registered")


def test_the_test_file_is_what_is_scored(compare, trained, tmp_path):
    test = tmp_path / "test.tsv"
    test.write_text("a b\tb a\nc d\td c\ne f\tf e\n", encoding="utf-8")
    found = compare("--updates", "2", "--seeds", "2", "--test", str(test), "--metric", "chrf")
    assert found["comparisons"]["wide"]["lines"] == 3
    assert found["metric"] == "chrf"
    assert not any("validation set" in note["text"] for note in found["notes"])


def test_each_arm_is_tuned_on_other_seeds_and_keeps_its_best_value(compare, trained, tmp_path):
    found = compare("--updates", "2", "--seeds", "2", "--tune", "learning_rate=0.001,0.5")
    trials = [one for one in trained if one.trial is not None]
    assert len(trials) == 4
    assert not {one.seed for one in trials} & {one.seed for one in trained if one.trial is None}
    for number, arm in enumerate(("base", "wide"), start=1):
        (value,) = found["tuned"][arm]["training.learning_rate"]
        cells = tmp_path / "c" / "cells"
        results = [
            json.loads(
                (cells / f"arm-{number}-seed-100001-trial-{trial}" / "result.json").read_text()
            )
            for trial in (1, 2)
        ]
        losses = [one["scores"][one["selection"]["metric"]] for one in results]
        sign = 1 if results[0]["selection"]["higher_is_better"] else -1
        wanted = ("0.001", "0.5")[max((0, 1), key=lambda n: sign * losses[n])]
        assert value == wanted


def test_a_comparison_stops_when_every_verdict_is_clear(compare, trained):
    found = compare(
        "--updates", "2", "--seeds", "9", arms=["--arm", "base", "--arm", "x: dropout=0.1"]
    )
    seeds = {one.seed for one in trained}
    assert found["comparisons"]["x"]["verdict"] == "no difference that matters"
    assert len(seeds) < 9
    assert any(note["name"] == "stopped_early" for note in found["notes"])


LABELLED = "".join(f"good {n}\tyes\nbad {n}\tno\n" for n in range(60))
SCORED = "".join(f"long {'a' * n}\t{n}.5\n" for n in range(60))
TEXT = "the cat sat on the mat and the dog sat on the log\n" * 60


TAGGED = "".join(f"the\tD\ncat{n}\tN\nruns\tV\n\n" for n in range(60))


@pytest.mark.slow
@pytest.mark.parametrize("with_test", [False, True])
@pytest.mark.parametrize(
    ("task", "text", "metric", "items"),
    [
        ("classify", LABELLED, "accuracy", True),
        ("regress", SCORED, "pearson", True),
        ("tag", TAGGED, "accuracy", True),
        ("language", TEXT, "bits_per_character", True),
        ("masked", TEXT, "loss", False),
    ],
)
def test_every_task_can_be_compared(
    tmp_path, trained, capsys, task, text, metric, items, with_test
):
    ending = {TEXT: "txt", TAGGED: "conll"}.get(text, "tsv")
    file, test = tmp_path / f"data.{ending}", tmp_path / f"test.{ending}"
    file.write_text(text, encoding="utf-8")
    few = "".join(text.splitlines(keepends=True)[: 40 if text == TEXT else 8])
    test.write_text(few, encoding="utf-8")
    out = str(tmp_path / "c")
    given = ["compare", "--task", task, "--data", str(file), "--arm", "base", "--arm", "d_model=32"]
    given += ["--model.d-model", "16", "--model.heads", "2", "--model.d-ff", "16", "--updates", "2"]
    given += ["--data.next-sentence", "false"] if task == "masked" else []
    given += ["--test", str(test)] if with_test else []
    code = main([*given, "--seeds", "2", "--margin", "9", "--out", out, "--json", "--quiet"])
    if with_test and not items:
        assert code == 2
        assert "`--test` is for the tasks" in capsys.readouterr().err
        return
    assert code == 0
    found = json.loads(capsys.readouterr().out)
    one = found["comparisons"]["d_model=32"]
    assert found["metric"] == metric
    assert (one["lines"] is not None) is items
    if with_test and task != "language":
        outputs = json.loads((tmp_path / "c/cells/arm-1-seed-1/outputs.json").read_text())
        assert len(outputs["wanted"]) == {"tag": 2}.get(task, 8)
    assert any(note["name"] == "validation_set" for note in found["notes"]) is not with_test


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--updates", "2", "--minutes", "1"], "one budget"),
        ([], "one budget"),
        (["--updates", "2", "--training.seed", "3"], "`--training.seed` is set by the comparison"),
        (["--updates", "2", "--test", "absent.tsv"], "no file `absent.tsv`"),
        (["--updates", "2", "--margin", "0"], "`--margin` must be above 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(pairs, tmp_path, capsys, more, said):
    given = ["compare", "--data", str(pairs), *ARMS, "--out", str(tmp_path / "c")]
    margin = [] if "--margin" in more else ["--margin", "1"]
    assert main([*given, *margin, *more]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(("kind", "workers"), [("cpu", 3), ("cuda", 1)])
def test_trainings_share_the_cores_but_not_a_gpu(monkeypatch, kind, workers):
    monkeypatch.setattr("whyformer.foundation.devices.choose_device", lambda: torch.device(kind))
    monkeypatch.setattr("whyformer.interop.engine.cores", lambda: 3)
    assert fitting() == workers


def test_a_cell_that_fails_in_its_process_says_why(tmp_path):
    place = Place(Cell("base", 1, None, "task: translat\n"), tmp_path / "cell")
    with pytest.raises(Exception, match=r"The arm `base` with seed 1 failed: .*translat"):
        run_cells([place], 1, lambda place, seconds: None)
