"""A finished run is continued in another directory and equals a longer run."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from toy_runs import SMALL
from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.tasks.build import open_task
from whyformer.training.checkpoints import BEFORE_FALL, CHECKPOINT, saved_step
from whyformer.training.journal import read_journal
from whyformer.workflows import library
from whyformer.workflows.auto.resolve import resolve_automatically
from whyformer.workflows.runs.lock import only_run_in
from whyformer.workflows.train import train, training_steps

COMMON: dict[str, Any] = SMALL | {
    "training.minutes": None, "training.warmup": 2, "validation.every": 5, "model.dropout": 0.1,
    "training.average": "ema", "training.ema_decay": 0.5, "validation.verdict": False,
    "validation.metric": "loss",
}  # fmt: skip


def recipe_data(folder: Path) -> dict[str, Any]:
    data = folder / "pairs.tsv"
    if not data.exists():
        lines = (f"w{n:02}\tW {n:02}\n" for n in range(90))
        data.write_text("".join(lines), encoding="utf-8")
    return {"data.train": [str(data)]}


def recipe(folder: Path, updates: int, schedule: str) -> Resolved:
    changes = {"training.updates": updates, "training.schedule": schedule}
    return resolve("translate", COMMON | changes | recipe_data(folder))


def further(run: Path, **length: Any) -> Resolved:
    given = {f"training.{name}": value for name, value in length.items()}
    return resolve(None, {"continue_from": str(run)} | given)


def last_weights(run: Path) -> dict[str, Tensor]:
    """Return the tensors of the last checkpoint: weights, optimizer and averages."""
    from safetensors.torch import load_file

    return load_file(run / CHECKPOINT / "state.safetensors")


def assert_equal_runs(first: Path, second: Path) -> None:
    one, other = last_weights(first), last_weights(second)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    lines = [
        [(x["step"], x["loss"]) for x in read_journal(run) if "loss" in x]
        for run in (first, second)
    ]
    assert lines[0] == lines[1]


@pytest.mark.parametrize("schedule", ["constant", "noam", "inverse-sqrt"])
def test_a_continued_run_equals_a_longer_one_bit_for_bit(tmp_path: Path, schedule: str) -> None:
    train(recipe(tmp_path, 20, schedule), tmp_path / "long", quiet=True)
    train(recipe(tmp_path, 12, schedule), tmp_path / "short", quiet=True)
    train(further(tmp_path / "short", updates=8), tmp_path / "more", quiet=True)
    assert_equal_runs(tmp_path / "long", tmp_path / "more")
    assert not (tmp_path / "short" / BEFORE_FALL).exists()


def test_training_goes_on_from_the_state_before_the_learning_rate_fell(tmp_path: Path) -> None:
    train(recipe(tmp_path, 40, "trapezoid"), tmp_path / "long", quiet=True)
    train(recipe(tmp_path, 20, "trapezoid"), tmp_path / "short", quiet=True)
    step = saved_step(tmp_path / "short" / BEFORE_FALL)
    assert step == 15  # the learning rate falls in the last 30 % of 20 updates
    train(further(tmp_path / "short", updates=40 - step), tmp_path / "more", quiet=True)
    assert_equal_runs(tmp_path / "long", tmp_path / "more")
    steps = [saved_step(tmp_path / name / BEFORE_FALL) for name in ("long", "more")]
    assert steps == [29, 29]


def test_a_linear_schedule_goes_on_as_in_a_longer_run(tmp_path: Path) -> None:
    train(recipe(tmp_path, 10, "linear"), tmp_path / "short", quiet=True)
    train(further(tmp_path / "short", updates=10), tmp_path / "more", quiet=True)
    train(recipe(tmp_path, 20, "linear"), tmp_path / "long", quiet=True)
    rates = [
        {x["step"]: x["learning_rate"] for x in read_journal(tmp_path / name) if "loss" in x}
        for name in ("more", "long", "short")
    ]
    assert rates[0].keys() == rates[1].keys()
    assert all(rates[0][step] == rates[1][step] for step in range(11, 21))
    assert all(rates[0][step] == rates[2][step] for step in range(1, 11))


def test_an_interrupted_continuation_resumes(tmp_path: Path) -> None:
    train(recipe(tmp_path, 6, "linear"), tmp_path / "short", quiet=True)
    wanted = further(tmp_path / "short", updates=8)
    train(wanted, tmp_path / "whole", quiet=True)
    steps = training_steps(wanted, tmp_path / "cut", quiet=True)
    for _ in range(3):
        next(steps)
    steps.close()
    assert saved_step(tmp_path / "cut" / CHECKPOINT) == 9
    train(wanted, tmp_path / "cut", quiet=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def test_minutes_count_from_the_end_of_the_first_run(tmp_path: Path) -> None:
    train(recipe(tmp_path, 30, "linear"), tmp_path / "short", quiet=True)
    outcome = train(further(tmp_path / "short", minutes=0.05), tmp_path / "more", quiet=True)
    assert outcome.updates > 30
    rates = [x["learning_rate"] for x in read_journal(tmp_path / "more") if "loss" in x]
    assert rates[30] > rates[29]  # raised once
    assert rates[-1] < 0.5 * rates[30]  # and lowered again
    description = json.loads((tmp_path / "more" / "run.json").read_text(encoding="utf-8"))
    assert description["updates"] is None
    assert load_bundle(tmp_path / "more").facts["validation"]["step"] > 30
    assert main(["doctor", str(tmp_path / "more")]) == 0


def test_what_cannot_be_continued_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "short"
    train(recipe(tmp_path, 4, "linear"), run, quiet=True)
    with pytest.raises(ConfigError, match="needs the length"):
        further(run)
    with pytest.raises(ConfigError, match="cannot be given with --continue"):
        resolve(None, {"continue_from": str(run), "training.updates": 2, "model.dropout": 0.0})
    with pytest.raises(ConfigError, match="recipe `translate` was also given"):
        resolve("translate", {"continue_from": str(run), "training.updates": 2})
    with pytest.raises(ConfigError, match="must be another directory"):
        train(further(run, updates=2), run, quiet=True, overwrite=True)
    assert (run / "model").is_dir()
    with only_run_in(run), pytest.raises(ConfigError, match="is being trained"):
        train(further(run, updates=2), tmp_path / "other", quiet=True)
    with pytest.raises(ConfigError, match=r"has no recipe\.yaml"):
        resolve(None, {"continue_from": str(tmp_path), "training.updates": 2})
    data = tmp_path / "pairs.tsv"
    before = data.read_text(encoding="utf-8")
    data.write_text(before + "new\tNEW\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="has changed since it was trained"):
        train(further(run, updates=2), tmp_path / "other", quiet=True)
    data.write_text(before, encoding="utf-8")
    shutil.rmtree(run / CHECKPOINT)
    with pytest.raises(ConfigError, match="it has no checkpoint"):
        train(further(run, updates=2), tmp_path / "other", quiet=True)


@pytest.mark.parametrize("length", [{"updates": 500}, {"minutes": 5.0}])
def test_a_run_ends_after_its_epochs(tmp_path: Path, length: dict[str, Any]) -> None:
    changes = {f"training.{name}": value for name, value in length.items()}
    lengths = ("training.minutes", "training.updates")
    given = {name: value for name, value in COMMON.items() if name not in lengths}
    given |= recipe_data(tmp_path) | {"training.schedule": "linear", "training.batch_tokens": 64}
    whole = resolve("translate", given | {"training.epochs": 2.5} | changes)
    batches = open_task(whole.recipe, tmp_path / "data").batches.count(0)
    outcome = train(whole, tmp_path / "run", quiet=True)
    assert outcome.updates == math.ceil(2.5 * batches) < 500
    rates = [x["learning_rate"] for x in read_journal(tmp_path / "run") if "loss" in x]
    assert rates[-1] < 0.1 * max(rates)
    assert train(whole, tmp_path / "run", quiet=True).updates == outcome.updates  # nothing is left
    more = train(further(tmp_path / "run", epochs=1.0), tmp_path / "more", quiet=True)
    assert more.updates == outcome.updates + batches


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_only_a_constant_phase_is_kept(tmp_path: Path, schedule: str) -> None:
    asked = recipe(tmp_path, 10, schedule).recipe
    training = asked.training.model_copy(update={"minutes": 0.05})
    resolved = Resolved(asked.model_copy(update={"training": training}), {}, "run")
    train(resolved, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / BEFORE_FALL).exists()


def test_few_further_updates_fall_from_the_constant_value(tmp_path: Path) -> None:
    train(recipe(tmp_path, 40, "trapezoid"), tmp_path / "short", quiet=True)
    step = saved_step(tmp_path / "short" / BEFORE_FALL)
    train(further(tmp_path / "short", updates=4), tmp_path / "more", quiet=True)
    rates = [x["learning_rate"] for x in read_journal(tmp_path / "more") if "loss" in x]
    peak, last = rates[step - 1], rates[step:]
    assert len(last) == 4
    assert last == sorted(last, reverse=True)
    assert peak > last[0] > 0.6 * peak
    assert last[-1] < 0.4 * peak


def test_a_continued_run_needs_the_first_one_only_once(tmp_path: Path) -> None:
    train(recipe(tmp_path, 6, "linear"), tmp_path / "short", quiet=True)
    wanted = further(tmp_path / "short", updates=8)
    steps = training_steps(wanted, tmp_path / "cut", quiet=True)
    for _ in range(3):
        next(steps)
    steps.close()
    shutil.rmtree(tmp_path / "short")
    given = {"continue_from": str(tmp_path / "short"), "training.updates": 8}
    again = resolve_automatically(None, given, run=tmp_path / "cut")
    assert train(again, tmp_path / "cut", quiet=True).updates == 14


def test_a_lost_checkpoint_does_not_restart_a_continued_run(tmp_path: Path) -> None:
    train(recipe(tmp_path, 6, "linear"), tmp_path / "short", quiet=True)
    wanted = further(tmp_path / "short", updates=8)
    train(wanted, tmp_path / "more", quiet=True)
    assert main(["doctor", str(tmp_path / "more")]) == 0
    before = (tmp_path / "more" / "model" / "model.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "more" / CHECKPOINT)
    with pytest.raises(BundleError, match="a checkpoint was written"):
        train(wanted, tmp_path / "more", quiet=True)
    assert (tmp_path / "more" / "model" / "model.safetensors").read_bytes() == before
    assert main(["doctor", str(tmp_path / "more")]) == 2


def test_a_continued_run_that_ended_before_its_first_checkpoint_begins_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(recipe(tmp_path, 6, "linear"), tmp_path / "short", quiet=True)
    wanted = further(tmp_path / "short", updates=4)
    train(wanted, tmp_path / "whole", quiet=True)
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    for name in (CHECKPOINT, "model"):
        shutil.rmtree(tmp_path / "cut" / name)
    lines = (tmp_path / "cut" / "journal.jsonl").read_text(encoding="utf-8").splitlines(True)
    kept = [line for line in lines if json.loads(line)["step"] <= 7 and '"validation"' not in line]
    kept += [line for line in lines if json.loads(line)["step"] <= 6 and '"validation"' in line]
    kept.sort(key=lambda line: json.loads(line)["step"])
    (tmp_path / "cut" / "journal.jsonl").write_text("".join(kept), encoding="utf-8")
    capsys.readouterr()
    assert main(["doctor", str(tmp_path / "cut")]) == 0
    train(wanted, tmp_path / "cut", quiet=True)
    assert "Repeating its 1 update" in capsys.readouterr().err
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def test_the_epochs_of_the_first_run_do_not_bound_the_further_ones(tmp_path: Path) -> None:
    train(recipe(tmp_path, 6, "linear"), tmp_path / "short", quiet=True)
    yaml = tmp_path / "short" / "recipe.yaml"
    yaml.write_text(yaml.read_text(encoding="utf-8").replace("epochs: null", "epochs: 0.1"))
    assert further(tmp_path / "short", updates=50).recipe.training.epochs is None
    assert further(tmp_path / "short", minutes=5.0).recipe.training.epochs is None
    assert further(tmp_path / "short", epochs=2.0).recipe.training.epochs == 2.0


def test_data_that_cannot_be_read_again_is_refused(tmp_path: Path) -> None:
    pairs = [(f"w{n:02}", f"W {n:02}") for n in range(90)]
    given = COMMON | {"training.updates": 4, "validation.metric": "chrf"}
    library.train("translate", out=tmp_path / "items", data=pairs, overrides=given, quiet=True)
    with pytest.raises(ConfigError, match="its data came from Python"):
        train(further(tmp_path / "items", updates=2), tmp_path / "more", quiet=True)
