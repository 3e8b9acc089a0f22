"""The declaration of a task: facts about it that are needed before its data is opened.

A task is a class of the package `whyformer.tasks`, or of a plugin. Its class attributes declare
these facts, so that commands can check a recipe without reading data.
"""

from enum import StrEnum
from typing import Any, ClassVar

from whyformer.foundation.registry import Registry


class ItemForm(StrEnum):
    """The form of the items that `whyformer.train` and `fit` accept instead of files."""

    PAIRS = "pairs"
    """An item is (source, target)."""
    TEXTS = "texts"
    """An item is a text, which is one document."""
    LABELLED_TEXTS = "labelled texts"
    """An item is (text, label), or (text, second, label) for a task that reads `data.second`."""
    TAGGED_WORDS = "tagged words"
    """An item is (words, labels), with one label for each word."""


STARTING = frozenset({"start_from", "extend_vocabulary", "freeze", "distil"})
"""The settings of a task whose models can start from other runs, learn from them, and keep weights
fixed. `distil` means all settings of the section `distil`."""
OF_SOME_TASKS = STARTING | frozenset({
    "frozen", "data.mix", "data.target", "data.second", "data.filters.max_tokens",
    "data.filters.max_ratio", "data.filters.max_characters", "data.documents", "data.packing",
    "data.row_tokens", "data.next_sentence", "data.rows", "data.mask_rate", "data.whole_words",
    "text.shared", "text.keep_spaces", "text.sampling", "text.source_units", "text.target_units",
    "text.source_lowercase", "text.target_lowercase", "text.source_from_file",
    "text.target_from_file", "training.label_smoothing", "training.convert",
    "validation.sentences", "decoding", "model.head_layer", "model.pooling",
    "model.character_ngrams", "model.character_ngram_rows", "model.character_ngram_dropout",
})  # fmt: skip
"""Settings that only some tasks read. Every other setting is read by all tasks. `decoding` means
all settings of the section `decoding`."""


class TaskDeclaration:
    """Base class that defines the class attributes of a task."""

    default_recipe: ClassVar[str | None] = None
    """The recipe that the task uses if none is given: the name of a built-in recipe, or the path of
    a YAML file."""
    reads: ClassVar[frozenset[str]] = frozenset()
    """The settings of `OF_SOME_TASKS` that this task reads. Setting one of the other settings of
    `OF_SOME_TASKS` is an error."""
    families: ClassVar[tuple[str, ...]] = ()
    """The model families that the task can train; empty means any."""
    items: ClassVar[ItemForm | None] = None
    """The form of the items that the task accepts in Python; None if it accepts only files."""
    unit: ClassVar[str] = "tokens"
    """What the attribute `tokens` of a batch counts: tokens, masked tokens, words or texts."""
    loss_unit: ClassVar[str] = "nats per token"
    """The unit of the mean loss, which is the summed loss divided by `tokens`."""


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
"""The classes of all tasks, by the name of the task. Each class must extend
`whyformer.tasks.task.Task`."""


class ListedMetrics:
    """Annotation for a setting that contains the name of a metric. With this annotation, the JSON
    Schema of the setting lists the metrics of all tasks, including the tasks of plugins."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the schema with the names of the metrics as examples."""
        from whyformer.evaluation.metric import METRICS  # late: numpy would slow down --help

        names = ["loss", *METRICS]
        for task in TASKS.values():
            names += getattr(task, "metrics", {})
        return handler(schema) | {"examples": list(dict.fromkeys(names))}
