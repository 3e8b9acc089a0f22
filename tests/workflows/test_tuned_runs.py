"""A run keeps the thresholds between implementations with which it was started."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from toy_runs import SMALL
from whyformer.acceleration import threshold_file, thresholds
from whyformer.acceleration.threshold_file import store_thresholds
from whyformer.foundation.integrity import SEAL, sealed_text
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.workflows.runs.run_file import THRESHOLDS
from whyformer.workflows.train import train, training_steps

COMPARED = ("journal.jsonl", "checkpoint/state.safetensors", "model/model.safetensors")
TUNED = {
    "product": 0, "row_sum": 0, "attention_keys": 0, "packed_one_row": 1, "packed_few_rows": 1,
    "packed_many_rows": 1, "top_k_rows": 1, "top_k_groups": 1,
}  # fmt: skip
"""Values that change the bits of a training on every processor."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(threshold_file.OFF)
    monkeypatch.setattr(threshold_file, "_cache_directory", lambda: tmp_path / "cache")
    thresholds.forget_stored()
    yield
    thresholds.forget_stored()


def tune(values: dict[str, int]) -> None:
    store_thresholds(values, torch.get_num_threads())
    thresholds.forget_stored()


def recipe(folder: Path) -> Resolved:
    data = folder / "pairs.tsv"
    lines = (f"w{n:02}\tW {n:02}\n" for n in range(90))
    data.write_text("".join(lines), encoding="utf-8")
    changes = {
        "training.minutes": None, "training.updates": 8, "training.warmup": 2,
        "validation.every": 4, "model.dropout": 0.0, "validation.verdict": False,
        "validation.metric": "loss", "data.train": [str(data)],
    }  # fmt: skip
    return resolve("translate", SMALL | changes)


def contents(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in COMPARED}


def recorded(run: Path) -> dict[str, int]:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))[THRESHOLDS]


def cut(run: Path, after: int = 3) -> None:
    steps = training_steps(recipe(run.parent), run, quiet=True)
    for _ in range(after):
        next(steps)
    steps.close()


def test_a_resumed_run_ignores_a_later_tuning(tmp_path: Path) -> None:
    train(recipe(tmp_path), tmp_path / "whole", quiet=True)
    cut(tmp_path / "cut")
    tune(TUNED)
    train(recipe(tmp_path), tmp_path / "cut", quiet=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert recorded(tmp_path / "cut") == thresholds.defaults()
    train(recipe(tmp_path), tmp_path / "tuned", quiet=True)
    assert contents(tmp_path / "tuned") != contents(tmp_path / "whole")
    assert recorded(tmp_path / "tuned") == thresholds.defaults() | TUNED


def test_a_resumed_run_keeps_its_tuning_on_a_machine_without_measurements(tmp_path: Path) -> None:
    tune(TUNED)
    train(recipe(tmp_path), tmp_path / "whole", quiet=True)
    cut(tmp_path / "cut")
    tune({})
    train(recipe(tmp_path), tmp_path / "cut", quiet=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_run_of_an_earlier_version_keeps_the_defaults(tmp_path: Path) -> None:
    train(recipe(tmp_path), tmp_path / "whole", quiet=True)
    cut(tmp_path / "cut")
    path = tmp_path / "cut" / "run.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    del state[THRESHOLDS], state[SEAL]
    path.write_text(sealed_text(state), encoding="utf-8")
    tune(TUNED)
    train(recipe(tmp_path), tmp_path / "cut", quiet=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_continued_run_keeps_the_thresholds_of_the_first_one(tmp_path: Path) -> None:
    train(recipe(tmp_path), tmp_path / "short", quiet=True)
    tune(TUNED)
    given = {"continue_from": str(tmp_path / "short"), "training.updates": 4}
    train(resolve(None, given), tmp_path / "more", quiet=True)
    assert recorded(tmp_path / "more") == recorded(tmp_path / "short") == thresholds.defaults()


def test_two_alternating_trainings_do_not_change_each_other(tmp_path: Path) -> None:
    train(recipe(tmp_path), tmp_path / "whole", quiet=True)
    plain = training_steps(recipe(tmp_path), tmp_path / "plain", quiet=True)
    next(plain)
    tune(TUNED)
    tuned = training_steps(recipe(tmp_path), tmp_path / "tuned", quiet=True)
    for _ in zip(plain, tuned, strict=False):
        assert thresholds.current() == thresholds.defaults() | TUNED
    for _ in tuned:
        pass
    assert contents(tmp_path / "plain") == contents(tmp_path / "whole")
    train(recipe(tmp_path), tmp_path / "alone", quiet=True)
    assert contents(tmp_path / "tuned") == contents(tmp_path / "alone")
