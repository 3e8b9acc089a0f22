"""Import a model directory of Hugging Face as a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from whyformer.bundle import Bundle, save_bundle
from whyformer.foundation.errors import MissingExtraError, OutputError
from whyformer.foundation.files import atomic_directory, write_text
from whyformer.foundation.model_files import RECIPE
from whyformer.foundation.wording import counted
from whyformer.interop.convert import ParityError
from whyformer.interop.gate import random_pieces
from whyformer.interop.huggingface.architectures.architecture import Vocabularies
from whyformer.interop.huggingface.parity import Comparison, compare
from whyformer.interop.huggingface.reading import read_model
from whyformer.interop.huggingface.text_parity import TextComparison, compare_texts
from whyformer.models.bert import AnswerOf, BERTSettings
from whyformer.models.build import ModelSettings, SourceModel
from whyformer.models.gpt import GPTSettings
from whyformer.text.imported import Imported

SENTENCES = 10
"""Default number of sentences in the comparison."""


def fine_tuning(settings: ModelSettings, decoding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe of an imported run, which ``--start-from`` uses.

    The training settings are those of the examples of transformers. The learning rate of a new
    model is so high that a trained model would forget what it knows.
    Args: decoding: the search settings of the imported model.
    """
    recipe: dict[str, Any] = {
        "training": {
            "minutes": 20,
            "batch_tokens": 2048,
            "optimizer": "adamw",
            "betas": [0.9, 0.999],
            "epsilon": 1e-8,
            "learning_rate": 5e-5,
            "schedule": "linear",
            "warmup": 50,
            "label_smoothing": 0.0,
            "clip": 1.0,
        },
    }
    if isinstance(settings, BERTSettings | GPTSettings):
        task = task_of(settings)
        labels = task in ("classify", "tag")
        return recipe | {
            "description": f"Train an imported model on your own data, for the task {task}.",
            "task": task,
            "data": {"row_tokens": min(settings.max_length, 256)},
            "validation": {"metric": "accuracy" if labels else "loss"},
        }
    longest = getattr(settings, "longest_source", None)
    recipe |= {
        "description": "Train an imported model on your own sentence pairs.",
        "task": "translate",
        "validation": {"metric": "bleu", "sentences": 300, "patience": 8},
        "decoding": dict(decoding),
    }
    if longest is not None:
        recipe["data"] = {"filters": {"max_tokens": min(longest - 1, 256)}}
    return recipe


def task_of(settings: BERTSettings | GPTSettings) -> str:
    """Return the task for which a model is fine-tuned."""
    if isinstance(settings, GPTSettings):
        return "language"
    if settings.answer_of is AnswerOf.TOKENS:
        return "tag"
    return "regress" if settings.outputs == 1 else "classify"


@dataclass(frozen=True)
class ImportedRun:
    """A run that was imported. Args: comparison: None if the model was not compared."""

    directory: Path
    model_type: str
    summary: str
    comparison: Comparison | TextComparison | None
    reason: str
    notes: list[str]

    def lines(self) -> list[str]:
        """Return the result as lines of text for the user."""
        compared = [self.reason] if self.comparison is None else self.comparison.lines()
        return [
            f"model: {self.model_type}, {self.summary}",
            *compared,
            *(f"note: {note}" for note in self.notes),
            f"The run is in {self.directory}.",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "directory": str(self.directory),
            "model_type": self.model_type,
            "compared": None if self.comparison is None else self.comparison.to_json(),
            "notes": self.notes,
        }


def import_model(
    path: Path,
    out: Path,
    *,
    sentences: int = SENTENCES,
    say: Callable[[str], None] = lambda text: None,
) -> ImportedRun:
    """Import a model directory of Hugging Face into a new run directory.

    If transformers is installed, both models are compared before the run is written.
    Args:
        sentences: number of random sentences to compare; 0 does not compare.
        say: called with progress messages.
    Raises:
        BundleError: the directory is incomplete or damaged.
        UsageError: whyformer cannot express the model.
        OutputError: ``out`` exists.
        ParityError: the imported model computes something else.
    """
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise OutputError(f"`{out}` already exists. Choose another directory for the run.")
    read = read_model(path)
    comparison, reason = _compared(path, read.bundle, sentences, say)
    if comparison is not None and (faults := comparison.faults()):
        raise ParityError(
            f"The imported model differs from `{path}` and is not kept: {'; '.join(faults)}."
        )
    facts = read.bundle.facts
    known = facts["imported"] | {"compared": comparison and comparison.to_json()}
    with atomic_directory(out) as temporary:
        save_bundle(temporary / "model", replace(read.bundle, facts=facts | {"imported": known}))
        recipe = fine_tuning(read.bundle.model.settings, facts.get("decoding", {}))
        write_text(temporary / RECIPE, yaml.safe_dump(recipe, sort_keys=False))
    summary = read.bundle.model.settings.summary
    return ImportedRun(out, read.model_type, summary, comparison, reason, read.notes)


def _compared(
    path: Path, bundle: Bundle, sentences: int, say: Callable[[str], None]
) -> tuple[Comparison | TextComparison | None, str]:
    """Return the comparison with transformers, or None and the reason why there is none."""
    source, target = bundle.source_tokenizer, bundle.target_tokenizer
    if not sentences:
        return None, "not compared with transformers"
    assert isinstance(source, Imported)
    assert isinstance(target, Imported)
    texts = [source.decode(ids) for ids in random_pieces(len(source), sentences)]
    texts = [text for text in texts if text.strip()]
    say(f"Comparing {counted(len(texts), 'random sentence')} with transformers.")
    vocabularies = Vocabularies(source.theirs, target.theirs)
    try:
        if isinstance(bundle.model, SourceModel):
            return compare(path, bundle, vocabularies, texts, "random sentence"), ""
        return compare_texts(path, bundle, source.theirs, texts, "random sentence"), ""
    except MissingExtraError as error:
        return None, f"not compared with transformers: {error}"
