"""Code that all tasks on labelled data share: reading examples, and making a new encoder or loading
a pre-trained one."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.bundle import Bundle, Outline
from whyformer.data.filters import Occurrences
from whyformer.data.formats.roles import Roles
from whyformer.data.held_out import Overlap, key_of, overlap, split
from whyformer.data.lines import STDIN, readable
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.randomness import seed_everything
from whyformer.foundation.wording import counted
from whyformer.models.bert import BERT, AnswerOf, BERTSettings
from whyformer.models.build import build_model
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import STARTING
from whyformer.tasks.starting import (
    begin,
    extended_tokenizer,
    freeze,
    given_tokenizers,
    read_start,
    start_key,
    with_new_pieces,
)
from whyformer.tasks.task import Caution, Progress, Task
from whyformer.tasks.tokenizers import given_tokenizer, kept_tokenizers
from whyformer.tasks.training_facts import model_fact, training_fact
from whyformer.text.tokenizer import Tokenizer
from whyformer.training.loss import Loss

MAX_HELD_OUT = 5000
SHOWN_LABELS = 20
"""Maximum number of labels that a message lists."""
COLUMN_KEYS = {"text": "text", "second": "second text", "label": "label"}
"""The facts of a run store the names of its columns. For each key under which such a name is
stored, the role of the column."""
ANSWER = "answer."
"""Prefix of the parameters of the task head. They are copied only from a run with the same labels,
or label by label."""
CHARACTERS = "characters."
"""Prefix of the parameters of the linear classifier on characters. They are copied only from a run
with the same labels in the same order."""
HEAD = ("pooler.", ANSWER, CHARACTERS)
"""Prefixes of the parameters of the head, which are trained when all other parameters are
frozen."""


@runtime_checkable
class HasLine(Protocol):
    """An example that was read from a file."""

    @property
    def line(self) -> int:
        """Line number of the example, starting at 1."""
        ...


One = TypeVar("One", bound=HasLine)


class LabelledTask(Task):
    """Base class of the tasks on labelled texts. A subclass reads the examples and sets the
    attributes below."""

    families = ("bert",)
    reads = STARTING | frozenset({
        "frozen", "data.target", "data.row_tokens", "training.label_smoothing",
        "model.head_layer",
    })  # fmt: skip
    tokenizer: Tokenizer
    shape: BERTSettings
    """The settings of the model, including the head for the labels."""
    dropped: Mapping[str, Occurrences]
    """The examples that were left out, by the part that they lack: "text" or "label"."""
    classes: list[str]
    """The labels, in the order of the outputs of the model; empty if the task predicts numbers."""

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        super().__init__(recipe, run, progress)
        if not isinstance(recipe.model, BERTSettings):
            raise ConfigError(
                f"The task `{recipe.task}` needs `model.family` bert, but it is "
                f"{recipe.model.family}. Set --model.family bert, or choose a recipe such as "
                f"{self.default_recipe}."
            )
        self.start = read_start(recipe)
        self.given = given_tokenizers(recipe, self.start)
        self.key = self.data_key(recipe, run)

    @classmethod
    def data_key(cls, recipe: Recipe, run: Path) -> str:
        """Return a hash of the data and of the weights to start from; see `Task.data_key`."""
        data = recipe.data
        files = [sha256_of(readable(path)) for path in (*data.train, *data.dev)]
        columns = f"{data.source}:{data.second}:{data.target}{data.reading.key}"
        return "/".join([*files, start_key(recipe), columns, recipe.task])

    def model(self, device: torch.device) -> BERT:
        """Return the initialized model; see `Task.model`."""
        recipe, size = self.recipe, len(self.tokenizer)
        seed_everything(recipe.training.seed)
        model = build_model(self.shape, (size, size), shared=True, device=device)
        assert isinstance(model, BERT)
        model.learn_spellings(self.tokenizer.spellings)
        begin(model, recipe, self.start, (self.tokenizer, self.tokenizer), new=[ANSWER, CHARACTERS])
        if self.start is not None:
            copy_answers(model, self.classes, self.start)
        if recipe.frozen:
            freeze(model, (name for name, _ in model.named_parameters() if not is_head(name)))
        return model

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """Yield the lines that a run prints before its first update; see `Task.facts`."""
        yield from self.data_facts()
        yield model_fact(self.recipe, parameters, self.shape.summary, device)
        yield training_fact(self.recipe, self.shape.dropout)

    def data_facts(self) -> Iterator[str]:
        """Yield the lines about the data."""
        for missing, lines in self.dropped.items():
            yield Caution(f"            left out because they have no {missing}: {lines}")

    def preview(self, batch: Any) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """Return the texts of a batch for display, and its tensors; see `Task.preview`."""
        texts = [{"text": self.tokenizer.decode(row[1:])} for row in batch.ids.tolist()]
        return texts, {"ids": batch.ids, "labels": batch.labels}


def shape_of(recipe: Recipe, outputs: int, answer_of: AnswerOf) -> BERTSettings:
    """Return the settings of the model of a recipe, with the head for ``outputs`` outputs."""
    assert isinstance(recipe.model, BERTSettings)
    return recipe.model.model_copy(update={"outputs": outputs, "answer_of": answer_of})


def is_head(name: str) -> bool:
    """Return whether a parameter belongs to the head."""
    return name.startswith(HEAD)


@torch.no_grad()
def copy_answers(model: BERT, classes: Sequence[str], start: Bundle) -> None:
    """Copy the outputs of the labels that the model to start from knows, too."""
    before = start.model
    assert isinstance(before, BERT)
    known = start.facts.get("labels") or []
    if before.settings.answer_of is not model.settings.answer_of or not known:
        return
    for place, label in enumerate(classes):
        if label in known:
            model.answer.weight[place] = before.answer.weight[known.index(label)]
            model.answer.bias[place] = before.answer.bias[known.index(label)]
    same = ("character_ngrams", "character_ngram_rows", "reads_characters")
    one, other = model.settings, before.settings
    if classes == known and all(getattr(one, name) == getattr(other, name) for name in same):
        for new, old in zip(_of_characters(model), _of_characters(before), strict=True):
            new.copy_(old)


def _of_characters(model: BERT) -> list[nn.Parameter]:
    return [one for name, one in model.named_parameters() if name.startswith(CHARACTERS)]


@dataclass(frozen=True)
class Split(Generic[One]):
    """The training and validation examples of a recipe."""

    train: list[One]
    dev: list[One]
    dropped: Mapping[str, Occurrences]
    """The examples that were left out, by the part that they lack: "text" or "label"."""
    overlap: Overlap | None
    """The counts of validation examples that are also in the training data. None if the validation
    examples were held out of the training data."""


def read_split(
    recipe: Recipe,
    start: Bundle | Outline | None,
    read: Callable[[str], Iterable[One]],
    text_of: Callable[[One], str],
    labels_of: Callable[[One], Iterable[str]],
    answer_of: Callable[[One], str],
) -> Split[One]:
    """Return the examples of a recipe for training and for validation.

    Without a validation set, a part of the examples is held out; see `data.held_out`.
    Args:
        start: the run to start from. The tokenizer of this run determines whether texts that differ
            only in case are equal.
        read: function that yields the examples of a file.
        text_of: function that returns the text of an example. Examples without text are left out.
        labels_of: function that returns the labels of an example; for numbers, it returns none.
        answer_of: function that returns the expected output of an example as one text. Examples
            with an empty output are left out.
    Raises: ConfigError, DataError for data that cannot be used.
    """
    data = recipe.data
    if data.builtin or not data.train:
        raise ConfigError(
            "Give --data FILE: a table of texts with their labels, such as a TSV or CSV."
        )
    if STDIN in (*data.train, *data.dev):
        raise ConfigError("Labelled texts cannot come from standard input. Give a file.")
    dropped: dict[str, Occurrences] = {}

    def read_all(paths: list[str]) -> list[One]:
        kept: list[One] = []
        for path in paths:
            for one in read(path):
                missing = "" if answer_of(one) else "label"
                if not text_of(one).strip("/ \t"):
                    missing = "text"
                if missing:
                    dropped.setdefault(missing, Occurrences()).add(f"{path}:{one.line}")
                else:
                    kept.append(one)
        return kept

    lowercase = start.source_tokenizer.lowercase if start else recipe.text.lowercase
    key = key_of(lowercase, keep_spaces=recipe.text.keep_spaces)
    found, dev = read_all(data.train), read_all(data.dev)
    if not found or (data.dev and not dev):
        empty = data.dev if found else data.train
        raise DataError(f"`{empty[0]}` must have at least one text with a label, but it has none.")
    if data.dev:
        keys = ((key(text_of(one)), answer_of(one)) for one in dev)
        also = overlap(keys, ((key(text_of(one)), answer_of(one)) for one in found))
        return Split(found, dev, dropped, also)
    kept, held = split(
        found,
        key=lambda one: key(text_of(one)),
        labels=labels_of,
        share=data.dev_share,
        most=MAX_HELD_OUT,
    )
    if not held:
        _refuse_unequal_labels(found, labels_of, data.train)
        raise DataError(
            f"{counted(len(found), 'text')} cannot be divided into training and validation sets: a "
            "label must have at least two different texts. Give more texts, or a validation set "
            "with --dev."
        )
    return Split(kept, held, dropped, None)


def _refuse_unequal_labels(
    examples: Sequence[One], labels_of: Callable[[One], Iterable[str]], files: Sequence[str]
) -> None:
    """Raise DataError if no two examples have the same label, because then the column does not
    contain labels."""
    labels = [label for one in examples for label in labels_of(one)]
    if not len(examples) == len(labels) == len(set(labels)) > 1:
        return
    advice = "If it is a text to produce, choose --task translate"
    if all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", label) for label in labels):
        advice = "If it is a number to predict, choose --task regress"
    every = counted(len(labels), "label")
    raise DataError(
        f"`{files[0]}` must have labels that occur several times, but all {every} differ, such as "
        f"{listed(labels[:3])}. {advice}. Otherwise, name the column of the label: "
        "--columns TEXT,LABEL."
    )


def listed(labels: Sequence[str]) -> str:
    """Return the first labels as text for a message, with the number of further labels."""
    more = f", and {len(labels) - SHOWN_LABELS} more" if len(labels) > SHOWN_LABELS else ""
    return ", ".join(labels[:SHOWN_LABELS]) + more


def remembered_columns(roles: Roles) -> dict[str, str | None]:
    """Return the names of the columns that a run is trained with, to store them; None for columns
    without names."""
    names = roles.columns if roles.table.named else {}
    return {key: names.get(role) for key, role in COLUMN_KEYS.items()}


def label_loss(
    outputs: Float[Tensor, "rows labels"], labels: Int[Tensor, "rows"], smoothing: float
) -> Loss:
    """Return the cross-entropy of the labels, summed over rows."""
    nll = F.cross_entropy(outputs, labels, reduction="sum")
    smoothed = F.cross_entropy(outputs, labels, reduction="sum", label_smoothing=smoothing)
    return Loss(smoothed, nll.detach())


def own_tokenizer(
    recipe: Recipe, start: Bundle | Outline | None, key: str, texts: Iterable[str], directory: Path
) -> Tokenizer:
    """Return the tokenizer of the run to start from, extended if the recipe asks for it. Without
    such a run, train a tokenizer on the texts.

    Args: key: hash of the data. directory: directory for the trained tokenizer.
    """
    text = recipe.text
    share = None if recipe.data.dev else recipe.data.dev_share
    asked = {"data": key, "dev_share": share, "text": text.model_dump(mode="json")}
    asked |= with_new_pieces(recipe)

    def learn() -> list[Tokenizer]:
        if start is not None:
            return [extended_tokenizer(start.source_tokenizer, recipe, texts)]
        return [given_tokenizer(text, texts)]

    files = () if start is not None else (text.file_of_source,)
    (tokenizer,) = kept_tokenizers(directory, ["source"], asked, learn, files=files)
    return tokenizer


def rows_facts(name: str, rows: Any, what: str, size: int) -> str:
    """Return the line that a run prints about a set of rows.

    Args: rows: an object whose attribute `lengths` contains the length of each row in tokens.
    """
    return (
        f"{name:<11} {what}, {counted(int(rows.lengths.sum()), 'token')} of a vocabulary of "
        f"{size:,}, longest {int(rows.lengths.max())}"
    )
