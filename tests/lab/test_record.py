"""What a run leaves: read back as it was, honest about its making, current where published."""

import json
import math

import pytest

from made_up_scaling import made
from whyformer.foundation.errors import DataError
from whyformer.lab.experiments.scaling import EXPERIMENT
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import (
    PUBLISHED,
    config_of,
    current_config,
    judge_again,
    read_record,
    result_of,
    write_record,
)

PUBLISHED_NAMES = [name for name in written() if (PUBLISHED / f"{name}.json").is_file()]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "scaling.json"
    write_record(path, EXPERIMENT, made(Mode.FULL), wall_seconds=12.34, reused=3)
    return path


def key(cell: Cell) -> tuple:
    return cell.part, str(dict(cell.settings)), cell.seed


def test_a_record_comes_back_as_it_was(path):
    record, results = read_record(path), made(Mode.FULL)
    assert record.results.mode is Mode.FULL
    assert list(map(key, record.results.cells)) == list(map(key, results.cells))
    for seen, written_ in zip(record.results.cells, results.cells, strict=True):
        assert seen.numbers == pytest.approx(dict(written_.numbers), rel=1e-5)
    assert EXPERIMENT.judge(record.results) == EXPERIMENT.judge(results)


def test_a_record_tells_where_it_comes_from(path):
    made_by = read_record(path).made
    assert made_by["wall_seconds"] == 12.3
    assert made_by["cells_from_an_earlier_start"] == 3
    assert {"python", "torch", "cores"} <= set(made_by["machine"])
    assert made_by["config"] == read_record(path).config


def test_readers_find_verdicts_and_estimates_in_it(path):
    found = json.loads(path.read_text())
    assert found["verdicts"]["variance"]["verdict"] == "supported"
    assert set(found["estimates"]) == set(EXPERIMENT.numbers(made(Mode.FULL)))


def test_a_record_is_judged_again_without_a_change_of_its_cells(path, tmp_path):
    old = json.loads(path.read_text())
    again = tmp_path / "scaling.json"
    again.write_text(json.dumps({**old, "verdicts": {}, "estimates": {}}))
    judge_again(again, EXPERIMENT)
    judged = json.loads(again.read_text())
    assert list(judged) == list(old)
    assert {**judged, "estimates": {}} == {**old, "estimates": {}}
    assert judged["estimates"].keys() == old["estimates"].keys()


def test_a_condition_is_one_line_so_that_changes_can_be_read(path):
    lines = [line for line in path.read_text().splitlines() if line.startswith('{"part"')]
    assert len(lines) == sum(len(part.conditions(Mode.FULL)) for part in EXPERIMENT.parts)


def test_the_hash_is_of_conditions_seeds_and_revision():
    grid = [("scores", {"a": 1, "b": 2}, 0), ("scores", {"a": 2}, 0)]
    same = config_of(EXPERIMENT, [("scores", {"a": 2}, 0), ("scores", {"b": 2, "a": 1}, 0)])
    assert config_of(EXPERIMENT, grid) == same
    assert config_of(EXPERIMENT, [*grid, ("scores", {"a": 2}, 1)]) != same
    assert current_config(EXPERIMENT, Mode.FULL) != current_config(EXPERIMENT, Mode.QUICK)


def test_what_broke_down_is_kept_as_null(tmp_path):
    results = made(Mode.QUICK)
    broken = [
        Cell(c.part, c.settings, c.seed, {"loss": math.nan}, 1.0) if c.part == "training" else c
        for c in results.cells
    ]
    path = tmp_path / "scaling.json"
    write_record(path, EXPERIMENT, Results(Mode.QUICK, broken), wall_seconds=0)
    assert '"loss": [null' in path.read_text()
    again = read_record(path).results.values("training", "loss", arm="none")
    assert all(math.isnan(value) for value in again)


CELL = '{"part": "a", "settings": {}, "seeds": [1, 2], "seconds": [1], "numbers": {"x": [1]}}'
"""Of two seeds, but with the numbers of one."""
SHORT = f'{{"format": 1, "mode": "quick", "cells": [{CELL}]}}'


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1}', '{"format": 9}', SHORT, "[" * 100_000]
)
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"is not the result of a question|reads only format 1"):
        read_record(tmp_path / "x.json")
    assert result_of("y", tmp_path) is None


@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_what_is_published_was_measured_by_this_code(name):
    experiment, record = experiment_named(name), result_of(name)
    assert record is not None
    assert record.revision == experiment.revision
    assert record.config == current_config(experiment, record.results.mode), "the grid has changed"


@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_published_verdicts_follow_from_the_published_cells(name):
    experiment, record = experiment_named(name), result_of(name)
    assert record is not None
    told = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    judged = experiment.judge(record.results)
    assert {n: one["verdict"] for n, one in told["verdicts"].items()} == {
        n: str(one.verdict) for n, one in judged.items()
    }
