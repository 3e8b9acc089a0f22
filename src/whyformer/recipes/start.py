"""The settings that a run takes from the run that it starts from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whyformer.bundle import Outline, read_outline
from whyformer.foundation.config import Tree, read_yaml
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.model_files import RECIPE, find_bundle
from whyformer.foundation.wording import either
from whyformer.models.build import ModelSettings
from whyformer.models.electra import ElectraSettings
from whyformer.recipes.task_declaration import TASKS
from whyformer.text.pieces import UNITS
from whyformer.text.symbols import FIRST_PIECE

RATES = ("dropout", "attention_dropout", "ngram_dropout", "character_ngram_dropout")
"""The model settings that do not come from the run to start from."""
OF_NEW_HEAD = ("pooling", "character_ngrams", "character_ngram_rows")
"""The model settings that come from the run to start from only if the recipe does not have them."""
OF_HEAD = ("outputs", "answer_of")
"""The model settings that the task sets."""
TASK_OF_FAMILY = {
    "transformer": "translate", "rnn": "translate", "gpt": "language", "rnn-lm": "language",
    "electra": "replaced",
}  # fmt: skip
"""The only task of each of these families."""
OF_RUN = (
    "description", "distil", "start_from", "continue_from", "extend_vocabulary", "frozen",
    "freeze", "preset",
)  # fmt: skip
"""The settings of a run that a run that starts from it does not take over."""
LENGTHS = ("training.updates", "training.minutes", "training.epochs")
OF_CONTINUED = (
    "continue_from", *LENGTHS, "validation.every", "validation.sentences", "validation.patience",
    "validation.verdict", "validation.track", "training.convert",
)  # fmt: skip
"""The settings that may be given with `continue_from`."""
DATA_OF_RUN = (
    "train", "dev", "mix", "builtin", "source", "target", "second", "encoding", "header",
    "delimiter", "documents",
)  # fmt: skip
"""The same in the section `data`: which files are read, and how."""


def recipe_of_start(start: str, task: str | None) -> Path | None:
    """Return the recipe file of the run to start from, if its task is ``task`` or ``task`` is None.

    Returns: None if there is no such file, because `start` is only a model directory.
    """
    bundle = find_bundle(Path(start))
    place = bundle.parent / RECIPE
    if bundle.name != "model" or not place.is_file():
        return None
    tree, _ = read_yaml(place)
    return place if task in (None, tree.get("task")) else None


def recipe_to_continue(run: str, overrides: Mapping[str, Any], own: Path | None) -> Path:
    """Return the recipe file of the run to continue.

    Args: own: directory of the new run. If it continues ``run`` already, its own recipe is used, so
        that ``run`` may be gone.
    Raises: ConfigError if there is no such file, if a setting is given that a continued run cannot
        change, or if its length is not given.
    """
    place = Path(run) / RECIPE
    if own is not None and (own / RECIPE).is_file():
        tree, _ = read_yaml(own / RECIPE)
        place = own / RECIPE if tree.get("continue_from") == run else place
    if not place.is_file():
        raise ConfigError(
            f"`--continue` needs the directory of a run, but `{run}` has no {RECIPE}. Use "
            "--start-from for a model without its run."
        )
    others = [name for name in overrides if name not in OF_CONTINUED]
    if others:
        raise ConfigError(
            f"`--{others[0].replace('_', '-')}` cannot be given with --continue, which "
            "uses the data and the settings of the run. Only the length and the validations can "
            "change. Leave it out, or use --start-from."
        )
    if not any(overrides.get(name) is not None for name in LENGTHS):
        raise ConfigError(
            "`--continue` needs the length of the further training. Give --training.minutes, "
            "--training.updates or --training.epochs."
        )
    return place


def task_of_start(start: str) -> str:
    """Return the task of a model directory without a recipe.

    Raises: ConfigError if its model can be trained for several tasks.
    """
    family = read_outline(start).settings.family
    if family not in TASK_OF_FAMILY:
        raise ConfigError(
            f"`{start}` holds a model of family {family}, which several tasks can train. Name the "
            "task with --task."
        )
    return TASK_OF_FAMILY[family]


def of_new_run(tree: Tree) -> Tree:
    """Return a recipe without the settings that belong to one run only."""
    kept = {name: value for name, value in tree.items() if name not in OF_RUN}
    data = {name: value for name, value in kept.get("data", {}).items() if name not in DATA_OF_RUN}
    return kept | {"data": data}


def settings_of_start(start: str, task: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the model and of the tokenizers of the run to start from, by their
    dotted names.

    Args: own: the settings of the recipe in the section `model`; the dropout, the pooling and the
        n-grams of characters are kept.
    Raises: ConfigError if the task cannot train the model; BundleError if it cannot be read.
    """
    found = read_outline(start)
    model = _fitting(found.settings, start, task)
    shape = model.model_dump(mode="json", exclude={*RATES, *OF_HEAD})
    kept = {name: own[name] for name in (*RATES, *OF_NEW_HEAD) if name in own}
    kept = {name: value for name, value in kept.items() if name in type(model).model_fields}
    return {f"model.{name}": value for name, value in (shape | kept).items()} | text_of(found)


