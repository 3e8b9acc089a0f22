"""The grid: filled once, gone on with where it stopped, the same on every engine."""

import importlib.util
import json
import math
from dataclasses import replace

import pytest

from whyformer.foundation.errors import MissingExtraError, WhyformerError
from whyformer.foundation.machine import machine
from whyformer.lab.experiments.scaling import EXPERIMENT, experiment
from whyformer.lab.method import runner
from whyformer.lab.method.experiment import Experiment, Mode, Part
from whyformer.lab.method.runner import Engine, cells_of, measure, plain, read_cells, run

WIDTHS = (1, 2, 3)


def small(*, rows: int = 200, timed: bool = False, revision: int = 1) -> Experiment:
    """Return the example with few draws of narrow vectors: workers find its measure by name."""

    def conditions(mode: Mode) -> list[dict]:
        return [{"d_k": d, "n": 4, "law": "normal", "rows": rows} for d in WIDTHS]

    seeds = {Mode.QUICK: 2, Mode.FULL: 3}
    part = Part("scores", experiment.measure_scores, conditions, seeds, timed)
    return replace(EXPERIMENT, parts=(part,), revision=revision)


@pytest.fixture
def here(monkeypatch):
    """Measure in this process and note what was measured: a worker takes seconds to start."""
    measured = []

    def in_this_process(works, workers, engine):
        for work in works:
            measured.append(work)
            yield work, *measure(work)

    monkeypatch.setattr(runner, "_measured", in_this_process)
    return measured


def test_the_grid_is_conditions_times_seeds():
    grid = list(cells_of(small(), Mode.QUICK))
    assert len(grid) == len(WIDTHS) * 2 == len({work.key for work in grid})
    assert len(list(cells_of(small(), Mode.FULL))) == len(WIDTHS) * 3
    assert len(list(cells_of(small(), Mode.QUICK, seeds=5))) == len(WIDTHS) * 5


def test_a_cell_is_known_by_all_that_could_change_it():
    keys = [work.key for work in cells_of(small(), Mode.QUICK)]
    assert keys == [work.key for work in cells_of(small(), Mode.QUICK)]
    assert not set(keys) & {w.key for w in cells_of(small(rows=400), Mode.QUICK)}
    assert not set(keys) & {w.key for w in cells_of(small(revision=2), Mode.QUICK)}


def test_a_run_fills_the_grid_and_tells_how_far_it_is(tmp_path, here):
    steps = []
    results = run(small(), Mode.QUICK, tmp_path, progress=lambda *s: steps.append(s))
    assert steps == [(done, 6) for done in range(7)]
    assert results.levels("scores", "d_k") == list(WIDTHS)
    assert len(results.values("scores", "none/std", d_k=2)) == 2
    assert all(cell.seconds > 0 for cell in results.cells)


def test_a_stopped_run_goes_on(tmp_path, here):
    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(small(), Mode.QUICK, tmp_path, progress=stop)
    assert len(here) == 4
    whole = run(small(), Mode.QUICK, tmp_path)
    assert len(here) == 6
    assert len({(str(w.settings), w.seed) for w in here}) == 6
    run(small(), Mode.QUICK, tmp_path)
    assert len(here) == 6
    fresh = run(small(), Mode.QUICK, tmp_path / "other")
    assert [c.numbers for c in fresh.cells] == [c.numbers for c in whole.cells]


def test_more_seeds_keep_those_that_are_measured(tmp_path, here):
    run(small(), Mode.QUICK, tmp_path)
    run(small(), Mode.QUICK, tmp_path, seeds=3)
    assert [work.seed for work in here[6:]] == [2, 2, 2]


