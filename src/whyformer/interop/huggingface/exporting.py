"""Export a run to a model directory of Hugging Face, and keep it only if transformers computes the
same."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from whyformer.bundle import Bundle, load_bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import OutputError, UsageError
from whyformer.foundation.files import atomic_directory, write_text
from whyformer.foundation.model_files import CONFIG
from whyformer.foundation.parsing import parse_json, read_json, read_small
from whyformer.foundation.wording import counted
from whyformer.interop.convert import ParityError
from whyformer.interop.gate import random_pieces
from whyformer.interop.huggingface.architectures.architecture import Architecture, Vocabularies
from whyformer.interop.huggingface.architectures.known import ARCHITECTURES
from whyformer.interop.huggingface.directory import write_directory
from whyformer.interop.huggingface.generation import generation_settings
from whyformer.interop.huggingface.parity import Comparison, compare, transformers_library
from whyformer.interop.huggingface.sentencepiece_files import (
    is_sentencepiece,
    write_sentencepiece,
)
from whyformer.interop.huggingface.text_parity import TextComparison, compare_texts
from whyformer.interop.huggingface.tokenizer import Frame, write_tokenizer
from whyformer.models.bert import BERT
from whyformer.models.build import SourceModel
from whyformer.models.transformer import Transformer
from whyformer.text.imported import Imported
from whyformer.text.symbols import BOS, EOS

TEXTS = 20
"""Default number of texts in the comparison."""
CARD = "README.md"
START = "<start-of-target>"
"""The token that is added to a BART model; see `with_own_start`."""


@dataclass(frozen=True)
class Exported:
    """A model directory that was written, and its comparison with the run."""

    directory: Path
    class_name: str
    comparison: Comparison | TextComparison

    def lines(self) -> list[str]:
        """Return the result as lines of text for the user."""
        return [
            f"class: {self.class_name}",
            *self.comparison.lines(),
            f"The model is in {self.directory}.",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "directory": str(self.directory),
            "class": self.class_name,
            "compared": self.comparison.to_json(),
        }


def export(
    run: Path,
    out: Path,
    *,
    card: str | None = None,
    texts: int = TEXTS,
    say: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Write the model of a run as a directory that `from_pretrained` of transformers loads.

    Args:
        card: the model card, which becomes `README.md`; None writes no card.
        texts: number of random texts to compare.
        say: called with progress messages.
    Raises:
        UsageError: no architecture of Hugging Face can express the model or its tokenizer.
        OutputError: ``out`` exists.
        ParityError: transformers computes something else.
    """
    transformers_library()
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise OutputError(f"`{out}` already exists. Choose another directory for the model.")
    bundle = load_bundle(run)
    settings, facts = bundle.model.settings, bundle.facts
    architecture = architecture_for(bundle)
    vocabularies = Vocabularies(ids_of(bundle.source_tokenizer), ids_of(bundle.target_tokenizer))
    vocabularies, start = with_own_start(bundle, vocabularies)
    config = architecture.config_from(settings, vocabularies)
    config |= architecture.facts_to(settings, facts)
    generation = architecture.generation_to(vocabularies)
    if isinstance(bundle.model, SourceModel):
        search = SearchSettings.model_validate(facts.get("decoding", {}))
        generation |= generation_settings(search, settings.max_length)
    if lead := bundle.target_tokenizer.lead:
        generation["forced_bos_token_id"] = vocabularies.target[lead[0]]
    weights = _in_units(dict(bundle.model.named_parameters()), facts)
    with atomic_directory(out) as temporary:
        write_directory(
            temporary,
            config,
            generation,
            architecture.weights_out(weights, settings, vocabularies),
        )
        masked = isinstance(bundle.model, BERT) and not bundle.model.settings.outputs
        longest = facts.get("row_tokens", settings.max_length)
        source, target = bundle.source_tokenizer, bundle.target_tokenizer
        if is_sentencepiece(source) and is_sentencepiece(target):
            write_sentencepiece(temporary, source, target, max_length=longest)
        else:
            write_tokenizer(
                temporary,
                source,
                frame_of(bundle),
                max_length=longest,
                keep_spaces=facts.get("keep_spaces") is True,
                symbols_in_text=masked,
            )
        if start is not None:
            _add_token(temporary / "tokenizer.json", START, start)
        if card is not None:
            write_text(temporary / CARD, card)
        say(f"Comparing {counted(texts, 'random text')} with transformers.")
        comparison = _compared(temporary, bundle, vocabularies, texts)
        if faults := comparison.faults():
            raise ParityError(
                f"The exported model differs from `{run}` and is not kept: {'; '.join(faults)}. "
                "If the run was imported, import the model again. Otherwise, please report this."
            )
    return Exported(out, config["architectures"][0], comparison)