def text_of(found: Outline) -> dict[str, Any]:
    """Return the settings of the tokenizers of a model, by their dotted names."""
    source, target = found.source_tokenizer, found.target_tokenizer
    samples = any(UNITS[one.units].samples for one in (source, target))
    text = {
        "units": source.units,
        "source_units": None,
        "from_file": None,
        "source_from_file": None,
        "target_from_file": None,
        "target_units": None if target.units == source.units else target.units,
        "lowercase": source.lowercase,
        "source_lowercase": None,
        "target_lowercase": None if target.lowercase == source.lowercase else target.lowercase,
        "vocabulary": max(FIRST_PIECE, *found.sizes),
        "shared": found.shared,
        "keep_spaces": found.facts.get("keep_spaces", False),
    } | ({} if samples else {"sampling": 0.0})
    return {f"text.{name}": value for name, value in text.items()}


def settings_of_teacher(teacher: str, tree: Tree) -> dict[str, Any]:
    """Return the settings of the tokenizers of a teacher and, if the recipe has no data, those of
    its data, by their dotted names.

    Args: tree: the recipe of the student.
    Raises: ConfigError if the teacher was trained for another task.
    """
    found = text_of(read_outline(teacher))
    place = recipe_of_start(teacher, None)
    if place is None:
        return found
    theirs, _ = read_yaml(place)
    task = theirs.get("task", "translate")
    if task != tree.get("task", "translate"):
        raise ConfigError(
            f"Teachers must have the task of the student, {tree.get('task', 'translate')}, but "
            f"`{teacher}` has the task {task}. Choose another teacher or student."
        )
    if not any(tree.get("data", {}).get(name) for name in ("train", "mix")):
        data = theirs.get("data", {})
        if not any(data.get(name) for name in ("train", "mix", "builtin")):
            raise ConfigError(
                f"A student needs training data, but none is given, and the run of the teacher "
                f"`{teacher}` has none. Give --data FILE."
            )
        found |= {f"data.{name}": data[name] for name in DATA_OF_RUN if name in data}
    return found


def _fitting(settings: ModelSettings, start: str, task: str) -> ModelSettings:
    """Return the settings of the model, or of the part of it that the task can train."""
    families = TASKS[task].families
    if isinstance(settings, ElectraSettings) and "electra" not in families:
        settings = settings.discriminator
    if families and settings.family not in families:
        raise ConfigError(
            f"The task `{task}` needs a model of family {either(families)}, but `{start}` holds a "
            f"model of family {settings.family}. Start from another run, or choose another task."
        )
    return settings
