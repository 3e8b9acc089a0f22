"""The one place where a recipe's task becomes a `Task`."""

from pathlib import Path

from whyformer.recipes.recipe import Recipe, TaskName
from whyformer.tasks import fine_tuning, pair_data, text_data
from whyformer.tasks.classification import Classification
from whyformer.tasks.items import with_kept_items
from whyformer.tasks.language import Language
from whyformer.tasks.masked import Pretraining
from whyformer.tasks.replaced import Replacing
from whyformer.tasks.tagging import Tagging
from whyformer.tasks.task import Progress, Task
from whyformer.tasks.translation import Translation

TASKS = {
    TaskName.TRANSLATE: (Translation, pair_data.data_key),
    TaskName.LANGUAGE: (Language, text_data.data_key),
    TaskName.MASKED: (Pretraining, text_data.data_key),
    TaskName.REPLACED: (Replacing, text_data.data_key),
    TaskName.CLASSIFY: (Classification, fine_tuning.data_key),
    TaskName.REGRESS: (Classification, fine_tuning.data_key),
    TaskName.TAG: (Tagging, fine_tuning.data_key),
}
"""Task -> how it is opened, and how its data is told apart."""


def open_task(recipe: Recipe, run: Path, progress: Progress | None = None) -> Task:
    """Read and map the data of a recipe into ``run``, or open what was made there.

    Raises: DataError, ConfigError for data that cannot be used.
    """
    return TASKS[recipe.task][0](with_kept_items(recipe, run), run, progress)


def data_key_of(recipe: Recipe, run: Path) -> str:
    """Return the hash by which a resumed run knows that its data is unchanged."""
    return TASKS[recipe.task][1](with_kept_items(recipe, run), run)
