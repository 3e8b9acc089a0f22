"""Use a language model: load it, continue prompts, and score text with it."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import Bundle, load_bundle
from whyformer.data.documents import build_documents
from whyformer.data.rows import ContiguousRows, PackedRows
from whyformer.decoding.expected import Expected
from whyformer.decoding.generator import Continuation, Generator
from whyformer.decoding.packing import pack
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import UsageError
from whyformer.models.build import TextModel, command_for
from whyformer.recipes.recipe import Documents
from whyformer.tasks.language import text_scores
from whyformer.tasks.text_data import read_documents
from whyformer.workflows.reading_of_training import as_in_training
from whyformer.workflows.search_settings import search_settings

BATCH_TOKENS = 4096


@dataclass(frozen=True)
class LanguageModel:
    """A loaded run of a language model."""

    bundle: Bundle
    model: TextModel

    def generate(
        self, prompts: Sequence[str], *, tokens: int = 200, **search: Any
    ) -> list[list[Continuation]]:
        """Continue each prompt. Args: search: fields of `SearchSettings` by name."""
        settings = search_settings(self.bundle.facts, search)
        generator = Generator(
            self.model,
            self.bundle.target_tokenizer,
            max_tokens=self.model.settings.max_length,
            expected=Expected.from_facts(self.bundle.facts),
        )
        return generator.generate(prompts, settings, tokens=tokens)


def load_language_model(run: Path, *, device: str = "auto") -> LanguageModel:
    """Load a run of a language model.

    Raises: BundleError if the run is missing or damaged; UsageError if the run is not a language
        model.
    """
    return language_model(load_bundle(run, device=choose_device(device)), run)


def language_model(bundle: Bundle, run: Path) -> LanguageModel:
    """Return a loaded run as a `LanguageModel`. Raises: UsageError for other runs."""
    if not isinstance(bundle.model, TextModel):
        raise UsageError(
            f"`{run}` holds a model of kind `{bundle.model.settings.family}`, which cannot "
            f"continue text. {command_for(bundle.model)}"
        )
    pack(bundle.model)
    return LanguageModel(bundle, bundle.model)


def evaluate_text(
    run: Path,
    text: Path,
    *,
    documents: str = "file",
    row_tokens: int | None = None,
    encoding: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Mapping[str, Any]:
    """Return the loss, the perplexity, and the bits per character and per byte of a text.

    Args:
        documents: the unit of a document: file, paragraphs or lines. Paragraphs and lines are
            evaluated without the context of other documents.
        row_tokens: tokens per row; the first token of a row has no context. None uses the value
            of training.
        encoding: see `as_in_training`.
        say: function that prints a line about the encoding.
    """
    found = load_language_model(run)
    longest = found.model.settings.max_length
    row = row_tokens or found.bundle.facts.get("row_tokens") or longest
    if row > longest:
        raise UsageError(
            f"`--row-tokens` must be at most {longest} (`model.max_length` of this run), but it is "
            f"{row}."
        )
    end = Documents(documents)
    with tempfile.TemporaryDirectory() as scratch:
        made = build_documents(
            read_documents(str(text), end, reading=as_in_training(run, text, encoding, say)),
            found.bundle.target_tokenizer,
            Path(scratch) / "text",
            key=str(text),
        )
        kind = ContiguousRows if end is Documents.FILE else PackedRows
        rows = kind(made, row_tokens=row, budget_tokens=BATCH_TOKENS, shuffle=False)
        report = made.report
        counts = {
            "tokens": report.tokens,
            "characters": report.characters,
            "bytes": report.bytes_,
            "row_tokens": row,
        }
        return {"run": str(run), **text_scores(found.model, rows, made), **counts}
