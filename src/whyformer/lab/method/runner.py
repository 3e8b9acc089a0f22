"""Measure the cells of an experiment in worker processes, and resume a stopped run."""

import hashlib
import json
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import MissingExtraError, WhyformerError
from whyformer.lab.method.experiment import Cell, Experiment, Mode, Numbers, Part, Results, Settings

Progress = Callable[[int, int], None]
"""Function that is called with the number of measured cells and the number of all cells."""


class Engine(StrEnum):
    """Where the cells are measured."""

    PROCESSES = "processes"
    """Worker processes on this machine, with one thread each."""
    RAY = "ray"
    """A Ray cluster: the cluster in RAY_ADDRESS if this variable is set, otherwise a local one."""


@dataclass(frozen=True)
class Work:
    """A cell that is not measured yet."""

    experiment: str
    part: str
    settings: Settings
    seed: int
    key: str


def cells_of(experiment: Experiment, mode: Mode, seeds: int | None = None) -> Iterator[Work]:
    """Yield each cell of the grid. Args: seeds: number of seeds; None uses the mode's number."""
    for part in experiment.parts:
        for settings in part.conditions(mode):
            for seed in range(part.seeds[mode] if seeds is None else seeds):
                yield Work(
                    experiment.name,
                    part.name,
                    settings,
                    seed,
                    _key(experiment, part, settings, seed),
                )


def run(
    experiment: Experiment,
    mode: Mode,
    directory: Path,
    *,
    seeds: int | None = None,
    workers: int | None = None,
    engine: Engine = Engine.PROCESSES,
    progress: Progress | None = None,
) -> Results:
    """Measure the cells that ``directory`` does not contain yet, and return the complete results.

    Each cell is written to ``cells.jsonl`` as soon as it is measured, so a stopped run can resume.
    Raises: WhyformerError with the name of the cell whose measurement failed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    journal = directory / "cells.jsonl"
    known = read_cells(journal)
    grid = list(cells_of(experiment, mode, seeds))
    missing = [work for work in grid if work.key not in known]
    done = len(grid) - len(missing)
    if progress is not None:
        progress(done, len(grid))
    timed = {part.name for part in experiment.parts if part.timed}
    together = [work for work in missing if work.part not in timed]
    alone = [work for work in missing if work.part in timed]
    with journal.open("a", encoding="utf-8", newline="\n") as file:
        if file.tell() and not journal.read_bytes().endswith(b"\n"):
            file.write("\n")  # an incomplete line after a crash must not merge with the next line
        for batch, hands in ((together, workers), (alone, 1)):
            for work, numbers, seconds in _measured(batch, hands, engine):
                known[work.key] = Cell(
                    work.part, work.settings, work.seed, _restored(numbers), seconds
                )
                line = {
                    "key": work.key, "part": work.part, "settings": dict(work.settings),
                    "seed": work.seed, "numbers": numbers, "seconds": round(seconds, 2),
                }  # fmt: skip
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                done += 1
                if progress is not None:
                    progress(done, len(grid))
    return Results(mode, [known[work.key] for work in grid])


def read_cells(journal: Path) -> dict[str, Cell]:
    """Read the cells of a journal; incomplete lines after a crash are ignored."""
    found: dict[str, Cell] = {}
    if journal.exists():
        for line in journal.read_text(encoding="utf-8").splitlines():
            try:
                one = json.loads(line)
            except json.JSONDecodeError:
                continue
            found[one["key"]] = cell_from_json(one)
    return found


def cell_from_json(one: dict[str, Any]) -> Cell:
    """Return a cell from its JSON values; null stands for a number that is not finite."""
    return Cell(
        one["part"], one["settings"], one["seed"], _restored(one["numbers"]), one["seconds"]
    )


def measure(work: Work) -> tuple[Numbers, float]:
    """Measure one cell in this process. Returns: the measured numbers, and the time in seconds."""
    import torch

    from whyformer.foundation.randomness import seed_everything
    from whyformer.lab.method.questions import experiment_named

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    seed_everything(work.seed)
    began = time.perf_counter()
    numbers = experiment_named(work.experiment).part(work.part).measure(work.settings, work.seed)
    return plain(numbers), time.perf_counter() - began


def _measured(
    works: Sequence[Work], workers: int | None, engine: Engine
) -> Iterator[tuple[Work, Numbers, float]]:
    """Yield cells as they are measured. Args: workers: maximum number of cells that are measured at
    the same time; None means one per core, or all cells with Ray."""
    if not works:
        return
    if engine is Engine.RAY:
        yield from _on_ray(works, workers or len(works))
        return
    workers = workers or os.cpu_count() or 1
    # Each worker starts a new interpreter, because torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(min(workers, len(works)), context, _leave_interrupts_to_the_parent)
    try:
        futures = {pool.submit(measure, work): work for work in works}
        for future in as_completed(futures):
            work = futures[future]
            numbers, seconds = _result(work, future.result)
            yield work, numbers, seconds
    except BaseException:  # after any error or Ctrl-C, cancel the remaining measurements
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    pool.shutdown()


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _on_ray(works: Sequence[Work], at_a_time: int) -> Iterator[tuple[Work, Numbers, float]]:
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingExtraError("ray", "ray") from None
    mine = not ray.is_initialized()
    if mine:
        ray.init(
            address=os.environ.get("RAY_ADDRESS"), include_dashboard=False, log_to_driver=False
        )
    try:
        remote = ray.remote(num_cpus=1)(measure)
        left, waiting = list(reversed(works)), {}
        while left or waiting:
            while left and len(waiting) < at_a_time:
                work = left.pop()
                waiting[remote.remote(work)] = work
            ready, _ = ray.wait(list(waiting), num_returns=1)
            for one in ready:
                work = waiting.pop(one)
                numbers, seconds = _result(work, lambda one=one: ray.get(one))
                yield work, numbers, seconds
    finally:
        if mine:
            ray.shutdown()


def _result(work: Work, get: Callable[[], tuple[Numbers, float]]) -> tuple[Numbers, float]:
    try:
        return get()
    except Exception as error:
        said = ", ".join(f"{name} {value}" for name, value in work.settings.items())
        raise WhyformerError(
            f"The measurement `{work.experiment}` stopped at part {work.part} ({said}), seed "
            f"{work.seed}: {type(error).__name__}: {error}. Earlier measurements are saved. Run "
            "the same command again to resume."
        ) from error


def _key(experiment: Experiment, part: Part, settings: Settings, seed: int) -> str:
    whole = [experiment.name, experiment.revision, part.name, dict(settings), seed]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """Convert to JSON values: numbers with six significant digits, and null if not finite."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    number = float(value)
    return float(f"{number:.6g}") if math.isfinite(number) else None


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _restored(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_restored(one) for one in value]
    return math.nan if value is None else value
