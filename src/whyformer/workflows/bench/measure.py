"""Measure the speed of a recipe on this machine: hardware limits, training, decoding, start-up."""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from whyformer import __version__
from whyformer.bundle import load_bundle
from whyformer.data.made_up import made_up_pairs
from whyformer.data.reading import pair_files
from whyformer.foundation.errors import DataError, UsageError
from whyformer.models.build import SourceModel
from whyformer.recipes.recipe import Recipe, Resolved
from whyformer.recipes.task_declaration import TASKS, ItemForm
from whyformer.tasks.build import open_task
from whyformer.tasks.translation import Translation
from whyformer.workflows.bench.engines import (
    SENTENCES,
    convert_for_engines,
    fresh_run,
    measure_decoding,
    sentences_of,
)
from whyformer.workflows.bench.process import (
    ROUNDS,
    BenchError,
    Programs,
    Say,
    contender,
    most_memory,
    spread,
)
from whyformer.workflows.evaluate import read_parallel

GENERATED_PAIRS = 20_000
CEILING_SECONDS = 0.6
TRAINING_SHARE = DECODING_SHARE = 0.4
"""Fractions of the requested seconds for training and for decoding. The remaining time is for
starting programs."""
QUIET_CORES = 0.1
"""If other programs use more than this number of cores, the output warns of a busy machine."""


def bench(
    resolved: Resolved,
    programs: Programs,
    *,
    run: Path | None = None,
    source: Path | None = None,
    references: Sequence[Path] = (),
    seconds: float = 45.0,
    say: Say = lambda text: None,
) -> dict[str, Any]:
    """Run the measurements and return the results by name.

    Args:
        run: decode with this run; None uses an untrained model of the recipe, whose outputs all
            have the median length of the data.
        source: file of sentences to decode, one per line; None uses the dev set.
        references: references of ``source``, for scores in addition to speeds.
        seconds: approximate computation time, without the time to start programs.
    Raises: UsageError for arguments that cannot be combined; ConfigError and DataError for invalid
        data.
    """
    if seconds <= 0:
        raise UsageError(f"`--seconds` must be above 0, but is {seconds:g}.")
    if references and (run is None or source is None):
        raise UsageError(
            "`--references` needs --run and --source, because the run translates the "
            "source, and its translations are scored. Give all three."
        )
    scored = read_parallel(source, references) if source and references else ([], [])
    with tempfile.TemporaryDirectory(prefix="whyformer-bench-") as place:
        scratch = Path(place)
        say("Preparing the data …")
        recipe, origin = with_data(resolved.recipe, scratch)
        task = open_task(recipe, scratch / "data")
        if isinstance(task, Translation) and run is not None:
            _refuse_other_models(run)
        found: dict[str, Any] = {
            "whyformer": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
            "recipe": resolved.name,
            "task": recipe.task,
            "model": f"{recipe.model.family}, {recipe.model.summary}",
            "data": origin,
            "run": None if run is None else str(run),
            "rounds": ROUNDS,
            "seconds": seconds,
        }
        others: list[float] = []
        found |= _training(recipe, scratch, programs, TRAINING_SHARE * seconds, others, say)
        if isinstance(task, Translation):
            texts = sentences_of(task, source)
            decoded = run or fresh_run(task, scratch / "run")
            search = load_bundle(decoded).facts.get("decoding", {})
            engines = convert_for_engines(decoded, programs, scratch, source, references, say)
            share = DECODING_SHARE * seconds
            found |= measure_decoding(
                engines, search, texts, scored, programs, scratch, share, others, say
            )
        else:
            found |= {
                "decoding": None,
                "quality": None,
                "left_out": {"decoding": f"the task {recipe.task} does not translate"},
            }
            decoded = None
        found["starting"] = _starting(programs, decoded, say)
        found["cores_used_by_others"] = statistics.mean(others) if others else None
        return found


def _refuse_other_models(run: Path) -> None:
    """Raise UsageError before any measurement if the task of a run is not translation."""
    model = load_bundle(run).model
    if not isinstance(model, SourceModel):
        raise UsageError(
            f"`{run}` holds a model of kind `{model.settings.family}`, which does not translate. "
            "Give a run of the task `translate`."
        )


