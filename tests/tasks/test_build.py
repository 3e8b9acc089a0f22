"""Tasks by name: what each declares, and what is refused."""

from pathlib import Path

import pytest

from whyformer.foundation.errors import ConfigError, DataError, PluginError
from whyformer.recipes.recipe import Recipe, resolve
from whyformer.recipes.task_declaration import OF_SOME_TASKS, STARTING, TASKS, TaskDeclaration
from whyformer.recipes.unused import reason_unused
from whyformer.tasks.build import open_task
from whyformer.tasks.items import GivenItems, keep_items
from whyformer.tasks.language import Language
from whyformer.tasks.task import Task

NAMES = ["translate", "language", "masked", "replaced", "classify", "regress", "tag"]


@pytest.fixture
def registered():
    """Register classes for one test."""
    names: list[str] = []

    def register(name: str, kind: type[TaskDeclaration]) -> None:
        TASKS.register(name)(kind)
        names.append(name)

    yield register
    for name in names:
        TASKS.forget(name)


def test_the_schema_and_messages_list_the_tasks_in_order():
    schema = Recipe.model_json_schema()["properties"]["task"]
    assert (schema["enum"], schema["default"]) == (NAMES, "translate")
    with pytest.raises(ConfigError, match="must be translate, language, masked, replaced, class"):
        resolve("copy", {"task": "tranlsate"})


@pytest.mark.parametrize("name", NAMES)
def test_a_task_declares_its_recipe_and_the_settings_that_it_reads(name):
    kind = TASKS[name]
    assert issubclass(kind, Task)
    assert kind.reads <= OF_SOME_TASKS
    assert resolve(None, {"task": name}).recipe.task == name
    recipe = resolve(kind.default_recipe).recipe
    for setting in OF_SOME_TASKS - kind.reads:
        assert f"and the task is {name}" in str(reason_unused(recipe, setting))


def test_every_setting_of_some_tasks_is_read_by_one_and_not_by_all():
    for setting in OF_SOME_TASKS:
        readers = {name for name, kind in TASKS.items() if setting in kind.reads}
        assert readers, setting
    # A task of a plugin reads the settings of `STARTING` only if it says so.
    assert len(readers) < len(TASKS) or setting in STARTING - Task.reads, setting


def test_a_registered_task_is_named_by_messages_and_uses_its_recipe(registered):
    class Mine(Language):
        reads = Language.reads - {"decoding"} | {"frozen"}

    registered("mine", Mine)
    recipe = resolve(None, {"task": "mine"}).recipe
    assert (recipe.task, recipe.model.family) == ("mine", "gpt")
    assert reason_unused(recipe, "frozen") is None
    assert reason_unused(recipe, "decoding.beam") == (
        "only the tasks translate and language use it, and the task is mine"
    )
    wanted = "only the tasks classify, regress, tag and mine use it, and the task is language"
    assert reason_unused(resolve("tiny-gpt").recipe, "frozen") == wanted


def test_a_task_without_a_recipe_asks_for_one(registered):
    class Mine(Language):
        default_recipe = None

    registered("mine", Mine)
    with pytest.raises(ConfigError, match="The task `mine` has no default recipe"):
        resolve(None, {"task": "mine"})
    assert resolve("tiny-gpt", {"task": "mine"}).recipe.task == "mine"


def test_a_class_that_is_no_complete_task_is_refused_by_name(registered, tmp_path: Path):
    class Declared(TaskDeclaration):
        default_recipe = "tiny-gpt"

    class Unfinished(Task):
        default_recipe = "tiny-gpt"

    registered("declared", Declared)
    with pytest.raises(PluginError, match=r"`declared` must be a class that extends `whyformer\."):
        open_task(resolve(None, {"task": "declared"}).recipe, tmp_path)
    registered("unfinished", Unfinished)
    message = "The class `Unfinished` of the task `unfinished` must define .*`bundle`, .* and `val"
    with pytest.raises(PluginError, match=message):
        open_task(resolve(None, {"task": "unfinished"}).recipe, tmp_path)


def test_items_are_refused_by_a_task_that_takes_files_or_one_text_only(registered, tmp_path: Path):
    class OfFiles(Language):
        items = None

    class OneText(TASKS["classify"]):
        reads = TASKS["classify"].reads - {"data.second"}

    registered("of-files", OfFiles)
    with pytest.raises(ConfigError, match="The task `of-files` takes files only, but items were"):
        keep_items(GivenItems(["a"]), resolve(None, {"task": "of-files"}).recipe, tmp_path)
    registered("one-text", OneText)
    recipe = resolve(None, {"task": "one-text"}).recipe
    with pytest.raises(DataError, match=r"must be \(text, label\), or a dict with `text` and"):
        keep_items(GivenItems([("a", "b", "yes")]), recipe, tmp_path)
