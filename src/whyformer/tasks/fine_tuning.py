"""What all tasks on labelled data share: an encoder, fresh or lent by a pre-trained run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch

from whyformer.bundle import WEIGHTS, find_bundle, load_bundle
from whyformer.data.filters import Occurrences
from whyformer.data.held_out import Overlap, key_of, overlap, split
from whyformer.data.reading import STDIN, readable
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.files import sha256_of
from whyformer.foundation.randomness import seed_everything
from whyformer.foundation.wording import counted
from whyformer.models.bert import BERT, AnswerOf, BERTSettings
from whyformer.models.build import build_model
from whyformer.models.electra import Electra
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.task import Caution
from whyformer.tasks.tokenizers import kept_tokenizers
from whyformer.tasks.training_facts import threads, training_fact
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

MAX_HELD_OUT = 5000
DROPOUTS = ("dropout", "attention_dropout")
"""Settings of the model that a run with `start_from` chooses for itself."""
ANSWER = "answer."
"""Parameters of the head, which no pre-trained run provides."""
HEAD = ("pooler.", ANSWER)
"""Parameters that learn although the rest is frozen."""


@runtime_checkable
class HasLine(Protocol):
    """Something that was read from a file."""

    @property
    def line(self) -> int:
        """Its line, from 1."""
        ...


One = TypeVar("One", bound=HasLine)


@dataclass(frozen=True)
class Start:
    """The encoder and the tokenizer of a pre-trained run."""

    encoder: BERT
    tokenizer: Tokenizer


def need_encoder(recipe: Recipe) -> None:
    """Refuse a recipe whose model is no BERT. Raises: ConfigError."""
    if not isinstance(recipe.model, BERTSettings):
        raise ConfigError(
            f"The task `{recipe.task}` needs `model.family` bert, but it is {recipe.model.family}. "
            "Set --model.family bert, or choose a recipe such as classify or tag."
        )


def read_start(recipe: Recipe) -> Start | None:
    """Load the run of `start_from`. Raises: ConfigError if its model is not an encoder."""
    if recipe.start_from is None:
        return None
    bundle = load_bundle(recipe.start_from)
    encoder = bundle.model.discriminator if isinstance(bundle.model, Electra) else bundle.model
    if not isinstance(encoder, BERT):
        raise ConfigError(
            f"`start_from` must be a run of task masked or replaced, but `{recipe.start_from}` "
            f"holds a model of kind `{bundle.model.settings.family}`. Choose another run."
        )
    return Start(encoder, bundle.source_tokenizer)


def shape_of(
    recipe: Recipe, start: Start | None, outputs: int, answer_of: AnswerOf
) -> BERTSettings:
    """Return the shape of the model: that of the pre-trained encoder, if any, with a new head."""
    shape = start.encoder.settings if start else recipe.model
    assert isinstance(shape, BERTSettings)
    own = {name: getattr(recipe.model, name) for name in DROPOUTS}
    return shape.model_copy(update=own | {"outputs": outputs, "answer_of": answer_of})


def fresh_encoder(
    recipe: Recipe, shape: BERTSettings, size: int, start: Start | None, device: torch.device
) -> BERT:
    """Return the model before its first update: the pre-trained weights and a new head."""
    seed_everything(recipe.training.seed)
    model = build_model(shape, (size, size), shared=True, device=device)
    assert isinstance(model, BERT)
    if start is not None:
        lent = dict(start.encoder.named_parameters())
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in lent and not name.startswith(ANSWER):
                    parameter.copy_(lent[name])
    if recipe.frozen:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith(HEAD)
    return model


@dataclass(frozen=True)
class Split(Generic[One]):
    """The examples of a recipe."""

    train: list[One]
    dev: list[One]
    dropped: Occurrences
    """Examples without text, which were left out."""
    overlap: Overlap | None
    """Validation data that is also in the training data; None when it was held out of it."""


def read_split(
    recipe: Recipe,
    start: Start | None,
    read: Callable[[str], Iterable[One]],
    text_of: Callable[[One], str],
    labels_of: Callable[[One], Iterable[str]],
    answer_of: Callable[[One], str],
) -> Split[One]:
    """Return the examples of a recipe to learn from and to validate on.

    Without a validation set, a part of the examples is held out; see `data.held_out`.
    Args:
        start: what training starts from; its tokenizer decides what the model sees of a text.
        read: reads a file.
        text_of: the text of an example; examples without text are left out.
        labels_of: its labels; nothing for numbers.
        answer_of: what is to be predicted, in one form.
    Raises: ConfigError, DataError for what cannot be used.
    """
    data = recipe.data
    if data.builtin or not data.train:
        raise ConfigError("Give --data FILE: a TSV or JSONL file of texts with their labels.")
    if STDIN in (*data.train, *data.dev):
        raise ConfigError("Texts with labels are read from files. Give the path of one.")
    dropped = Occurrences()

    def read_all(paths: list[str]) -> list[One]:
        kept: list[One] = []
        for path in paths:
            for one in read(path):
                if text_of(one).strip("/ \t"):
                    kept.append(one)
                else:
                    dropped.add(f"{path}:{one.line}")
        return kept

    lowercase = start.tokenizer.lowercase if start else recipe.text.lowercase
    key = key_of(lowercase, keep_spaces=recipe.text.keep_spaces)
    found = read_all(data.train)
    if data.dev:
        dev = read_all(data.dev)
        if not found or not dev:
            empty = data.dev if found else data.train
            raise DataError(f"`{empty[0]}` must have at least one text, but all are empty.")
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
        raise DataError(
            f"{counted(len(found), 'text')} cannot be divided into training and validation: a "
            "label needs at "
            "least two different texts. Give more texts, or a validation set with --dev."
        )
    return Split(kept, held, dropped, None)


def data_key(recipe: Recipe, run: Path) -> str:
    """Return the hash by which a resumed run knows that its data and its start are unchanged."""
    data = recipe.data
    files = [sha256_of(readable(path)) for path in (*data.train, *data.dev)]
    start = sha256_of(find_bundle(Path(recipe.start_from)) / WEIGHTS) if recipe.start_from else ""
    return "/".join([*files, start, f"{data.source}:{data.second}:{data.target}", recipe.task])


def own_tokenizer(
    recipe: Recipe, start: Start | None, key: str, texts: Iterable[str], directory: Path
) -> Tokenizer:
    """Take the tokenizer of the run that this one starts from, or learn one from the texts.

    Args: key: of the data. directory: keeps what was learned.
    """
    if start is not None:
        return start.tokenizer
    text = recipe.text
    share = None if recipe.data.dev else recipe.data.dev_share
    asked = {"data": key, "dev_share": share, "text": text.model_dump(mode="json")}
    options = {"vocabulary": text.vocabulary, "lowercase": text.lowercase}
    (tokenizer,) = kept_tokenizers(
        directory, ["source"], asked, lambda: [train_tokenizer(text.units, texts, **options)]
    )
    return tokenizer


def training_facts(
    recipe: Recipe, shape: BERTSettings, parameters: int, device: torch.device
) -> Iterator[str]:
    """Yield the lines about the model and its training that a run prints before it begins."""
    begins = recipe.start_from or "fresh weights"
    learns = "the head only" if recipe.frozen else "all weights"
    yield (
        f"model       {parameters:,} parameters in training ({learns}): {shape.summary}; "
        f"begins with {begins}; on {device}, {threads()}"
    )
    yield training_fact(recipe, shape.dropout)


def drop_facts(dropped: Occurrences) -> Iterator[str]:
    """Yield a line about the examples without text, if there are any."""
    if dropped.count:
        yield Caution(f"            left out, without text: {dropped}")


def rows_facts(name: str, rows: Any, what: str, size: int) -> str:
    """Return the line about one set of rows. Args: rows: have a length and `lengths`."""
    return (
        f"{name:<11} {what}, {counted(int(rows.lengths.sum()), 'token')} of a vocabulary of "
        f"{size:,}, longest {int(rows.lengths.max())}"
    )
