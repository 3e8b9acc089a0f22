"""Code that all tasks on text share: preparing documents, building the model, and the lines that a
run prints."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from whyformer.data.documents import Document, Documents, build_documents
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.randomness import seed_everything
from whyformer.foundation.wording import counted, either
from whyformer.models.build import Model, build_model
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import STARTING, ItemForm
from whyformer.tasks.files_facts import files_facts
from whyformer.tasks.starting import begin, given_tokenizers, read_start, with_start_key
from whyformer.tasks.survey_facts import unknown_finding
from whyformer.tasks.task import Progress, Task, with_end
from whyformer.tasks.text_data import read_as, read_texts, text_tokenizer
from whyformer.tasks.training_facts import model_fact, training_fact
from whyformer.tasks.validation_facts import overlap_of_lines
from whyformer.text.symbols import UNK

COUNTED = 1_000_000
"""In this many first tokens of a text, the tokens that are <unk> are counted."""


class TextTask(Task):
    """Base class of the tasks on documents. A subclass sets `batches` and defines the loss and the
    evaluation."""

    items = ItemForm.TEXTS
    reads = STARTING | frozenset({"data.documents", "data.row_tokens", "training.label_smoothing"})

    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        super().__init__(recipe, run, progress)
        if recipe.model.family not in self.families:
            default = self.families[0]
            raise ConfigError(
                f"The task `{recipe.task}` needs `model.family` {either(self.families)}, but it is "
                f"{recipe.model.family}. Set --model.family {default}, or choose a recipe such as "
                f"{self.default_recipe}."
            )
        if recipe.data.row_tokens > recipe.model.max_length:
            raise ConfigError(
                "`data.row_tokens` must be at most `model.max_length`, but "
                f"{recipe.data.row_tokens} is more than {recipe.model.max_length}. "
                "Lower data.row_tokens or raise model.max_length."
            )
        self.start = read_start(recipe)
        texts = read_texts(recipe.data, lowercase=recipe.text.lowercase)
        self.texts, self.key = texts, with_start_key(texts.key, recipe)
        self.files = [read_as(path, recipe.data) for path in (*recipe.data.train, *recipe.data.dev)]
        self.tokenizer = text_tokenizer(
            recipe, texts, run / "tokenizers", progress, given_tokenizers(recipe, self.start)
        )

        def documents(name: str, read: Callable[[], Iterator[Document]]) -> Documents:
            return build_documents(
                read(),
                self.tokenizer,
                run / name,
                key=f"{self.key}/{name}",
                progress=partial(progress, f"reading {name}") if progress else None,
            )

        self.train, self.dev = documents("corpus", texts.train), documents("corpus-dev", texts.dev)
        self.fingerprint = self.train.fingerprint

    @classmethod
    def data_key(cls, recipe: Recipe, run: Path) -> str:
        """Return a hash of the data; see `Task.data_key`."""
        key = read_texts(recipe.data, lowercase=recipe.text.lowercase).key
        return with_start_key(key, recipe)

    def model(self, device: torch.device) -> Model:
        """Return the initialized model; see `Task.model`."""
        seed_everything(self.recipe.training.seed)
        sizes = (len(self.tokenizer), len(self.tokenizer))
        model = build_model(self.recipe.model, sizes, shared=True, device=device)
        begin(model, self.recipe, self.start, (self.tokenizer, self.tokenizer))
        return model

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """Yield the lines that a run prints before its first update; see `Task.facts`."""
        yield from files_facts(self.files)
        overlap = overlap_of_lines(self.texts.overlap())
        for name, documents, end in (("text", self.train, ""), ("validation", self.dev, overlap)):
            found = documents.report
            yield with_end(
                f"{name:<11} {counted(found.documents, 'document')}, "
                f"{counted(found.characters, 'character')}, "
                f"{counted(found.tokens, 'token')} of a vocabulary of {len(self.tokenizer):,}, "
                f"{found.characters / found.tokens:.2f} characters per token, "
                f"longest {found.longest:,}, "
                f"spelled in bytes {found.spelled / found.tokens:.2%}",
                end,
            )
        first = self.train.ids[:COUNTED]
        yield from unknown_finding(int((first == UNK).sum()), len(first))
        yield from self.batch_facts()
        yield model_fact(self.recipe, parameters, self.recipe.model.summary, device)
        yield training_fact(self.recipe, self.recipe.model.dropout)

    def batch_facts(self) -> Iterator[str]:
        """Yield the lines about the batches."""
        return iter(())
