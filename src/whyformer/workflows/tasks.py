"""The one place where a recipe's task becomes a `Task`."""

from pathlib import Path

from whyformer.workflows import prepare, text_data
from whyformer.workflows.language import Language
from whyformer.workflows.pretraining import Pretraining
from whyformer.workflows.recipe import Recipe, TaskName
from whyformer.workflows.task import Progress, Task
from whyformer.workflows.translation import Translation

TASKS = {TaskName.TRANSLATE: Translation, TaskName.LANGUAGE: Language, TaskName.MASKED: Pretraining}
KEYS = {
    TaskName.TRANSLATE: prepare.data_key,
    TaskName.LANGUAGE: text_data.data_key,
    TaskName.MASKED: text_data.data_key,
}


def open_task(recipe: Recipe, run: Path, progress: Progress | None = None) -> Task:
    """Read and map the data of a recipe into ``run``, or open what was made there.

    Raises: DataError, ConfigError for data that cannot be used.
    """
    return TASKS[recipe.task](recipe, run, progress)


def data_key_of(recipe: Recipe, run: Path) -> str:
    """Return the hash by which a resumed run knows that its data is unchanged."""
    return KEYS[recipe.task](recipe, run)
