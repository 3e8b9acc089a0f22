"""The record of a question's run: a small JSON file with every number that its page shows."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import DataError
from whyformer.foundation.files import write_text
from whyformer.foundation.machine import machine
from whyformer.foundation.parsing import read_json
from whyformer.lab.method.criterion import criterion_of, now
from whyformer.lab.method.experiment import Experiment, Mode, Results, Settings
from whyformer.lab.method.runner import cell_from_json, cells_of, plain
from whyformer.lab.method.statistics import Estimate

FORMAT = 1
PUBLISHED = Path(__file__).parents[1] / "published"
"""The results that are part of the package. Each file states whether the run was quick or full."""


@dataclass(frozen=True)
class Record:
    """The cells of a run and their origin.

    Args:
        revision: the revision of the experiment that measured the cells.
        config: hash of the conditions and seeds; see `config_of`.
        made: versions, machine and seconds, recorded by the run.
    """

    question: str
    revision: int
    config: str
    results: Results
    made: Mapping[str, Any]


def config_of(experiment: Experiment, grid: Iterable[tuple[str, Settings, int]]) -> str:
    """Return a hash of the conditions, the seeds and the experiment's revision."""
    lines = sorted(json.dumps([part, dict(s), seed], sort_keys=True) for part, s, seed in grid)
    whole = [experiment.name, experiment.revision, *lines]
    return hashlib.sha256("\n".join(map(str, whole)).encode()).hexdigest()[:16]


def current_config(experiment: Experiment, mode: Mode) -> str:
    """Return the hash that the current code would write into a record."""
    return config_of(experiment, ((w.part, w.settings, w.seed) for w in cells_of(experiment, mode)))


def write_record(
    path: Path,
    experiment: Experiment,
    results: Results,
    *,
    wall_seconds: float,
    reused: int = 0,
    registered: Mapping[str, Any] | None = None,
    made: Mapping[str, Any] | None = None,
) -> None:
    """Write a run as JSON, atomically.

    The file also contains verdicts and estimates, for readers. The pages do not use these verdicts
    and estimates, but compute them again from the cells.
    Args:
        reused: number of cells from an earlier run.
        registered: the criterion that the run registered before its first measurement, see
            `register`.
        made: versions and machine, if they are not those of now.
    """
    cells = results.cells
    head = {
        "format": FORMAT,
        "question": experiment.name,
        "revision": experiment.revision,
        "mode": str(results.mode),
        "config": config_of(experiment, ((c.part, c.settings, c.seed) for c in cells)),
        "whyformer": metadata.version("whyformer"),
        "machine": machine(),
        "cell_seconds": round(sum(c.seconds for c in cells), 1),
        "wall_seconds": round(wall_seconds, 1),
        "cells_from_an_earlier_start": reused,
        **(made or {}),
    }
    if not experiment.command:
        head["measured"] = now()
        head["registered"] = None if registered is None else dict(registered)
        head["criterion"] = criterion_of(experiment.name)
    _write(path, head, experiment, results)


def judge_again(path: Path, experiment: Experiment) -> None:
    """Replace the verdicts and estimates of a record by those of the current code.

    The cells and their origin stay as they are. Use this after a change of a claim or of the
    statistics.
    """
    record = read_record(path)
    _write(path, record.made, experiment, record.results)


def read_record(path: Path) -> Record:
    """Read the record of a run. Raises: DataError when the file is not a valid record."""
    try:
        one = read_json(path)
        if one["format"] != FORMAT:
            raise DataError(
                f"`{path}` has format {one['format']}, but this version reads only format {FORMAT}."
            )
        cells = [
            cell_from_json(
                {
                    "part": group["part"],
                    "settings": group["settings"],
                    "seed": seed,
                    "numbers": {name: values[k] for name, values in group["numbers"].items()},
                    "seconds": group["seconds"][k],
                }
            )
            for group in one["cells"]
            for k, seed in enumerate(group["seeds"])
        ]
        results = Results(Mode(one["mode"]), cells)
        made = {k: v for k, v in one.items() if k not in ("cells", "verdicts", "estimates")}
        return Record(one["question"], one["revision"], one["config"], results, made)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"`{path}` is not the result of a question ({type(error).__name__}: {error}). "
            "Use a file that `whyformer lab run` has written."
        ) from None


def result_of(name: str, directory: Path = PUBLISHED) -> Record | None:
    """Return the record of a question, or None if there is none."""
    path = directory / f"{name}.json"
    return read_record(path) if path.is_file() else None


def _write(path: Path, head: Mapping[str, Any], experiment: Experiment, results: Results) -> None:
    verdicts = {
        name: {"verdict": j.verdict, "holds": j.holds, "fails": j.fails, "open": j.open}
        for name, j in experiment.judge(results).items()
    }
    estimates = {name: _estimate(e) for name, e in experiment.numbers(results).items()}
    parts = [
        *(f'"{name}": {_json(value)}' for name, value in head.items()),
        f'"verdicts": {{\n{_block(verdicts)}\n}}',
        f'"estimates": {{\n{_block(estimates)}\n}}',
        '"cells": [\n' + ",\n".join(map(_json, _grouped(results))) + "\n]",
    ]
    write_text(path, "{\n" + ",\n".join(parts) + "\n}\n")


def _grouped(results: Results) -> Iterable[dict[str, Any]]:
    """Yield each condition with the values of all its seeds as lists."""
    groups: dict[str, dict[str, Any]] = {}
    for cell in results.cells:
        names = list(cell.numbers)
        key = json.dumps([cell.part, dict(cell.settings), names], sort_keys=True)
        group = groups.setdefault(
            key,
            {
                "part": cell.part,
                "settings": dict(cell.settings),
                "seeds": [],
                "seconds": [],
                "numbers": {name: [] for name in names},
            },
        )
        group["seeds"].append(cell.seed)
        group["seconds"].append(round(cell.seconds, 2))
        for name in names:
            group["numbers"][name].append(plain(cell.numbers[name]))
    return groups.values()


def _estimate(e: Estimate) -> dict[str, Any]:
    ends = {"value": e.value, "low": e.low, "high": e.high}
    return {**plain(ends), "seeds": e.seeds, "spread": e.spread}


def _block(entries: Mapping[str, Any]) -> str:
    return ",\n".join(f" {_json(name)}: {_json(value)}" for name, value in entries.items())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
