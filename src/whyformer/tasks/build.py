"""Open the task of a recipe: find its class, and prepare its data."""

from pathlib import Path

from whyformer.foundation.errors import PluginError
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import TASKS
from whyformer.tasks.items import with_kept_items
from whyformer.tasks.task import Progress, Task


def open_task(recipe: Recipe, run: Path, progress: Progress | None = None) -> Task:
    """Read and map the data of a recipe into ``run``, or open the data that is already there.

    Raises: DataError, ConfigError for data that cannot be used; PluginError for an incomplete
        task class.
    """
    return task_class(recipe.task)(with_kept_items(recipe, run), run, progress)


def data_key_of(recipe: Recipe, run: Path) -> str:
    """Return a hash of the data. A resumed run compares this hash to detect changed data."""
    return task_class(recipe.task).data_key(with_kept_items(recipe, run), run)


def task_class(name: str) -> type[Task]:
    """Return the class of a task.

    Raises: PluginError if the class does not extend `Task` or does not define all its methods.
    """
    kind = TASKS[name]
    if not issubclass(kind, Task):
        raise PluginError(
            f"The task `{name}` must be a class that extends `whyformer.tasks.task.Task`, but "
            f"`{kind.__name__}` does not."
        )
    if missing := sorted(kind.__abstractmethods__):
        raise PluginError(
            f"The class `{kind.__name__}` of the task `{name}` must define {_listed(missing)}."
        )
    return kind


def _listed(names: list[str]) -> str:
    """Return names as text for a message: "`a`, `b` and `c`"."""
    *some, last = (f"`{name}`" for name in names)
    return f"{', '.join(some)} and {last}" if some else last
