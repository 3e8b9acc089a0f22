"""Facts about a task that are needed before its data is opened.

A task is a class of the package `whyformer.tasks`, or of a plugin. It declares these facts as class
attributes, so that commands can check a recipe without reading data.
"""

from enum import StrEnum
from typing import Any, ClassVar

from whyformer.foundation.registry import Registry


class ItemForm(StrEnum):
    """The form of the items that `whyformer.train` and `fit` take instead of files."""

    PAIRS = "pairs"
    """(source, target)."""
    TEXTS = "texts"
    """A text, which is one document."""
    LABELLED_TEXTS = "labelled texts"
    """(text, label), or (text, second, label) for a task that reads `data.second`."""
    TAGGED_WORDS = "tagged words"
    """(words, labels), with one label for each word."""


OF_SOME_TASKS = frozenset({
    "start_from", "frozen", "data.target", "data.second", "data.filters.max_tokens",
    "data.filters.max_ratio", "data.filters.max_characters", "data.documents", "data.packing",
    "data.row_tokens", "data.next_sentence", "data.rows", "data.mask_rate", "data.whole_words",
    "text.shared", "text.keep_spaces", "text.sampling", "text.source_units", "text.target_units",
    "text.source_lowercase", "text.target_lowercase", "training.label_smoothing",
    "validation.sentences", "decoding",
})  # fmt: skip
"""Settings that only some tasks read; `decoding` is a section. All tasks read the others."""


class TaskDeclaration:
    """The class attributes of a task."""

    default_recipe: ClassVar[str | None] = None
    """The recipe to use if none is given: name of a built-in recipe, or path of a YAML file."""
    reads: ClassVar[frozenset[str]] = frozenset()
    """The settings of `OF_SOME_TASKS` that this task reads; setting any other of them is an
    error."""
    items: ClassVar[ItemForm | None] = None
    """The form of items given in Python; None if the task accepts files only."""
    unit: ClassVar[str] = "tokens"
    """The unit that `tokens` of a batch counts: tokens, masked tokens, words or texts."""
    loss_unit: ClassVar[str] = "nats per token"
    """The unit of the mean loss, which is the sum divided by this count."""


TASKS = Registry[type[TaskDeclaration]](
    "task",
    TaskDeclaration,
    members=(
        "whyformer.tasks.translation",
        "whyformer.tasks.language",
        "whyformer.tasks.masked",
        "whyformer.tasks.replaced",
        "whyformer.tasks.classification",
        "whyformer.tasks.tagging",
    ),
)
"""All tasks by name. Each class must extend `whyformer.tasks.task.Task`."""


class ListedMetrics:
    """Annotation of a setting: its JSON Schema lists the metrics of all tasks, plugins included."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the schema with the names of the metrics as examples."""
        from whyformer.evaluation.metric import METRICS  # numpy would slow down `--help`

        names = ["loss", *METRICS]
        for task in TASKS.values():
            names += getattr(task, "metrics", {})
        return handler(schema) | {"examples": list(dict.fromkeys(names))}
