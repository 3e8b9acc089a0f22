"""Cells run on a Ray cluster as they do in processes of this machine."""

import importlib.util
import json

import pytest

from whyformer.foundation.errors import MissingExtraError
from whyformer.recipes.recipe import dump, resolve
from whyformer.workflows.compare.cell import RESULT, Cell
from whyformer.workflows.compare.on_ray import ray_cluster
from whyformer.workflows.compare.running import Place

TINY = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.encoder_layers": 1,
    "model.decoder_layers": 1, "training.updates": 2, "training.warmup": 0,
    "validation.sentences": 4, "validation.verdict": False, "training.convert": False,
}  # fmt: skip


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyformer\[ray\]"'), ray_cluster():
        pass


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