def with_data(recipe: Recipe, scratch: Path) -> tuple[Recipe, str]:
    """Return a recipe whose data exists, and a description of the data. If the data of ``recipe``
    does not exist, use generated pairs."""
    data = recipe.data
    if TASKS[recipe.task].items is not ItemForm.PAIRS or data.builtin:
        return recipe, f"{data.builtin or ', '.join(data.train)}"
    if _are_there(recipe):
        return recipe, ", ".join(data.train)
    scratch.mkdir(parents=True, exist_ok=True)
    files = []
    for name, seed, count in (("train", 1, GENERATED_PAIRS), ("dev", 2, 2 * SENTENCES)):
        file = scratch / f"{name}.tsv"
        with file.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(f"{p.source}\t{p.target}\n" for p in made_up_pairs(count, seed=seed))
        files.append(str(file))
    made = data.model_copy(update={"train": files[:1], "dev": files[1:], "source": None,
                                   "target": None})  # fmt: skip
    origin = f"{GENERATED_PAIRS:,} generated pairs with the lengths of image captions"
    return recipe.model_copy(update={"data": made}), origin


def _are_there(recipe: Recipe) -> bool:
    names = {"source": recipe.data.source or "source", "target": recipe.data.target or "target"}
    try:
        files = [f for p in [*recipe.data.train, *recipe.data.dev] for f in pair_files(p, **names)]
    except DataError:
        return False
    return bool(recipe.data.train) and all(Path(file).exists() for file in files)


def _training(
    recipe: Recipe,
    scratch: Path,
    programs: Programs,
    seconds: float,
    others: list[float],
    say: Say,
) -> dict[str, Any]:
    """Measure hardware limits and updates alternately, in one process."""
    say("Training …")
    config = {
        "contender": "training",
        "recipe": recipe.model_dump(mode="json"),
        "data": str(scratch / "data"),
    }
    rounds: list[tuple[dict[str, Any], dict[str, Any]]] = []
    with contender("training", config, scratch, programs, programs.environment) as worker:
        about = worker.ask(do="about")
        for _ in range(ROUNDS):
            ceiling = worker.ask(do="ceilings", seconds=CEILING_SECONDS)
            share = max(0.1, seconds / ROUNDS - CEILING_SECONDS)
            rounds.append((ceiling, worker.ask(do="updates", seconds=share)))
    others += [turn["cores_used_by_others"] for both in rounds for turn in both
               if "cores_used_by_others" in turn]  # fmt: skip
    shapes = [
        {**shape, "gflops": spread([ceiling["shapes"][k]["gflops"] for ceiling, _ in rounds])}
        for k, shape in enumerate(rounds[0][0]["shapes"])
    ]
    return {
        "device": about["device"],
        "precision": about["precision"],
        "threads": about["threads"],
        "parameters": about["parameters"],
        "vocabulary": about["vocabulary"],
        "ceilings": {
            "gflops": spread([_best(ceiling) for ceiling, _ in rounds]),
            "shapes": shapes,
            "copy_gb_per_second": spread([c["copy_gb_per_second"] for c, _ in rounds]),
        },
        "training": training_summary(rounds),
    }


def training_summary(
    rounds: Sequence[tuple[dict[str, Any], dict[str, Any]]],
) -> dict[str, Any]:
    """Return the speeds over all rounds, absolute and as fractions of the hardware limits.

    Args: rounds: the measured hardware limits and updates of each round.
    """
    updates = [turn for _, turn in rounds]
    tokens = sum(turn["tokens"] for turn in updates)
    counted = all(turn["flops"] for turn in updates)
    return {
        "tokens_per_second": spread([turn["tokens"] / turn["seconds"] for turn in updates]),
        "updates_per_second": spread([turn["updates"] / turn["seconds"] for turn in updates]),
        "share_of_ceiling": spread(
            [turn["flops"] / turn["seconds"] / (1e9 * _best(c)) for c, turn in rounds]
        )
        if counted
        else None,
        "mflop_per_token": sum(turn["flops"] for turn in updates) / tokens / 1e6
        if counted
        else None,
        "tokens_per_update": tokens / sum(turn["updates"] for turn in updates),
        "updates": sum(turn["updates"] for turn in updates),
        "peak_memory_mib": most_memory(updates),
    }


def _best(ceiling: dict[str, Any]) -> float:
    return max(shape["gflops"] for shape in ceiling["shapes"])


def _starting(programs: Programs, run: Path | None, say: Say) -> dict[str, Any]:
    """Time programs from start to exit, alternately: `--help`, and one translation with a run."""
    say("Starting programs …")
    commands = {"help_seconds": [*programs.whyformer, "--help"]}
    if run is not None:
        commands["first_answer_seconds"] = [
            *(*programs.whyformer, "translate", str(run), "--text", "a"),
            *("--engine", "torch"),
        ]
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
            seconds[name].append(time.perf_counter() - began)
            if done.returncode:
                output = done.stderr.strip().splitlines() or ["no output"]
                raise BenchError(f"`{' '.join(command)}` failed: {output[-1]}")
    return {name: spread(values) for name, values in seconds.items()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