def test_a_torn_last_line_is_measured_again(tmp_path, here):
    first = run(small(), Mode.QUICK, tmp_path)
    journal = tmp_path / "cells.jsonl"
    text = journal.read_text()
    journal.write_text(text[: -len(text.splitlines()[-1]) // 2])
    assert len(read_cells(journal)) == 5
    again = run(small(), Mode.QUICK, tmp_path)
    assert len(here) == 7
    assert again.cells[-1].numbers == first.cells[-1].numbers
    assert len(read_cells(journal)) == 6, "the torn line must not swallow the next one"


def test_a_number_that_broke_down_comes_back_as_nan(tmp_path):
    line = {"key": "k", "part": "p", "settings": {}, "seed": 0, "seconds": 1.0}
    numbers = plain({"loss": math.inf, "curve": [1, math.nan], "steps": 3, "name": "x"})
    assert numbers == {"loss": None, "curve": [1, None], "steps": 3, "name": "x"}
    (tmp_path / "cells.jsonl").write_text(json.dumps({**line, "numbers": numbers}) + "\n")
    (cell,) = read_cells(tmp_path / "cells.jsonl").values()
    assert math.isnan(cell.numbers["loss"])
    assert math.isnan(cell.numbers["curve"][1])


def test_a_number_that_broke_down_is_nan_in_the_run_that_measured_it(tmp_path, monkeypatch):
    def measured(works, workers, engine):
        return ((work, {"std": None, "rows": [1.0, None]}, 0.1) for work in works)

    monkeypatch.setattr(runner, "_measured", measured)
    for _ in range(2):  # measured, then read
        cell = run(small(), Mode.QUICK, tmp_path).cells[0]
        assert math.isnan(cell.numbers["std"])
        assert math.isnan(cell.numbers["rows"][1])


def test_numbers_are_kept_with_six_digits():
    assert plain([1 / 3, 123456789.0, 1e-12 / 3, True, 7]) == [
        0.333333, 123457000.0, 3.33333e-13, True, 7,
    ]  # fmt: skip


def test_a_measurement_that_fails_names_its_cell(tmp_path, monkeypatch):
    def broken(works, workers, engine):
        for work in works:
            yield work, *runner._result(work, lambda: 1 / 0)

    monkeypatch.setattr(runner, "_measured", broken)
    with pytest.raises(WhyformerError, match=r"`scaling` stopped at part scores \(d_k 1, n 4.*seed "
                       r"0: ZeroDivisionError.* the same command again"):  # fmt: skip
        run(small(), Mode.QUICK, tmp_path)


def test_what_reads_the_clock_runs_alone(tmp_path, monkeypatch):
    hands = []

    def note(works, workers, engine):
        if works:
            hands.append(workers)
        for work in works:
            yield work, *measure(work)

    monkeypatch.setattr(runner, "_measured", note)
    run(small(timed=True), Mode.QUICK, tmp_path, workers=4)
    assert hands == [1]


@pytest.mark.slow
def test_two_processes_measure_what_one_does(tmp_path):
    spread = run(small(), Mode.QUICK, tmp_path, workers=2)
    alone = [measure(work)[0] for work in cells_of(small(), Mode.QUICK)]
    assert [cell.numbers for cell in spread.cells] == alone
    assert len(read_cells(tmp_path / "cells.jsonl")) == 6


def test_the_machine_says_what_a_reader_needs():
    assert {"python", "torch", "machine", "cores", "threads"} <= set(machine())


def test_without_ray_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyformer\[ray\]"'):
        run(small(), Mode.QUICK, tmp_path, engine=Engine.RAY)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ray itself
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason='ray is not installed: pip install "whyformer[ray]"',
)
def test_a_ray_cluster_of_two_measures_what_one_process_does(tmp_path):
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        spread = run(small(), Mode.QUICK, tmp_path, engine=Engine.RAY)
        assert len(read_cells(tmp_path / "cells.jsonl")) == 6
        again = run(small(timed=True), Mode.QUICK, tmp_path / "one", engine=Engine.RAY)
    finally:
        ray.shutdown()
    alone = [measure(work)[0] for work in cells_of(small(), Mode.QUICK)]
    assert [cell.numbers for cell in spread.cells] == alone
    assert [cell.numbers for cell in again.cells] == alone