def is_exported(path: Path) -> bool:
    """Return whether a directory contains a model of Hugging Face, such as `export` writes it."""
    if not (path / CONFIG).is_file():
        return False
    try:
        return "model_type" in read_json(path / CONFIG)
    except (OSError, ValueError):
        return False


def architecture_for(bundle: Bundle) -> Architecture:
    """Return the first architecture that can express a model.

    Raises: UsageError with the reasons of the architecture with the fewest reasons.
    """
    settings = bundle.model.settings
    found = {
        one: one.refusals(settings) or one.refusals_of(bundle.facts)
        for one in ARCHITECTURES
        if one.exports
    }
    for one, reasons in found.items():
        if not reasons:
            return one
    same_family = [r for r in found.values() if not r[0].startswith("`model.family`")]
    if not same_family:
        raise UsageError(
            f"A model of the family {settings.family} cannot be exported: no model of Hugging Face "
            "is like it. Use it with whyformer."
        )
    fewest = min(len(reasons) for reasons in same_family)
    closest = [reasons for reasons in same_family if len(reasons) == fewest]
    shown = "; or ".join("; ".join(reasons) for reasons in closest)
    raise UsageError(
        f"No model of Hugging Face can express this model. The closest ones: {shown}. Train it "
        "with these settings, or use it with whyformer."
    )


def ids_of(tokenizer: Any) -> Any:
    """Return the id of each of our ids in the exported model. Imported tokenizers keep theirs."""
    return tokenizer.theirs if isinstance(tokenizer, Imported) else range(len(tokenizer))


def with_own_start(bundle: Bundle, vocabularies: Vocabularies) -> tuple[Vocabularies, int | None]:
    """Return vocabularies in which bos and eos have different ids, and the id that bos gets.

    An imported BART begins a target with the row of eos. Training changes the two rows of whyformer
    differently, so bos then needs a separate row.
    Returns: the given vocabularies and None if bos and eos have different ids or the same vector.
    """
    ids = list(vocabularies.target)
    if not isinstance(bundle.model, Transformer) or ids[BOS] != ids[EOS]:
        return vocabularies, None
    table = bundle.model.decoder.embedding.weight
    if bool((table[BOS] == table[EOS]).all()):
        return vocabularies, None
    ids[BOS] = start = max(vocabularies.other_sizes)
    return Vocabularies(ids, ids), start


def _add_token(path: Path, token: str, number: int) -> None:
    """Add a special token to a `tokenizer.json`."""
    content = parse_json(read_small(path))
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    content["added_tokens"].append({"id": number, "content": token, "special": True} | flags)
    write_text(path, json.dumps(content, ensure_ascii=False))


def frame_of(bundle: Bundle) -> Frame:
    """Return the symbols that a model reads around a text.

    Raises: UsageError if source and target have different tokenizers.
    """
    if isinstance(bundle.model, SourceModel):
        if not bundle.shared:
            raise UsageError(
                "A model with two tokenizers cannot be exported, because transformers loads one "
                "tokenizer.json. Train the model with `text.shared: true`."
            )
        return Frame.SOURCE
    return Frame.TEXTS if isinstance(bundle.model, BERT) else Frame.PROMPT


def _in_units(weights: dict[str, Tensor], facts: dict[str, Any]) -> dict[str, Tensor]:
    """Return the weights; the output of a regression is in the units of its numbers.

    The output of whyformer is (number - mean) / deviation.
    """
    if "answer.weight" not in weights or facts.get("labels"):
        return weights
    mean, deviation = facts.get("mean", 0.0), facts.get("deviation", 1.0)
    return weights | {
        "answer.weight": weights["answer.weight"] * deviation,
        "answer.bias": weights["answer.bias"] * deviation + mean,
    }


def _compared(
    path: Path, bundle: Bundle, vocabularies: Vocabularies, count: int
) -> Comparison | TextComparison:
    tokenizer = bundle.source_tokenizer
    texts = [tokenizer.decode(ids) for ids in random_pieces(len(tokenizer), count)]
    texts = [text for text in texts if text.strip()]
    if isinstance(bundle.model, SourceModel):
        return compare(path, bundle, vocabularies, texts, "random text")
    return compare_texts(path, bundle, vocabularies.source, texts, "random text")
