"""A run that lacks a part, or holds an intact part of another run, is named as such."""

import json
import shutil
from pathlib import Path

import pytest

from toy_runs import SMALL
from whyformer.bundle import load_bundle
from whyformer.foundation.errors import BundleError
from whyformer.recipes.recipe import resolve
from whyformer.training.journal import read_journal
from whyformer.workflows.runs.sealing import reseal
from whyformer.workflows.runs.verifying import verify
from whyformer.workflows.train import train

RECIPE = {**SMALL, "validation.every": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        train(resolve("copy", {**RECIPE, "training.seed": seed}), place / str(seed), quiet=True)
    return place


@pytest.fixture
def run(runs, tmp_path) -> Path:
    return shutil.copytree(runs / "1", tmp_path / "run")


def faults(run: Path) -> list[str]:
    return [part.fault for part in verify(run) if part.fault]


def resume(run: Path):
    return train(resolve("copy", {**RECIPE, "training.seed": 1}), run, quiet=True)


def put(run: Path, other: Path, name: str) -> None:
    shutil.rmtree(run / name)
    shutil.copytree(other / name, run / name)


def test_a_whole_run_has_no_fault(run):
    assert faults(run) == []
    assert resume(run).updates == 4


@pytest.mark.parametrize("name", ["model", "checkpoint"])
def test_a_missing_part_is_named_and_refused(run, name):
    shutil.rmtree(run / name)
    [fault] = faults(run)
    assert f"{name}` is missing" in fault
    with pytest.raises(BundleError, match=f"{name}` is missing.* --overwrite"):
        resume(run)
    assert len(read_journal(run)) == 8


@pytest.mark.parametrize("name", ["model", "checkpoint"])
def test_a_part_of_another_run_is_named_and_refused(run, runs, name):
    put(run, runs / "2", name)
    [fault] = faults(run)
    assert str(run / name) in fault
    with pytest.raises(BundleError, match=r"another run|was not trained by the run"):
        load_bundle(run) if name == "model" else resume(run)


def test_a_model_that_was_replaced_on_purpose_is_accepted_after_sealing(run, runs):
    put(run, runs / "2", "model")
    reseal(run)
    load_bundle(run)
    assert faults(run) == []


def test_a_model_may_leave_its_run(run, tmp_path):
    load_bundle(shutil.move(run / "model", tmp_path / "model"))


def test_updates_that_the_journal_lacks_are_named(run, capsys):
    journal = run / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["step"] not in (2, 3)]
    journal.write_text("".join(kept), encoding="utf-8")
    assert "lacks these updates: 2 to 3" in faults(run)[0]
    resume(run)
    assert "lacks these updates: 2 to 3" in capsys.readouterr().err
    journal.unlink()
    assert "journal.jsonl` is missing" in faults(run)[0]


def test_a_run_that_ended_before_its_first_checkpoint_starts_again_and_says_so(run, capsys):
    former = read_journal(run)
    shutil.rmtree(run / "checkpoint")
    first = [line for line in former if line["step"] == 1]
    lines = (run / "journal.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "journal.jsonl").write_text("".join(lines[: len(first)]), encoding="utf-8")
    resume(run)
    assert "before its first checkpoint. Repeating its 1 update" in capsys.readouterr().err
    assert read_journal(run) == former


def test_all_damaged_parts_are_listed_beside_the_intact_ones(run, cli):
    for name in ("recipe.yaml", "model/model.safetensors"):
        content = bytearray((run / name).read_bytes())
        content[-2] ^= 1
        (run / name).write_bytes(content)
    said = cli("doctor", run)
    assert said.code == 2
    assert "intact: " in said.out
    assert all(name in said.err for name in ("recipe.yaml", "model.safetensors"))


def test_a_damaged_description_of_the_run_is_noted_when_its_model_is_loaded(run, capsys):
    (run / "run.json").write_text("{", encoding="utf-8")
    load_bundle(run)
    assert "run.json` is damaged" in capsys.readouterr().err
