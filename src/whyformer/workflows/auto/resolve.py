"""Resolve a recipe whose settings are chosen from the data."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from whyformer.bundle import read_outline
from whyformer.data.figures import MOST
from whyformer.data.lines import STDIN
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.torchrun import world_size
from whyformer.recipes.choice import Choice
from whyformer.recipes.recipe import SIZES, DataSettings, Resolved, resolve
from whyformer.recipes.task_declaration import OF_SOME_TASKS, TASKS
from whyformer.tasks.items import ITEMS, GivenItems, keep_items, with_kept_items
from whyformer.tasks.standard_input import spooled
from whyformer.workflows.auto.contents import task_of
from whyformer.workflows.auto.look import DataFigures, figures_of
from whyformer.workflows.auto.rules import choices_for
from whyformer.workflows.runs.run_file import CHOICES, read_run

AUTO = "auto"
"""The name on the command line for settings that are chosen from the data."""
CHOSEN_TASKS = ("translate", "language", "classify", "regress", "tag")
TYPICAL_BATCH = 1024
"""Number of tokens of a batch, to estimate the length of a run with a given number of updates."""
ENCODERS, OF_LABELS = ("bert", "electra"), ("classify", "regress", "tag")
"""The families of encoders, and the tasks that give an encoder a head for labels."""
REPLACED = {
    "text.units": ("text.source_units", "text.target_units"),
    "text.from_file": (
        "text.units", "text.vocabulary", "text.shared", "text.source_units", "text.target_units",
    ),
    "text.source_from_file": ("text.source_units",),
    "text.target_from_file": ("text.target_units",),
    "training.updates": ("training.minutes", "training.epochs"),
    "training.average": ("training.ema_decay",),
    "model.ngrams": ("model.ngram_dropout",),
}  # fmt: skip
"""For each setting that a user gives: chosen settings that are dropped, because they would override
the given one."""


def resolve_automatically(
    name: str | Path | None,
    overrides: Mapping[str, Any],
    *,
    full: bool = False,
    run: Path | None = None,
    items: Any = None,
) -> Resolved:
    """Return a recipe; without the name of a recipe, its settings are chosen from the data.

    Args:
        name: name or path of a recipe; None or `AUTO`: choose from the data.
        items: training data given in Python. An iterator can be read only once, so nothing is
            chosen from it. Other values are refused when the run reads them.
        run: directory of the run. If it has started, its earlier choices are returned.
    Raises: ConfigError for an unknown recipe, key or value; DataError when the data cannot be read.
    """
    if name not in (None, AUTO) or overrides.get("continue_from"):
        return resolve(name, overrides, full=full, run=run)
    before = earlier_choices(run) if run is not None else None
    if before is None:
        known = isinstance(items, Iterable) and not isinstance(items, Iterator)
        reason = _not_automatic(overrides, full=full, has_items=known)
        if reason is not None and name == AUTO:
            raise ConfigError(
                f"`{AUTO}` chooses the settings from the files of --data, but {reason}."
            )
        if reason is not None:
            return resolve(None, _with_task_of_labels(overrides), full=full)
        before = chosen(overrides, items)
    task = str(before[0].settings["task"])
    choices = _not_overridden(before, overrides)
    return resolve(TASKS[task].default_recipe, overrides, full=full, choices=choices)


def _not_automatic(overrides: Mapping[str, Any], *, full: bool, has_items: bool) -> str | None:
    """Return why the settings cannot be chosen from the data, or None."""
    files = overrides.get("data.train") or []
    if full:
        return "--full names a variant of a recipe"
    if not files or overrides.get("data.builtin"):
        return "none are given"
    if STDIN in files and overrides.get("task", "translate") != "translate":
        return "only pairs can come from standard input"
    if STDIN in files and (len(files) > 1 or world_size() > 1 or spooled() is None):
        return "standard input cannot be read twice"
    if ITEMS in files and not has_items:
        return "the data is not in files"
    if overrides.get("start_from"):
        return "--start-from gives the model"
    if overrides.get("distil.teachers"):
        return "a student has the settings of its teacher"
    if overrides.get("task", CHOSEN_TASKS[0]) not in CHOSEN_TASKS:
        return f"the task is {overrides['task']}"
    return None


def _with_task_of_labels(overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the overrides; with the task of the data if a pre-trained encoder is the model to
    start from, and the data has labels."""
    start, files = overrides.get("start_from"), overrides.get("data.train") or []
    if not start or overrides.get("task") or not files or ITEMS in files or STDIN in files:
        return overrides
    outline = read_outline(start)
    if outline.settings.family not in ENCODERS or "labels" in outline.facts:
        return overrides
    task, _ = task_of(resolve("translate", _of_data(overrides)).recipe.data)
    return {**overrides, "task": task} if task in OF_LABELS else overrides


