"""Run the cells of a comparison on a Ray cluster."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from whyformer.foundation.errors import MissingExtraError
from whyformer.workflows.compare.running import Place, Run, failure, run_place


@contextlib.contextmanager
def ray_cluster() -> Iterator[tuple[Run, int]]:
    """Connect to the cluster in RAY_ADDRESS, or start Ray on this machine if it is not set.

    All machines must see the directory of the comparison, and the data, under the same paths.
    The context gives what runs cells, and the number of trainings that fit on the cluster: one for
    each GPU, or one for each core if there is no GPU.

    Raises: MissingExtraError without Ray.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingExtraError("ray", "ray") from None
    mine = not ray.is_initialized()
    if mine:
        address = os.environ.get("RAY_ADDRESS")
        ray.init(address=address, include_dashboard=False, log_to_driver=False)
    try:
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        task = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_retries=0)(run_place)

        def run(
            places: Sequence[Place], workers: int, finished: Callable[[Place, float], None]
        ) -> None:
            _run(ray, task, places, workers, finished)

        yield run, max(1, gpus or int(resources.get("CPU", 1)))
    finally:
        if mine:
            ray.shutdown()


def _run(
    ray: Any,
    task: Any,
    places: Sequence[Place],
    workers: int,
    finished: Callable[[Place, float], None],
) -> None:
    """Run cells as `running.run_cells` does. If this process is stopped, the tasks are canceled,
    and their trainings write checkpoints."""
    waiting = [one for one in places if not one.cell.is_in(one.directory)]
    running: dict[Any, tuple[Place, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                place = waiting.pop(0)
                running[task.remote(place)] = place, time.monotonic()
            ready, _ = ray.wait(list(running), num_returns=1)
            place, began = running.pop(ready[0])
            code = ray.get(ready[0])
            if code:
                raise failure(place, code)
            finished(place, time.monotonic() - began)
    finally:
        for one in running:
            ray.cancel(one)
        if running:
            ray.wait(list(running), num_returns=len(running), timeout=60)
