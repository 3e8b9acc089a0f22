"""Cells run on a Ray cluster as they do in processes of this machine."""

import importlib.util
import json
import sys
from types import SimpleNamespace

import pytest

from whyformer.foundation.errors import DataError, MissingExtraError
from whyformer.recipes.recipe import dump, resolve
from whyformer.workflows.compare.cell import RESULT, Cell
from whyformer.workflows.compare.on_ray import ray_cluster
from whyformer.workflows.compare.running import LOG, Place

TINY = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.encoder_layers": 1,
    "model.decoder_layers": 1, "training.updates": 2, "training.warmup": 0,
    "validation.sentences": 4, "validation.verdict": False, "training.convert": False,
}  # fmt: skip


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyformer\[ray\]"'), ray_cluster():
        pass


class OneCore:
    """The part of Ray that is used, on a cluster with one core: tasks run as they are waited for.

    Args: codes: the exit code of each directory.
    """

    def __init__(self, codes: dict[str, int]) -> None:
        self.codes, self.running, self.canceled = codes, 0, []

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 1.0}

    def remote(self, **options):
        assert options == {"num_cpus": 1, "num_gpus": 0, "max_retries": 0}
        return lambda task: SimpleNamespace(remote=lambda place: place.directory.name)

    def wait(self, tasks, *, num_returns, timeout=None):
        self.running = max(self.running, len(tasks))
        return tasks[:num_returns], tasks[num_returns:]

    def get(self, task: str) -> int:
        return self.codes[task]

    def cancel(self, task: str) -> None:
        self.canceled.append(task)


def test_a_failed_task_cancels_the_others_and_finished_cells_are_not_sent(tmp_path, monkeypatch):
    places = [Place(Cell("base", n, None, ""), tmp_path / f"{n}") for n in range(1, 6)]
    for place in places:
        place.cell.write(place.directory)
        (place.directory / LOG).write_text("no disk", encoding="utf-8")
    (places[0].directory / RESULT).write_text("{}", encoding="utf-8")
    ray = OneCore({"2": 0, "3": 1, "4": 0, "5": 0})
    monkeypatch.setitem(sys.modules, "ray", ray)
    done: list[int] = []
    with ray_cluster() as (run, fitting):
        assert fitting == 1
        with pytest.raises(DataError, match="`base` with seed 3 failed: no disk"):
            run(places, 2, lambda place, seconds: done.append(place.cell.seed))
    assert done == [2]
    assert ray.running == 2
    assert ray.canceled == ["4"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ray itself
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason='ray is not installed: pip install "whyformer[ray]"',
)
def test_cells_run_on_a_cluster_once_and_a_failed_cell_says_why(tmp_path):
    import ray

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        text = dump(resolve("copy", TINY).recipe)
        places = [Place(Cell("base", n, None, text), tmp_path / f"{n}") for n in (1, 2)]
        done: list[int] = []
        with ray_cluster() as (run, fitting):
            assert fitting == 1
            run(places, 2, lambda place, seconds: done.append(place.cell.seed))
            run(places, 2, lambda place, seconds: done.append(place.cell.seed))
            wrong = Place(Cell("wide", 1, None, "task: translat\n"), tmp_path / "wrong")
            with pytest.raises(Exception, match=r"The arm `wide` with seed 1 failed: .*translat"):
                run([wrong], 1, lambda place, seconds: None)
        assert sorted(done) == [1, 2]
        assert json.loads((places[0].directory / RESULT).read_text())["updates"] == 2
    finally:
        ray.shutdown()