def earlier_choices(run: Path) -> list[Choice] | None:
    """Return the choices at the start of a run; None if there is no run, or it has none."""
    known = read_run(run) or {}
    if CHOICES not in known:
        return None
    return [Choice(one["settings"], one["reason"]) for one in known[CHOICES]]


def chosen(overrides: Mapping[str, Any], items: Iterable[Any] | None = None) -> list[Choice]:
    """Read the data, and return the chosen settings; the task is the first."""
    minutes, tokens = _length(overrides)
    if items is not None:
        task = str(overrides.get("task") or CHOSEN_TASKS[0])
        figures = _figures_of_items(items, task, overrides)
        return [Choice({"task": task}, "as given"), *choices_for(task, figures, minutes, tokens)]
    if (overrides.get("data.train") or []) == [STDIN]:
        pairs = _of_data(overrides) | {"data.train": [str(spooled())], "data.header": False}
        figures = figures_of(resolve("translate", pairs).recipe.data, "translate")
        reason = "standard input has pairs"
        choices = choices_for("translate", figures, minutes, tokens)
        return [Choice({"task": "translate"}, reason), *choices]
    data: DataSettings = resolve("translate", _of_data(overrides)).recipe.data
    if overrides.get("task"):
        task, reason = str(overrides["task"]), "as given"
    else:
        task, reason = task_of(data)
        fitting = _tasks_that_read(overrides)
        if task not in fitting:
            task, reason = fitting[0], "other tasks do not read all given settings and files"
    return [
        Choice({"task": task}, reason),
        *choices_for(task, figures_of(data, task), minutes, tokens),
    ]


def _length(overrides: Mapping[str, Any]) -> tuple[float | None, int | None]:
    """Return the length of the run that the user gave: in minutes, or in tokens if updates were
    given; None for what was not given."""
    names = (
        "training.minutes", "training.updates", "training.batch_tokens", "training.accumulate"
    )  # fmt: skip
    given = {name: overrides[name] for name in names if overrides.get(name) is not None}
    training = resolve(
        "translate", {"training.batch_tokens": TYPICAL_BATCH} | given
    ).recipe.training
    if "training.updates" in given:
        return None, training.updates * training.accumulate * training.batch_tokens
    return training.minutes if "training.minutes" in given else None, None


def _of_data(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the training data."""
    names = [name for name in overrides if name.startswith("data.") and name != "data.dev"]
    return {name: overrides[name] for name in names}


def _figures_of_items(items: Iterable[Any], task: str, overrides: Mapping[str, Any]) -> DataFigures:
    """Return the figures of items, written to a temporary file as a run writes them."""
    recipe = resolve(TASKS[task].default_recipe, _of_data(overrides)).recipe
    with tempfile.TemporaryDirectory() as folder:
        keep_items(GivenItems(train=islice(items, MOST)), recipe, Path(folder))
        return figures_of(with_kept_items(recipe, Path(folder)).data, task)


def _tasks_that_read(overrides: Mapping[str, Any]) -> Sequence[str]:
    """Return the tasks that read all given settings; all tasks if no task reads all of them."""
    if STDIN in (overrides.get("data.dev") or ()):
        return ("translate",)
    names = {name.split(".")[0] for name in overrides} | set(overrides)
    needed = names & OF_SOME_TASKS
    found = [task for task in CHOSEN_TASKS if needed <= TASKS[task].reads]
    return found or CHOSEN_TASKS


def _not_overridden(choices: Sequence[Choice], overrides: Mapping[str, Any]) -> list[Choice]:
    """Return the choices without those that the user overrides."""
    gone = set(overrides) - {"task"}
    for name in overrides:
        gone.update(REPLACED.get(name, ()))
    if "preset" in overrides:
        gone |= {f"model.{size}" for size in (*SIZES, "dropout")}
    names = {name for choice in choices for name in choice.settings}
    if "model.family" in overrides:
        gone |= {name for name in names if name.startswith("model.")}
    left = (choice.without(gone) for choice in choices)
    return [choice for choice in left if choice is not None]
